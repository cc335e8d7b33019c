import Admission
import AdmissionSupport
import Signalling
import Testing
import WebSocket

@testable import Relay

/// What no client sees, but for what comes of it: one handler, called as a loop calls it.
@Suite struct HandlerTests {
    private let hub = Hub()

    private func open(
        _ handler: inout RelayHandler, _ output: inout LoopOutput, generation: UInt32
    ) throws -> SocketID {
        let token = try hub.world.token(subject: "ann")
        let socket = SocketID(loop: 0, slot: 0, generation: generation)
        handler.opened(socket, try #require(hub.admission(token: token)), &output)
        return socket
    }

    private func say(
        _ text: String, _ socket: SocketID, _ handler: inout RelayHandler,
        _ output: inout LoopOutput
    ) {
        handler.received(Array(text.utf8).span, from: socket, &output)
    }

    @Test("Who is kicked while its connection is between two loops is closed all the same")
    func kickedOnTheWay() throws {
        var handler = hub.service.makeHandler(loop: 0)
        var output = LoopOutput(index: 0)
        let socket = try open(&handler, &output, generation: 1)
        let digits = Array(hub.world.lastConnection.utf8)
        guard let connection = ConnectionID(digits.span, digits.indices) else {
            Issue.record("a connection has an id")
            return
        }
        // The room's loop is this one, as the loop finds out only after it let go of the session.
        output.home = { [hub] _ in
            hub.loops[1].tell(.kick(connection))
            return 0
        }
        say(#"{"action":"join-room","roomId":"R","name":"N"}"#, socket, &handler, &output)
        #expect(output.actions.last == .close(socket, .revoked))
        #expect(hub.service.sessionCount == 0 && hub.service.roomCount == 0)
        handler.closed(socket, .closedByUs(.revoked), &output)
        #expect(hub.admission.ledger.total == 0)
    }

    @Test("However often a client comes and goes, its loop keeps it once")
    func flaps() throws {
        var handler = hub.service.makeHandler(loop: 0)
        var output = LoopOutput(index: 0)
        var socket = try open(&handler, &output, generation: 1)
        say(#"{"action":"join-room","roomId":"R","name":"N"}"#, socket, &handler, &output)
        for generation in 2..<30 as Range<UInt32> {
            let secret = try #require(output.actions.compactMap(\.secret).last)
            handler.closed(socket, .lost, &output)
            handler.ticked(&output)
            #expect(handler.away.count == 1)
            socket = try open(&handler, &output, generation: generation)
            say(
                #"{"action":"resume","session":"\#(secret)","seq":0}"#, socket, &handler, &output)
        }
        #expect(hub.service.sessionCount == 1)
        handler.ticked(&output)
        #expect(handler.away.isEmpty)
    }
}

extension LoopAction {
    /// The one in a `welcome` or `resumed`.
    fileprivate var secret: String? {
        guard case .send(_, let text) = self else { return nil }
        let parts = text.split(separator: #""session":""#)
        return parts.count == 2 ? String(parts[1].prefix(SessionSecret.textLength)) : nil
    }
}
