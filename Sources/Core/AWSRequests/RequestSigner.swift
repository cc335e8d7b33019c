package import Bytes
package import HTTPMessages

/// Signs requests to one AWS service: Signature Version 4, in the header, over the whole body, for
/// every service but S3.
package struct RequestSigner: Sendable {
    package typealias Digest = @Sendable (_ bytes: [UInt8]) -> [UInt8]
    package typealias MAC = @Sendable (_ bytes: [UInt8], _ secret: [UInt8]) -> [UInt8]

    private static let algorithm = "AWS4-HMAC-SHA256"
    /// Fields that concern a single connection, or that those on the way may change.
    private static let unsigned: [ByteText] = [
        "connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization", "te",
        "trailer", "transfer-encoding", "upgrade", "user-agent", "x-amzn-trace-id",
    ]
    /// Fields that are written here, or by whoever sends the request.
    private static let own: [ByteText] = [
        "authorization", "host", "x-amz-date", "x-amz-security-token",
    ]

    private let region: ByteText
    private let service: ByteText
    private let sha256: Digest
    private let hmacSHA256: MAC

    /// - Parameters:
    ///   - region: `eu-central-1`, say.
    ///   - service: By the name that it has in signatures: `dynamodb`, `execute-api`, `sqs`.
    ///   - sha256: SHA-256.
    ///   - hmacSHA256: HMAC with SHA-256.
    package init(
        region: ByteText, service: ByteText, sha256: @escaping Digest, hmacSHA256: @escaping MAC
    ) {
        self.region = region
        self.service = service
        self.sha256 = sha256
        self.hmacSHA256 = hmacSHA256
    }

    /// The fields to send with the request, besides `Host` and what frames the body: its own, then
    /// `X-Amz-Date`, `X-Amz-Security-Token` where the credentials have one, and `Authorization`.
    package func sign(
        _ request: AWSRequest, with credentials: AWSCredentials,
        atSecondsSinceEpoch seconds: Int64
    ) -> HeaderFields {
        let time = SignatureTime(secondsSinceEpoch: seconds)
        var headers = request.headers
        Self.own.forEach { headers.remove($0) }
        headers.add("X-Amz-Date", ByteText(time.text))
        if let token = credentials.sessionToken { headers.add("X-Amz-Security-Token", token) }

        let (names, lines) = Self.canonical(headers, host: request.host)
        let canonical = [
            request.method.description, request.target.signedPath, request.target.query, lines,
            names, Hex.lower(sha256(request.body)),
        ].joined(separator: "\n")
        let parts = [ByteText(time.day), region, service, "aws4_request"]
        let scope = parts.joined(separator: "/")
        let toSign = [
            Self.algorithm, time.text, scope, Hex.lower(sha256(Array(canonical.utf8))),
        ].joined(separator: "\n")
        let key = parts.reduce(Array("AWS4\(credentials.secretAccessKey)".utf8)) { key, part in
            hmacSHA256(Array(part.utf8), key)
        }
        let signature = Hex.lower(hmacSHA256(Array(toSign.utf8), key))
        headers.add(
            "Authorization",
            """
            \(Self.algorithm) Credential=\(credentials.accessKeyID)/\(scope), \
            SignedHeaders=\(names), Signature=\(signature)
            """)
        return headers
    }

    /// The names of the fields that are signed, and the fields, each with a newline behind it.
    private static func canonical(
        _ headers: HeaderFields, host: ByteText
    ) -> (names: String, lines: String) {
        var values: [ByteText: [String]] = ["host": [squeezed(host)]]
        for field in headers.fields {
            let name = FieldGrammar.lowercased(field.name)
            guard !unsigned.contains(name) else { continue }
            values[name, default: []].append(squeezed(field.value))
        }
        let sorted = values.sorted { $0.key < $1.key }
        let lines = sorted.map { "\($0.key):\($0.value.joined(separator: ","))\n" }.joined()
        return (sorted.map(\.key).joined(separator: ";"), lines)
    }

    /// Without blanks at either end, and with one space for several blanks.
    private static func squeezed(_ value: ByteText) -> String {
        value.utf8.split { $0 == 0x20 || $0 == 0x09 }
            .map { String(Substring($0)) }.joined(separator: " ")
    }
}
