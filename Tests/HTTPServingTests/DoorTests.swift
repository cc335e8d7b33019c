import Bytes
import Glibc
import HTTPMessages
import HTTPServing
import Monitoring
import Testing

/// Who may connect, and when a connection ends.
@Suite struct DoorTests {
    private let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

    private func clients(_ count: Int, of server: HTTPServer, from number: UInt32) throws
        -> [RawClient]
    {
        try (0..<count).map { _ in
            let client = try RawClient(server, from: number)
            client.send(get)
            #expect(try client.answer().status == 200)
            return client
        }
    }

    private func isAnswered(_ client: RawClient) -> Bool {
        client.send(get)
        return (try? client.answer().status) == 200
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<2500 {
            if condition() { return true }
            usleep(2000)
        }
        return false
    }

    @Test("An address over its limit is turned away, and others are not", arguments: [1, 3])
    func perAddress(threads: Int) throws {
        let server = try serve(with: {
            $0.connectionsPerAddressMax = 4
            $0.threads = threads
        })
        let held = try clients(4, of: server, from: 1)
        #expect(try RawClient(server).isClosedByServer())
        #expect(server.connections.overAddressLimit == 1)
        let other = try clients(1, of: server, from: 2)
        #expect((held + other).allSatisfy(isAnswered))
        #expect(server.connections.open == 5)
        held[0].drop()
        #expect(eventually { server.connections.open == 4 })
        #expect(isAnswered(try RawClient(server)))
    }

    @Test("Where all places are taken, whoever holds most gives way to who holds fewer")
    func givingWay() throws {
        let server = try serve(with: {
            $0.connectionsMax = 10
            $0.connectionsPerAddressMax = 0
        })
        let greedy = try clients(10, of: server, from: 1)
        let others = try (2...6).flatMap { try clients(1, of: server, from: $0) }
        #expect(server.connections.gaveWay == 5)
        #expect(others.allSatisfy(isAnswered))
        #expect(greedy.filter(isAnswered).count == 5)
        #expect(try RawClient(server).isClosedByServer())
        #expect(server.connections.overTotalLimit == 1)
        #expect(others.allSatisfy(isAnswered))
    }

    @Test("Where every place is another address's, newcomers wait until one is free")
    func waiting() throws {
        let server = try serve(with: { $0.connectionsMax = 3 })
        let held = try (2...4).map { try clients(1, of: server, from: $0)[0] }
        let newcomer = try RawClient(server, from: 9)
        newcomer.send(get)
        usleep(200_000)
        #expect(held.allSatisfy(isAnswered))
        held[1].drop()
        #expect(try newcomer.answer().status == 200)
        #expect(server.connections.gaveWay == 0)
    }

    @Test("Addresses of trusted proxies hold any number, and never give way")
    func exempt() throws {
        let server = try serve(with: {
            $0.connectionsMax = 12
            $0.connectionsPerAddressMax = 2
            $0.exemptProxies = [CIDR("127.0.0.7/32")!]
        })
        let held = try clients(10, of: server, from: 7)
        _ = try clients(2, of: server, from: 1) + clients(1, of: server, from: 2)
        #expect(server.connections.gaveWay == 1)
        #expect(held.allSatisfy(isAnswered))
    }

    @Test("An upgraded socket is no connection of HTTP any more")
    func upgraded() throws {
        let server = try serve(with: { $0.connectionsPerAddressMax = 4 }) { _ in
            .upgrade(headers: HeaderFields([("Upgrade", "test")])) { _ = $0.descriptor }
        }
        let sockets = try (0..<6).map { _ in
            let client = try RawClient(server)
            client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
            #expect(try client.answer().status == 101)
            return client
        }
        #expect(sockets.count == 6)
        #expect(eventually { server.connections.open == 0 })
    }

    @Test(
        "Half a request whose sender has ended is let go at once",
        arguments: [
            "G", "GET / HTTP/1.1\r\nHost: x\r\nX",
            "POST / HTTP/1.1\r\nHost: x\r\n"
                + "Content-Length: 9\r\n\r\nabc",
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ])
    func halfSent(start: String) throws {
        let server = try serve(with: {
            $0.requestSecondsMax = 0
            $0.keepaliveSeconds = 0
        })
        for _ in 0..<50 {
            let client = try RawClient(server)
            client.send(start)
            client.finishSending()
        }
        #expect(eventually { server.connections.open == 0 })
    }

    @Test(
        "Who ends behind a whole request is answered, and the connection closed",
        arguments: [0, 10, 60_000, 1_000_000])
    func halfClosed(bodyBytes: Int) throws {
        let server = try serve(with: {
            $0.bodyBytesMax = 1 << 20
            $0.keepaliveSeconds = 0
            $0.requestSecondsMax = 0
        })
        for _ in 0..<20 {
            let client = try RawClient(server)
            let body = String(repeating: "b", count: bodyBytes)
            client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(bodyBytes)\r\n\r\n\(body)")
            client.finishSending()
            #expect(try client.answer().text.contains("body \(bodyBytes) "))
            #expect(client.isClosedByServer())
        }
        #expect(eventually { server.connections.open == 0 })
    }

    @Test("All of several requests that come at once, with their sender's end, are answered")
    func pipelinedAndEnded() throws {
        let server = try serve()
        for _ in 0..<20 {
            let client = try RawClient(server)
            client.send(String(repeating: get, count: 20))
            client.finishSending()
            for _ in 0..<20 { #expect(try client.answer().status == 200) }
            #expect(client.isClosedByServer())
        }
    }

    @Test("Nothing is read behind a chunked request, which opens no socket either")
    func chunked() throws {
        let chunks = ["1\r\na\r\n0\r\n\r\n", "1\na\n0\n\n", "1\r\na\r\n0\r\nHost: y\r\n\r\n"]
        let server = try serve()
        for body in chunks {
            let client = try RawClient(server)
            let head = "POST / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
            client.send("\(head)Transfer-Encoding: chunked\r\n\r\n\(body)\(get)")
            let answer = try client.answer()
            #expect(answer.headers["Connection"] == "close")
            #expect(answer.text.hasSuffix("body 1 a") && !answer.text.contains("Upgrade"))
            #expect(client.isClosedByServer())
        }
    }
}
