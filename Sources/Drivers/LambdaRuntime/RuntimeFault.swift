package import Bytes
package import HTTPClient

/// Why the Runtime API is of no use, or took no answer.
package enum RuntimeFault: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Step: String, Sendable {
        case next, response, error
        case initError = "init/error"
    }

    /// `AWS_LAMBDA_RUNTIME_API` is no `host:port`.
    case address
    case noAnswer(Step, HTTPClientError)
    /// Answered with a status that it has no reason for.
    case refused(Step, status: Int)
    /// An event that nobody could answer.
    case withoutRequestID
    /// An event for which nobody knows how much time there is.
    case withoutDeadline(ByteText)

    /// Whether the process has to end, and Lambda to make another environment: the next event
    /// cannot be asked for.
    var isOver: Bool {
        switch self {
        // 400: it is answered already, or its time is over. 413: the answer was too large.
        case .refused(.response, let status), .refused(.error, let status):
            ![400, 403, 413].contains(status)
        case .withoutDeadline: false
        case .address, .noAnswer, .refused, .withoutRequestID: true
        }
    }

    package var description: String {
        switch self {
        case .address:
            "AWS_LAMBDA_RUNTIME_API is no host:port: Lambda sets it, so let Lambda start this"
        case .noAnswer(let step, let error): "the Runtime API (\(step.rawValue)): \(error)"
        case .refused(let step, let status):
            "the Runtime API (\(step.rawValue)) answered with status \(status)"
        case .withoutRequestID: "an event came without its request id"
        case .withoutDeadline: "an event came without its deadline"
        }
    }
}
