package import Bytes
package import HTTPMessages

/// A request to an AWS service, before it is signed.
package struct AWSRequest: Equatable, Sendable {
    /// In capitals.
    package var method: ByteText
    /// As `Host` is sent: with the port where that is not the scheme's own.
    package var host: ByteText
    package var target: AWSTarget
    /// Without `Host`, which is the sender's to write.
    package var headers: HeaderFields
    package var body: [UInt8]

    package init(
        method: ByteText, host: ByteText, target: AWSTarget = .root,
        headers: HeaderFields = HeaderFields(), body: [UInt8] = []
    ) {
        self.method = method
        self.host = host
        self.target = target
        self.headers = headers
        self.body = body
    }
}

/// Who signs. Shows no more of itself than its id, wherever it is printed.
package struct AWSCredentials: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    package let accessKeyID: ByteText
    let secretAccessKey: ByteText
    /// What belongs to keys that are lent for some hours, as those of a function are.
    let sessionToken: ByteText?

    package init(
        accessKeyID: ByteText, secretAccessKey: ByteText, sessionToken: ByteText? = nil
    ) {
        self.accessKeyID = accessKeyID
        self.secretAccessKey = secretAccessKey
        self.sessionToken = sessionToken
    }

    package var description: String { "credentials of \(accessKeyID)" }
    package var customMirror: Mirror { Mirror(self, children: ["accessKeyID": accessKeyID]) }
}
