package import Bytes
import HTTPClient
package import HTTPMessages
import StrictJSON

/// Why a service did not do what it was asked for. The texts name origins and codes alone.
package enum AWSFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Surely not done: refused, throttled for longer than there was time, or never sent.
    case unavailable(String)
    /// Perhaps done: sent, and no answer came, or that the service failed.
    case unknown(String)
    /// More than the service takes.
    case tooLarge

    package var description: String {
        switch self {
        case .unavailable(let reason): reason
        case .unknown(let reason): "\(reason) (it may be done all the same)"
        case .tooLarge: "it is larger than the service takes"
        }
    }
}

extension HTTPResponse {
    /// The name of the error that a service of AWS answered with, without its namespace; empty
    /// where it names none.
    package var awsErrorType: ByteText {
        if let type = headers["x-amzn-ErrorType"] {
            return Self.bare(type.split(separator: UInt8(ascii: ":")).first ?? "")
        }
        let document = (try? JSONValue.parse(body))?.object
        return Self.bare((document?["__type"] ?? document?["code"])?.string ?? "")
    }

    private static func bare(_ type: ByteText) -> ByteText {
        let name = type.split(separator: UInt8(ascii: "#")).last ?? ""
        let isName = name.count <= 80 && FieldGrammar.isToken(name)
        return isName ? name : ""
    }

    /// Whether it was not done, and may be asked for again a little later.
    package var isAWSThrottle: Bool {
        guard status != 429 else { return true }
        let names: [ByteText] = [
            "ThrottlingException", "Throttling", "RequestThrottled", "RequestThrottledException",
            "TooManyRequestsException", "LimitExceededException", "RequestLimitExceeded",
            "ProvisionedThroughputExceededException",
        ]
        return (status == 400 || status == 503) && names.contains(awsErrorType)
    }

    /// Status and error, for people.
    package var awsReason: String {
        let type = awsErrorType
        return type.isEmpty ? "status \(status)" : "status \(status) (\(type))"
    }
}

extension HTTPClientError {
    /// Whether another try may end better.
    package var isPassing: Bool {
        switch self {
        case .nameNotResolved, .notConnected, .timedOut, .connectionLost, .closedEarly: true
        case .handshakeFailed, .answerRefused: true
        case .invalidURL, .invalidRequest, .trustUnreadable, .trustWithoutCertificate,
            .tlsUnavailable, .certificateRefused:
            false
        }
    }
}
