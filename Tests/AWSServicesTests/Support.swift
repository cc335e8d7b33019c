import AWSRequests
import Bytes
import HTTPClient
import ServerSupport

@testable import AWSServices

/// Access to services that a server of a test plays.
func access(within time: Duration = .seconds(20)) -> AWSAccess {
    AWSAccess(
        credentials: AWSCredentials(
            accessKeyID: "ASIAKEY", secretAccessKey: "secret-key", sessionToken: "session-token"),
        region: "eu-central-1", clients: ClientPool(trust: TLSTrust()),
        work: WorkDeadline(Deadline(after: time)), now: { 1_700_000_000 })
}

func url(_ port: UInt16, _ path: String = "") throws -> HTTPURL {
    try HTTPURL("http://127.0.0.1:\(port)\(path)")
}

/// A port on which nobody listens.
func freePort() throws -> UInt16 { try ScriptedServer { _ in }.port }

extension String {
    var head: [Substring] { split(separator: "\r\n") }

    func field(_ name: String) -> Substring? {
        head.first { $0.hasPrefix(name + ": ") }?.dropFirst(name.count + 2)
    }
}
