import AWSRequests
package import Bytes
package import HTTPClient
import HTTPMessages

/// The connections of a WebSocket API: `@connections` at the API's own address. A custom domain has
/// no such path.
package struct GatewayConnections: Sendable {
    private let service: AWSService
    private let stage: ByteText

    /// nil where the address's path is no stage.
    ///
    /// - Parameters:
    ///   - address: Of the stage: `https://{api}.execute-api.{region}.amazonaws.com/{stage}`.
    ///   - access: Who asks, and by what.
    package init?(at address: HTTPURL, _ access: AWSAccess) {
        let path = address.target.dropFirst(1)
        let isStage = path.utf8.allSatisfy { byte in
            0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
                || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
                || byte == UInt8(ascii: "$")
        }
        guard isStage, !path.isEmpty else { return nil }
        stage = path
        service = AWSService("execute-api", at: address, access)
    }

    /// Sends a text message to the client of a connection. One whose fate is unknown is sent again:
    /// it may come twice.
    ///
    /// - Returns: False where the connection is gone, or is not there yet.
    package func post(_ id: ByteText, _ bytes: [UInt8]) throws(AWSFault) -> Bool {
        try ask("POST", id, bytes)
    }

    /// Closes a connection. One that is gone is closed.
    package func end(_ id: ByteText) throws(AWSFault) { _ = try ask("DELETE", id, []) }

    private func ask(
        _ method: ByteText, _ id: ByteText, _ body: [UInt8]
    ) throws(AWSFault) -> Bool {
        guard let target = AWSTarget(segments: [stage, "@connections", id]) else {
            throw .unavailable("the id of the connection is none")
        }
        let answer = try service.untilAnswered { () throws(HTTPClientError) in
            try service.request(method, target, body: body, isRepeatable: true)
        }
        switch answer.status {
        case 200...299: return true
        case 410: return false
        case 413: throw .tooLarge
        default: throw .unavailable("@connections: \(answer.awsReason)")
        }
    }
}
