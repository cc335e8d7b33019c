package import Bytes
import HTTPMessages

/// An event that the function is to handle.
package struct Invocation: Equatable, Sendable {
    /// Unreserved characters of a URL alone.
    package let requestID: ByteText
    /// Since the Unix epoch; the process is ended then.
    package let deadlineMilliseconds: Int64
    /// JSON, not looked into.
    package let body: [UInt8]

    package init(requestID: ByteText, deadlineMilliseconds: Int64, body: [UInt8]) {
        self.requestID = requestID
        self.deadlineMilliseconds = deadlineMilliseconds
        self.body = body
    }

    init(_ answer: HTTPResponse) throws(RuntimeFault) {
        guard answer.status == 200 else { throw .refused(.next, status: answer.status) }
        let id = answer.headers.find("Lambda-Runtime-Aws-Request-Id")
        guard id.count == 1, let requestID = id.first, Self.isRequestID(requestID) else {
            throw .withoutRequestID
        }
        let deadline = answer.headers.find("Lambda-Runtime-Deadline-Ms")
        guard deadline.count == 1, let text = deadline.first, let number = Self.number(text) else {
            throw .withoutDeadline(requestID)
        }
        self.init(requestID: requestID, deadlineMilliseconds: number, body: answer.body)
    }

    /// It becomes part of a path.
    private static func isRequestID(_ text: ByteText) -> Bool {
        (1...128).contains(text.count)
            && text.utf8.allSatisfy { byte in
                0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    private static func number(_ text: ByteText) -> Int64? {
        guard (1...16).contains(text.count), text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        return Int64(text.string)
    }
}

/// What the function makes of an event.
package struct Handled {
    package let reply: Result<[UInt8], FunctionFault>
    /// Done once the reply is there, before the next event is asked for. The time that it takes is
    /// the invocation's.
    package let after: (() -> Void)?

    package init(_ reply: Result<[UInt8], FunctionFault>, after: (() -> Void)? = nil) {
        self.reply = reply
        self.after = after
    }
}

/// What is reported in place of a reply.
package struct FunctionFault: Error, Equatable, Sendable {
    /// `Usher.Setting`, say: a category and a reason, for whoever counts them.
    package let type: ByteText
    /// One sentence for people, without anything secret: it goes into the log of the platform, and
    /// to whoever invoked the function.
    package let message: String

    package init(type: ByteText, message: String) {
        self.type = type
        self.message = message
    }
}
