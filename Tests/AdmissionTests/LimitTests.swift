import Access
import AdmissionSupport
import Bytes
import HTTPMessages
import Identifiers
import Locking
import Signalling
import StrictJSON
import TestSupport
import Testing
import Tokens

@testable import Admission

private func group(_ number: Int) -> AddressGroup {
    AddressGroup(IPAddress(ipv4: UInt32(number)))
}

@Suite struct LimitTests {
    private let world = World()

    private func service(_ configuration: AdmissionConfiguration) -> Admission {
        Admission(configuration, world.ports())
    }

    private func connect(
        _ service: Admission, client: String = "a", subject: String? = nil,
        address: String = "192.0.2.1"
    ) throws -> AdmissionDecision {
        let token = try world.token(client: client, subject: subject)
        return service.admit(handshake("token=\(token)", address: address), fromCookie: false)
    }

    private func expectRefusal(
        _ decision: AdmissionDecision, _ status: Int, reason: String, retryAfter: String = "5"
    ) throws {
        let refusal = try #require(decision.refusal)
        #expect(refusal.status == status)
        #expect(refusal.headers["Retry-After"] == ByteText(retryAfter))
        #expect(refusal.headers["WWW-Authenticate"] == nil)
        let body = try JSONValue.parse(refusal.body)
        #expect(body.object?["error"] == "too_many_connections")
        #expect(world.log.last?.contains("reason=\(reason) status=\(status)") == true)
    }

    @Test("Over all connections together: 503 with Retry-After")
    func total() throws {
        let relay = service(AdmissionConfiguration(connectionsMax: 2))
        let held = try [connect(relay), connect(relay, client: "b")]
        try expectRefusal(try connect(relay), 503, reason: "connections_max")
        #expect(relay.ledger.total == 2)
        held[0].admission?.release()
        #expect(try connect(relay).status == 101)
    }

    @Test("Over the connections of an address: 429, before any signature is checked")
    func address() throws {
        let relay = service(AdmissionConfiguration(connectionsPerAddressMax: 1))
        let held = try connect(relay)
        world.state.withLock { $0.verified = [] }
        try expectRefusal(try connect(relay), 429, reason: "connections_per_address_max")
        #expect(world.state.withLock { $0.verified.isEmpty })
        #expect(try connect(relay, address: "192.0.2.2").status == 101)
        held.admission?.release()
        #expect(try connect(relay).status == 101)
    }

    @Test("Over the connections of a client: 429, and other clients are not concerned")
    func client() throws {
        let relay = service(AdmissionConfiguration(connectionsPerClientMax: 1))
        let held = try connect(relay)
        try expectRefusal(try connect(relay), 429, reason: "connections_per_client_max")
        #expect(try connect(relay, client: "b").status == 101)
        held.admission?.release()
        #expect(try connect(relay).status == 101)
    }

    @Test("Over the connections of a subject: 429; a client acting for itself names no subject")
    func subject() throws {
        let relay = service(AdmissionConfiguration(connectionsPerSubjectMax: 1))
        let held = try connect(relay, subject: "a:ann")
        try expectRefusal(
            try connect(relay, subject: "a:ann"), 429, reason: "connections_per_subject_max")
        let others = try [connect(relay, subject: "a:bob"), connect(relay), connect(relay)]
        #expect(others.allSatisfy { $0.status == 101 })
        held.admission?.release()
        #expect(try connect(relay, subject: "a:ann").status == 101)
    }

    @Test(
        "Over the new connections of an address: 429 with the seconds to wait; refused ones count")
    func rate() throws {
        let relay = service(
            AdmissionConfiguration(connectionsPerSecond: 2, connectionBurst: 3))
        #expect(try connect(relay).status == 101)
        for _ in 0..<2 {
            #expect(relay.admit(handshake("token=x.y.z"), fromCookie: false).status == 401)
        }
        try expectRefusal(
            try connect(relay), 429, reason: "connections_per_second", retryAfter: "1")
        #expect(try connect(relay, address: "192.0.2.2").status == 101)
        world.state.withLock { $0.milliseconds += 500 }
        #expect(try connect(relay).status == 101)
        #expect(try connect(relay).status == 429)
    }

    @Test("connectionsPerAddressMax 0 switches all three address rules off")
    func addressRulesOff() throws {
        let relay = service(
            AdmissionConfiguration(
                connectionsPerAddressMax: 0, connectionsPerSecond: 1, connectionBurst: 1))
        var held: [AdmissionDecision] = []
        for _ in 0..<50 { held.append(try connect(relay)) }
        #expect(held.allSatisfy { $0.status == 101 })
        #expect(relay.ledger.total == 50)
    }

    @Test("The address is the client's own, behind trusted proxies")
    func realAddress() throws {
        let relay = service(AdmissionConfiguration(connectionsPerAddressMax: 1))
        var request = handshake("token=\(try world.token())")
        request.peerAddress = "10.0.0.1"
        request.clientAddress = "198.51.100.1"
        let held = relay.admit(request, fromCookie: false)
        #expect(relay.admit(request, fromCookie: false).status == 429)
        request.clientAddress = "198.51.100.2"
        #expect(relay.admit(request, fromCookie: false).status == 101)
        held.admission?.release()
    }

    @Test("After stopAdmitting every handshake is 503 with Retry-After, token or none")
    func stopping() throws {
        let relay = service(AdmissionConfiguration())
        relay.stopAdmitting()
        let decision = try connect(relay)
        #expect(decision.status == 503)
        #expect(decision.refusal?.headers["Retry-After"] == "5")
        #expect(relay.admit(handshake(), fromCookie: false).status == 503)
        guard case .notAnUpgrade = relay.admit(HTTPRequest(), fromCookie: false) else {
            Issue.record("a plain request was answered")
            return
        }
    }

    // MARK: Giving places back

    @Test("A place is given back exactly once, by release, by the end of the admission, or both")
    func releaseOnce() throws {
        let relay = service(AdmissionConfiguration())
        let kept = try connect(relay)
        do {
            let dropped = try connect(relay)
            #expect(dropped.status == 101)
            #expect(relay.ledger.total == 2)
        }
        #expect(relay.ledger.total == 1)
        kept.admission?.release()
        kept.admission?.release()
        #expect(relay.ledger.total == 0)
    }

    @Test("Releases from many threads give one place back")
    func releaseRaces() async throws {
        let relay = service(AdmissionConfiguration())
        let (one, other) = (try connect(relay), try connect(relay))
        let admission = try #require(one.admission)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<64 { group.addTask { admission.release() } }
        }
        #expect(relay.ledger.total == 1)
        other.admission?.release()
        #expect(relay.ledger.total == 0)
    }
}

@Suite struct ConnectionCountsTests {
    private let small = AdmissionConfiguration(
        connectionsPerAddressMax: 2, connectionsPerSecond: 1, connectionBurst: 2)

    private func place(_ address: Int) -> ConnectionPlace {
        ConnectionPlace(address: group(address), client: "a", subject: nil)
    }

    @Test("The table of addresses stays bounded in a flood from very many of them")
    func bounded() {
        var counts = ConnectionCounts(limits: small, idleAddressesMax: 100)
        for address in 0..<10_000 {
            #expect(counts.knock(group(address), at: 0) == nil)
            #expect(counts.addressCount <= 100)
        }
    }

    @Test("So it does where each of them connects for a moment")
    func boundedBehindConnections() {
        var counts = ConnectionCounts(limits: small, idleAddressesMax: 100)
        for address in 0..<2000 {
            #expect(counts.knock(place(address).address, at: 0) == nil)
            #expect(counts.enter(place(address)) == nil)
            counts.exit(place(address))
            #expect(counts.addressCount <= 100)
        }
    }

    @Test("Addresses with connections are never forgotten in the flood")
    func keepsOpen() {
        var counts = ConnectionCounts(limits: small, idleAddressesMax: 10)
        for address in 0..<2 {
            _ = counts.knock(group(address), at: 0)
            #expect(counts.enter(place(address)) == nil)
            #expect(counts.enter(place(address)) == nil)
        }
        for address in 2..<1000 { _ = counts.knock(group(address), at: 0) }
        #expect(counts.knock(group(0), at: 0)?.limit == .address)
        #expect(counts.knock(group(1), at: 0)?.limit == .address)
    }

    @Test("Those whose budget is full again go first; a busy one keeps its debt")
    func forgetsFull() {
        var counts = ConnectionCounts(limits: small, idleAddressesMax: 10)
        for address in 1..<10 { _ = counts.knock(group(address), at: 0) }
        _ = counts.knock(group(0), at: 5000)
        _ = counts.knock(group(0), at: 5000)
        _ = counts.knock(group(99), at: 5000)
        #expect(counts.addressCount == 2)
        #expect(counts.knock(group(0), at: 5000)?.limit == .rate)
    }

    @Test("Whatever enters and exits, every count ends at nothing")
    func balanced() {
        let limits = AdmissionConfiguration(
            connectionsMax: 40, connectionsPerAddressMax: 5, connectionsPerClientMax: 20,
            connectionsPerSubjectMax: 3, connectionsPerSecond: 0)
        var counts = ConnectionCounts(limits: limits)
        var random = SeededGenerator(seed: 11)
        var open: [ConnectionPlace] = []
        var away: Set<ConnectionID> = []
        var sessions: UInt64 = 0
        for _ in 0..<5000 {
            if Bool.random(using: &random), let last = open.popLast() {
                counts.exit(last)
            } else if Int.random(in: 0..<4, using: &random) == 0, let last = open.popLast() {
                sessions += 1
                counts.park(last, ConnectionID(raw: sessions))
                away.insert(ConnectionID(raw: sessions))
            } else if Bool.random(using: &random), let session = away.min(by: { $0.raw < $1.raw }) {
                counts.unpark(session)
                away.remove(session)
            } else {
                let place = ConnectionPlace(
                    address: group(Int.random(in: 0..<9, using: &random)),
                    client: ["a", "b", "c"].randomElement(using: &random) ?? "a",
                    subject: [nil, "x", "y"].randomElement(using: &random) ?? nil)
                guard counts.enter(place) == nil else { continue }
                open.append(place)
                for session in counts.settle(place) {
                    #expect(away.remove(session) != nil)
                }
                #expect(open.count + away.count <= 40)
                let ofSame = open.count { $0.client == place.client && $0.subject == place.subject }
                #expect(place.subject == nil || ofSame <= 3)
            }
            open.shuffle(using: &random)
            #expect(counts.total == open.count && counts.awayCount == away.count)
        }
        for session in away { counts.unpark(session) }
        for place in open { counts.exit(place) }
        #expect(counts.total == 0 && counts.addressCount == 0 && counts.awayCount == 0)
    }

    @Test("One name is a subject of its own in each client")
    func subjects() {
        var counts = ConnectionCounts(limits: AdmissionConfiguration(connectionsPerSubjectMax: 1))
        let place = { (client: ClientID) in
            ConnectionPlace(address: group(1), client: client, subject: "user")
        }
        #expect(counts.enter(place("a")) == nil)
        #expect(counts.enter(place("b")) == nil)
        #expect(counts.enter(place("a"))?.limit == .subject)
    }
}
