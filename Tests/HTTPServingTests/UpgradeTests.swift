import Bytes
import Glibc
import HTTPMessages
import HTTPServing
import Locking
import Testing

/// A socket's way out of HTTP.
@Suite(.serialized) struct UpgradeTests {
    private let request = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: t\r\nConnection: Upgrade\r\n\r\n"

    /// Hands sockets over; each is told what came early and then echoes once.
    private final class Adopter: Sendable {
        let sockets = Lock<[UpgradedSocket]>([])

        @Sendable func handle(_ request: HTTPRequest) -> HTTPOutcome {
            let headers = HeaderFields([
                ("Upgrade", "t"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "abc="),
            ])
            return .upgrade(headers: headers) { socket in
                self.sockets.withLock { $0.append(socket) }
            }
        }

        func next() -> UpgradedSocket {
            while true {
                if let socket = sockets.withLock({ $0.popLast() }) { return socket }
                usleep(1000)
            }
        }
    }

    @Test("101 bears exactly the given fields and Date; bytes sent early go with the socket")
    func upgradeWithEarlyBytes() throws {
        let adopter = Adopter()
        let server = try serve(adopter.handle)
        let client = try RawClient(server)
        client.send(request + "early")
        let answer = try client.answer()
        #expect(answer.status == 101)
        let names = answer.headers.fields.map(\.name).sorted()
        #expect(names == ["Connection", "Date", "Sec-WebSocket-Accept", "Upgrade"])
        #expect(answer.headers["Connection"] == "Upgrade")
        let socket = adopter.next()
        #expect(socket.earlyBytes == Array("early".utf8))
        client.send("later")
        var piece = [UInt8](repeating: 0, count: 5)
        while unsafe recv(socket.descriptor, &piece, 5, Int32(MSG_WAITALL)) < 0 { usleep(1000) }
        #expect(piece == Array("later".utf8))
        _ = unsafe Glibc.send(socket.descriptor, piece, 5, 0)
        #expect(try client.bytes(5) == piece)
        close(socket.descriptor)
        #expect(client.isClosedByServer())
    }

    @Test("The socket is non-blocking, close-on-exec, without delay, and outlives the server")
    func socketOptions() throws {
        let adopter = Adopter()
        let server = try serve(adopter.handle)
        let client = try RawClient(server)
        client.send(request)
        #expect(try client.answer().status == 101)
        let socket = adopter.next()
        server.stop()
        #expect(fcntl(socket.descriptor, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(socket.descriptor, F_GETFD) & FD_CLOEXEC != 0)
        var (noDelay, size): (Int32, socklen_t) = (0, 4)
        unsafe getsockopt(socket.descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, &size)
        #expect(noDelay != 0)
        _ = unsafe Glibc.send(socket.descriptor, "alive", 5, 0)
        #expect(try client.bytes(5) == Array("alive".utf8))
        close(socket.descriptor)
    }

    @Test("An upgrade may follow other requests on its connection")
    func upgradeAfterRequests() throws {
        let adopter = Adopter()
        let server = try serve { $0.path == "/ws" ? adopter.handle($0) : echo($0) }
        let client = try RawClient(server)
        client.send("GET /a HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(try client.answer().status == 200)
        client.send(request)
        #expect(try client.answer().status == 101)
        close(adopter.next().descriptor)
    }

    @Test("200 upgrades leave no descriptor behind, nor any request")
    func noDescriptorLeaks() throws {
        let adopter = Adopter()
        let server = try serve(adopter.handle)
        func upgradeOnce() throws {
            let client = try RawClient(server)
            client.send(request)
            #expect(try client.answer().status == 101)
            close(adopter.next().descriptor)
            #expect(client.isClosedByServer())
        }
        try upgradeOnce()
        let before = openSockets(of: server)
        for _ in 0..<200 { try upgradeOnce() }
        while server.requestsInFlight > 0 { usleep(1000) }
        #expect(openSockets(of: server) <= before)
    }

    @Test("An adopter that is never called is let go with its request")
    func adopterIsReleased() throws {
        final class Witness: Sendable {}
        weak let witness: Witness?
        do {
            let held = Witness()
            witness = held
            let server = try serve { _ in
                .upgrade(headers: HeaderFields([("X", "bad\r\n")])) { _ in
                    withExtendedLifetime(held) {}
                }
            }
            #expect(try ask(server, request).status == 500)
            server.stop()
        }
        #expect(witness == nil)
    }

    @Test("An upgrade without a name for the protocol, or in HTTP/1.0, does no harm")
    func strangeUpgrades() throws {
        let adopter = Adopter()
        let server = try serve { request in
            request.path == "/" ? echo(request) : adopter.handle(request)
        }
        let client = try RawClient(server)
        client.send("GET /ws HTTP/1.0\r\nHost: x\r\nUpgrade: t\r\nConnection: Upgrade\r\n\r\n")
        #expect(throws: RawClient.Failure.self) { try client.answer() }
        #expect(try ask(server, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").status == 200)
        #expect(adopter.sockets.withLock { $0.isEmpty })
    }

    /// Descriptors of this process whose local port is the server's.
    private func openSockets(of server: HTTPServer) -> Int {
        (3..<2048).count { number in
            var name = sockaddr_in()
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let status = unsafe withUnsafeMutableBytes(of: &name) { bytes in
                unsafe getsockname(
                    Int32(number), bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), &size)
            }
            return status == 0 && UInt16(bigEndian: name.sin_port) == server.port
        }
    }
}
