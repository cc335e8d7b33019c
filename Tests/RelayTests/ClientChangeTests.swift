import Access
import Admission
import AdmissionSupport
import Locking
import Relay
import Testing
import WebSocket

@Suite struct ClientChangeTests {
    private let relay = Hub(isV1: false)

    /// What the loops are asked for when all of them hear of a change.
    private var noted: [LoopAction] { relay.asked { relay.tell(.rightsChanged) } }

    private func admission() throws -> SocketAdmission {
        try #require(relay.admission(token: try relay.world.token()))
    }

    @Test("rightsChanged closes with 4501 the connections of disabled and removed clients alone")
    func disabled() throws {
        let peers = try [
            relay.connect(client: "a"), relay.connect(client: "a", loop: 1),
            relay.connect(client: "b"),
        ]
        for peer in peers { peer.join("R") }
        #expect(noted.isEmpty)
        relay.world.disable("a")
        relay.net.isHeld = true
        #expect(noted == peers[..<2].map { .close($0.socket, .revoked) })
        #expect(noted.isEmpty)
        #expect(relay.asked { peers[0].join("S") }.isEmpty)
        #expect(relay.service.roomCount == 1)
        relay.world.remove("b")
        #expect(noted == [.close(peers[2].socket, .revoked)])
    }

    @Test("A client disabled between the decision and the opening gets no open connection")
    func disabledBetween() throws {
        let admission = try admission()
        relay.world.disable("a")
        relay.net.isHeld = true
        relay.tell(.rightsChanged)
        let ann = Client()
        #expect(relay.asked { relay.open(ann, admission) } == [.close(ann.socket, .revoked)])
        #expect(relay.asked { ann.join("R") }.isEmpty)
        #expect(relay.asked { relay.net.run() }.isEmpty)
        #expect(relay.service.roomCount == 0 && relay.admission.ledger.total == 0)
    }

    @Test("A revoked token opens nothing, and what it opened is closed with 4501")
    func revoked() throws {
        let peers = try [relay.connect(), relay.connect()]
        for peer in peers { peer.join("R") }
        let admission = try admission()
        relay.world.revoke(admission.token.tokenID)
        #expect(noted.isEmpty)
        let late = Client()
        #expect(relay.asked { relay.open(late, admission) } == [.close(late.socket, .revoked)])
        relay.world.revoke("a")
        #expect(noted == peers.map { .close($0.socket, .revoked) })
    }

    @Test("A classic connection outlives its token, up to its maximum age (docs/protocol.md §4)")
    func age() throws {
        let ann = try relay.connect()
        ann.join("R")
        relay.world.state.withLock { $0.now += 100_000 }
        #expect(relay.asked { relay.wait(seconds: 7199) }.isEmpty)
        #expect(relay.asked { relay.wait(seconds: 1) } == [.close(ann.socket, .goingAway)])
        #expect(relay.service.roomCount == 0)
    }
}
