package import Bytes
package import HTTPClient
import HTTPMessages
import StrictJSON

/// A queue of SQS whose messages come back to the function after a delay.
package struct DelayQueue: Sendable {
    /// The longest delay that SQS knows.
    package static let secondsMax = 900

    private let service: AWSService
    private let url: ByteText

    /// - Parameters:
    ///   - url: The queue's own: `https://sqs.{region}.amazonaws.com/{account}/{name}`.
    ///   - access: Who asks, and by what.
    package init(_ url: HTTPURL, _ access: AWSAccess) {
        self.url = "\(url.origin)\(url.target)"
        service = AWSService("sqs", at: url, access)
    }

    /// Has this text delivered after so many seconds, once or more often.
    ///
    /// - Parameters:
    ///   - text: Not empty.
    ///   - seconds: What is over 15 minutes counts as those.
    /// - Throws: `AWSFault`.
    package func send(_ text: ByteText, afterSeconds seconds: Int) throws(AWSFault) {
        let document: JSONValue = [
            "QueueUrl": .string(url), "MessageBody": .string(text),
            "DelaySeconds": .number(JSONNumber(Int64(min(max(0, seconds), Self.secondsMax)))),
        ]
        let body = document.serialized()
        let answer = try service.untilAnswered { () throws(HTTPClientError) in
            try service.call("AmazonSQS.SendMessage", body, isRepeatable: true)
        }
        guard answer.status == 200 else {
            throw .unavailable("SendMessage: \(answer.awsReason)")
        }
    }
}
