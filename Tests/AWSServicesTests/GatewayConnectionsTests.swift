import Bytes
import HTTPClient
import ServerSupport
import Testing

@testable import AWSServices

@Suite struct GatewayConnectionsTests {
    private func connections(
        _ port: UInt16, within time: Duration = .seconds(20)
    ) throws -> GatewayConnections {
        try #require(GatewayConnections(at: try url(port, "/prod"), access(within: time)))
    }

    private func posted(
        _ answers: [String], within time: Duration = .seconds(20)
    ) throws -> (Result<Bool, AWSFault>, ListedServer) {
        let server = try ListedServer(answers)
        let connections = try connections(server.port, within: time)
        do throws(AWSFault) {
            return (.success(try connections.post("id", [1])), server)
        } catch {
            return (.failure(error), server)
        }
    }

    @Test("A message is posted to the stage's own path, signed")
    func post() throws {
        let server = try ListedServer(["200"])
        #expect(try connections(server.port).post("L0SM9cOFvHcCIhw=", Array("hello".utf8)))
        let request = try #require(server.requests.first)
        #expect(request.head[0] == "POST /prod/%40connections/L0SM9cOFvHcCIhw%3D HTTP/1.1")
        #expect(request.hasSuffix("\r\n\r\nhello"))
        #expect(request.field("X-Amz-Date") == "20231114T221320Z")
        #expect(request.field("X-Amz-Security-Token") == "session-token")
        let credential = "Credential=ASIAKEY/20231114/eu-central-1/execute-api/aws4_request,"
        #expect(request.field("Authorization")?.contains(credential) == true)
        #expect(!request.contains("secret-key"))
    }

    @Test("A connection is closed by a DELETE, and one that is gone is closed")
    func end() throws {
        let server = try ListedServer(["204", "410"])
        let connections = try connections(server.port)
        try connections.end("a")
        try connections.end("a")
        #expect(
            server.requests.map { $0.head[0] }
                == Array(repeating: "DELETE /prod/%40connections/a HTTP/1.1", count: 2))
    }

    @Test("A connection that is gone is told of as a value, at once")
    func gone() throws {
        let (result, server) = try posted(["410", "200"])
        #expect(result == .success(false))
        #expect(server.requests.count == 1)
    }

    @Test("What is too large is not sent again")
    func tooLarge() throws {
        let (result, server) = try posted(["413", "200"])
        #expect(result == .failure(.tooLarge))
        #expect(server.requests.count == 1)
    }

    @Test("What is refused is not sent again, and the refusal's name is told")
    func refused() throws {
        let refusal = ListedServer.answer(
            403, "", field: "x-amzn-ErrorType: AccessDeniedException:http://example")
        let (result, server) = try posted([refusal, "200"])
        #expect(
            result
                == .failure(.unavailable("@connections: status 403 (AccessDeniedException)")))
        #expect(server.requests.count == 1)
    }

    @Test(
        "Throttles and failures are waited out",
        arguments: [
            ["429", "429", "200"], ["500", "200"], ["503", "429", "200"],
            [
                ListedServer.answer(400, #"{"__type":"com.amazon.coral#ThrottlingException"}"#),
                "200",
            ],
        ])
    func retried(_ answers: [String]) throws {
        let (result, server) = try posted(answers)
        #expect(result == .success(true))
        #expect(server.requests.count == answers.count)
    }

    @Test("With the deadline over, nothing is sent again")
    func deadline() throws {
        // Long, since the server may have to wait for a processor.
        let (throttled, server) = try posted(["429"], within: .seconds(3))
        #expect(throttled == .failure(.unavailable("status 429")))
        #expect((2...40).contains(server.requests.count))
        let (failed, _) = try posted(["500"], within: .seconds(3))
        #expect(failed == .failure(.unknown("status 500")))
        let (mixed, _) = try posted(["500", "429"], within: .seconds(3))
        #expect(mixed == .failure(.unknown("status 429")))
    }

    @Test("Who says nothing is given up at the deadline, as one who may have done it")
    func silent() throws {
        let server = try ScriptedServer { $0.untilEnd() }
        let connections = try connections(server.port, within: .milliseconds(300))
        let start = ContinuousClock.now
        #expect {
            _ = try connections.post("secret-id", [1])
        } throws: { error in
            guard case AWSFault.unknown(let reason) = error else { return false }
            return !reason.contains("secret-id")
        }
        #expect(start.duration(to: .now) < .seconds(5))
    }

    @Test("One who says nothing once does not use up the time of the tries that follow")
    func silentOnce() throws {
        let server = try ScriptedServer { peer in
            guard peer.number > 1 else { return peer.untilEnd() }
            while peer.request() != nil { peer.send("HTTP/1.1 200 S\r\nContent-Length: 0\r\n\r\n") }
        }
        #expect(try connections(server.port).post("a", [1]))
        #expect(server.connections == 2)
    }

    @Test("Where nobody listens, nothing was done")
    func nobody() throws {
        let connections = try connections(try freePort(), within: .milliseconds(200))
        #expect {
            _ = try connections.post("a", [1])
        } throws: { error in
            if case AWSFault.unavailable = error { true } else { false }
        }
    }

    @Test("An address without one stage is none", arguments: ["", "/", "/a/b", "/prod/", "/a?b"])
    func noStage(_ path: String) throws {
        #expect(GatewayConnections(at: try url(80, path), access()) == nil)
    }

    @Test("An id that no path can hold is refused before anything is sent", arguments: ["", ".."])
    func noID(_ id: String) throws {
        let server = try ListedServer(["200"])
        let connections = try connections(server.port)
        #expect(throws: AWSFault.unavailable("the id of the connection is none")) {
            _ = try connections.post(ByteText(id), [1])
        }
        #expect(server.connections == 0)
    }
}
