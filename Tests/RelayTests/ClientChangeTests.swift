import Access
import Admission
import AdmissionSupport
import Locking
import Relay
import Testing
import WebSocket

@Suite struct ClientChangeTests {
    private let relay = ClassicHub(loops: 2)

    @Test("rightsChanged closes with 4501 the connections of disabled and removed clients alone")
    func disabled() throws {
        let peers = try [
            relay.connect(client: "a"), relay.connect(client: "a", loop: 1),
            relay.connect(client: "b"),
        ]
        for peer in peers { peer.join("R") }
        for loop in relay.loops { loop.tell(.rightsChanged) }
        #expect(relay.loops.flatMap { $0.take() }.isEmpty)
        relay.world.disable("a")
        for loop in relay.loops { loop.tell(.rightsChanged) }
        #expect(relay.loops[0].take() == [.close(peers[0].socket, .revoked)])
        #expect(relay.loops[1].take() == [.close(peers[1].socket, .revoked)])
        relay.loops[0].tell(.rightsChanged)
        #expect(relay.loops[0].take().isEmpty)
        #expect(peers[0].join("S").isEmpty)
        #expect(relay.service.roomCount == 1)
        relay.world.remove("b")
        relay.loops[0].tell(.rightsChanged)
        #expect(relay.loops[0].take() == [.close(peers[2].socket, .revoked)])
    }

    @Test("A client disabled between the decision and the opening gets no open connection")
    func disabledBetween() throws {
        let admission = try relay.admission()
        relay.world.disable("a")
        relay.loops[0].tell(.rightsChanged)
        let socket = relay.loops[0].open(admission)
        #expect(relay.loops[0].take() == [.close(socket, .revoked)])
        relay.loops[0].receive(#"{"action":"join-room","roomId":"R"}"#, from: socket)
        relay.loops[0].close(socket, .closedByUs(.revoked))
        #expect(relay.loops[0].take().isEmpty)
        #expect(relay.service.roomCount == 0 && relay.admission.connectionCount == 0)
    }

    @Test("A revoked token opens nothing, and what it opened is closed with 4501")
    func revoked() throws {
        let peers = try [relay.connect(), relay.connect()]
        for peer in peers { peer.join("R") }
        for loop in relay.loops { _ = loop.take() }
        let admission = try relay.admission()
        relay.world.revoke(admission.token.tokenID)
        relay.loops[0].tell(.rightsChanged)
        #expect(relay.loops[0].take().isEmpty)
        let socket = relay.loops[0].open(admission)
        #expect(relay.loops[0].take() == [.close(socket, .revoked)])
        relay.world.revoke("a")
        relay.loops[0].tell(.rightsChanged)
        #expect(
            relay.loops[0].take() == peers.map { .close($0.socket, .revoked) })
    }

    @Test("A classic connection outlives its token, up to its maximum age (PROTOCOL §4)")
    func age() throws {
        let ann = try relay.connect()
        ann.join("R")
        relay.world.state.withLock { $0.now += 100_000 }
        relay.loops[0].advance(seconds: 7199)
        relay.loops[0].tick()
        #expect(relay.loops[0].take().isEmpty)
        relay.loops[0].advance(seconds: 1)
        relay.loops[0].tick()
        #expect(relay.loops[0].take() == [.close(ann.socket, .goingAway)])
        #expect(relay.service.roomCount == 0)
    }
}
