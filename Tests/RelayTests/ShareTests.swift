import Admission
import AdmissionSupport
import Bytes
import Identifiers
import Sessions
import Signalling
import Testing
import WebSocket

@testable import Relay

@Suite("What is kept for those who are away is shared", .inEachHome)
struct KeptByteTests {
    /// Joins a room, goes away, and is sent `count` events of about 100 bytes.
    private func leave(
        _ hub: Hub, client: String = "a", subject: String, room: String, events count: Int
    ) throws -> Client {
        let gone = try hub.connect(client: client, subject: subject, seconds: 100_000)
        gone.join(room, id: subject)
        gone.close(.lost)
        let sender = try hub.connect(
            client: client, subject: "s", seconds: 100_000, loop: 1)
        sender.join(room, id: "sender")
        for number in 0..<count {
            sender.send(#"{"type":"t","n":"\#(1_000_000_000 + number)"}"#, to: gone)
        }
        sender.close(.peerClosed(code: 1000))
        _ = gone.take()
        return gone
    }

    private func isThere(_ hub: Hub, _ client: Client) -> Bool {
        hub.service.rooms().contains { room in
            room.members.contains { $0.connectionID == client.connection }
        }
    }

    @Test("A client that fills its quarter ends its own sessions, and no other's")
    func quarter() throws {
        let hub = Hub(RelayConfiguration(detachedBytesMax: 40_000))
        let honest = try leave(hub, client: "b", subject: "bob", room: "R", events: 20)
        let few = try leave(hub, subject: "few", room: "F", events: 5)
        for number in 0..<12 {
            _ = try leave(hub, subject: "eve", room: "E\(number)", events: 30)
        }
        hub.wait(seconds: 1)
        #expect(isThere(hub, honest))
        #expect(isThere(hub, few))
        let ended = hub.service.figures.ended[.bytesOfClient] ?? 0
        #expect(ended > 0 && ended < 12)
        let back = try hub.connect(client: "b", subject: "bob", seconds: 100_000)
        #expect(back.resume(honest.secret, after: honest.seq).count > 20)
    }

    @Test("Where all that is kept is short, the client that holds most gives way")
    func whole() throws {
        let hub = Hub(RelayConfiguration(detachedBytesMax: 40_000))
        let others = ["c", "d", "e", "f", "g", "h", "i"]
        for client in others { hub.world.enable(client) }
        let honest = try leave(hub, client: "b", subject: "bob", room: "R", events: 5)
        for client in others {
            _ = try leave(hub, client: client, subject: "eve", room: "E", events: 80)
        }
        hub.wait(seconds: 1)
        #expect(isThere(hub, honest))
        #expect((hub.service.figures.ended[.bytes] ?? 0) > 0)
    }
}

@Suite("What is kept of those who are there is shared", .inEachHome)
struct HeldByteTests {
    @Test("The sessions of a client that are sent most forget it, and go on; no other's do")
    func forgets() throws {
        let hub = Hub(RelayConfiguration(heldBytesMax: 800_000))
        let filler = String(repeating: "x", count: 20_000)
        let message = #"{"type":"t","f":"\#(filler)"}"#
        let sender = try hub.connect(subject: "eve", seconds: 100_000, loop: 1)
        sender.join("R", id: "sender")
        let friend = try hub.connect(client: "b", seconds: 100_000)
        let honest = try hub.connect(client: "b", seconds: 100_000)
        for client in [friend, honest] { client.join("R") }
        friend.send(message, to: honest)
        let receivers = try (0..<6).map { number in
            let receiver = try hub.connect(subject: "s\(number)", seconds: 100_000)
            receiver.join("R", id: "r\(number)")
            return receiver
        }
        for receiver in receivers {
            for _ in 0..<4 { sender.send(message, to: receiver) }
            #expect(receiver.take().count { $0.utf8.count > 20_000 } == 4)
        }
        let forgotten = hub.service.figures.forgotten[.bytesOfClient] ?? 0
        #expect(forgotten > 0 && forgotten < 6)
        honest.close(.lost)
        let back = try hub.connect(client: "b", seconds: 100_000)
        #expect(back.resume(honest.secret, after: 0).count { $0.utf8.count > 20_000 } == 1)
        // Nothing is held of those who are gone.
        for client in receivers + [sender, friend, back] { client.close(.peerClosed(code: 1000)) }
        #expect(hub.service.heldBytes == 0)
    }

    /// Between the moment in which another finds that it holds most and that in which it forgets,
    /// it may be sent more, and counted anew.
    @Test("A session that forgets is counted no more, whatever it was sent meanwhile")
    func countedMeanwhile() {
        let commons = Hub(RelayConfiguration(heldBytesMax: 1 << 20)).service.commons
        var loop = LoopOutput()
        let owner = KeptBytes.Owner(connection: ConnectionID(raw: 1), client: "a", subject: "s")
        var stream = EventStream(
            Session(
                attachedTo: SocketID(loop: 0, slot: 0, generation: 1).raw,
                limits: HistoryLimits(), outboundBytesMax: 0),
            owner: owner)
        let body = Array(repeating: UInt8(ascii: "x"), count: 50_000)
        #expect(stream.take("{".utf8.span, body.span, commons, &loop).isTaken)
        #expect(commons.bytesHeld.total > 40_000)
        _ = stream.handle(.forgetSent, commons)
        #expect(stream.session.history.keptBytes == 0)
        #expect(commons.bytesHeld.total == 0)
        // What it is sent from then on is counted as before, and goes with the session.
        #expect(stream.take("{".utf8.span, body.span, commons, &loop).isTaken)
        #expect(commons.bytesHeld.total > 40_000)
        _ = stream.handle(.end(.lost), commons)
        #expect(commons.bytesHeld.total == 0)
    }
}

@Suite("Sessions whose clients are away have places like connections", .inEachHome)
struct AwayPlaceTests {
    private func members(_ hub: Hub) -> [String] {
        hub.service.rooms().flatMap(\.members).map(\.peerID)
    }

    private func connect(_ hub: Hub, subject: String) throws -> Client {
        try hub.connect(subject: subject, seconds: 100_000)
    }

    @Test("A subject's ghosts make room for it, the oldest first, and the room is told")
    func ghosts() throws {
        let hub = Hub(limits: AdmissionConfiguration(connectionsPerSubjectMax: 2))
        let watcher = try hub.connect(subject: "bob", seconds: 100_000)
        watcher.join("R", id: "watcher")
        let first = try connect(hub, subject: "eve")
        first.join("R", id: "g0")
        first.close(.lost)
        _ = watcher.take()
        for number in 1..<10 {
            let ghost = try connect(hub, subject: "eve")
            ghost.join("R", id: "g\(number)")
            ghost.close(.lost)
        }
        #expect(Set(members(hub)) == ["watcher", "g8", "g9"])
        #expect(watcher.take().contains { $0.contains("someone_left") && $0.contains("lost") })
        #expect(hub.service.figures.ended[.connections] == 8)
    }

    @Test("A reload at the limit finds its session, and is not kept out by it")
    func reload() throws {
        let hub = Hub(limits: AdmissionConfiguration(connectionsPerSubjectMax: 1))
        var client = try connect(hub, subject: "ann")
        client.join("R", id: "ann")
        for _ in 0..<5 {
            client.close(.peerClosed(code: 1001))
            let next = try connect(hub, subject: "ann")
            #expect(
                next.resume(client.secret, after: client.seq).contains { $0.contains("resumed") })
            client = next
        }
        #expect(members(hub) == ["ann"])
        // One that forgot its session takes its place all the same.
        client.close(.peerClosed(code: 1001))
        let fresh = try connect(hub, subject: "ann")
        #expect(members(hub) == ["ann"])
        fresh.join("R", id: "new")
        #expect(members(hub) == ["new"])
        #expect(hub.service.figures.ended[.connections] == 1)
    }

    @Test("Connections that are there are never ended for others, and keep others out")
    func connected() throws {
        let hub = Hub(limits: AdmissionConfiguration(connectionsPerSubjectMax: 1))
        let ann = try connect(hub, subject: "ann")
        ann.join("R", id: "ann")
        #expect(hub.admission(token: try hub.world.token(subject: "ann")) == nil)
        #expect(members(hub) == ["ann"])
    }

    @Test("A resume that fails makes room like any connection, and so does a classic one")
    func others() throws {
        let hub = Hub(limits: AdmissionConfiguration(connectionsPerSubjectMax: 1))
        let first = try connect(hub, subject: "ann")
        first.join("R", id: "first")
        first.close(.lost)
        let second = try connect(hub, subject: "ann")
        second.resume("AAAAAAAAAAAAAAAAAAAAAA", after: 0)
        #expect(members(hub).isEmpty)
        second.join("R", id: "second")
        second.close(.lost)
        let classic = try hub.connect(subject: "ann", seconds: 100_000, isV1: false)
        #expect(members(hub).isEmpty)
        classic.close(.lost)
    }

    @Test("Of a client at its limit, the subject with most ghosts gives way")
    func client() throws {
        let hub = Hub(limits: AdmissionConfiguration(connectionsPerClientMax: 6))
        let honest = try connect(hub, subject: "ann")
        honest.join("R", id: "ann")
        honest.close(.lost)
        for number in 0..<5 {
            let ghost = try connect(hub, subject: "eve")
            ghost.join("R", id: "g\(number)")
            ghost.close(.lost)
        }
        let bob = try connect(hub, subject: "bob")
        bob.join("R", id: "bob")
        #expect(Set(members(hub)) == ["ann", "bob", "g1", "g2", "g3", "g4"])
        let back = try connect(hub, subject: "ann")
        #expect(back.resume(honest.secret, after: honest.seq).contains { $0.contains("resumed") })
    }
}
