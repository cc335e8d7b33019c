import Access
import Admission
import Bytes
import Glibc
import Identifiers
import Locking
import Rooms
import ServerlessRelay
import Sessions
import Signalling
import StrictJSON
import Tables
import TestSupport
import Testing
import Tokens

/// A store with its table, its gateway and its clock, and the clients that use it.
final class StoreWorld: Sendable {
    struct Clock {
        var milliseconds: Int64 = 1_800_000_000_000
        var generator: SeededGenerator
        var timers: [(at: Int64, body: [UInt8])] = []
        var invocations = 0
        var shortPauses = 0
    }

    let steps = Steps()
    let table: MemoryTable
    let gateway: MemoryGateway
    let clock: Lock<Clock>
    let limits: StoreLimits
    let hasTimers: Bool
    let log = Lock<[String]>([])

    private let lately = GoodLately()

    init(_ limits: StoreLimits = StoreLimits(), seed: UInt64 = 1, hasTimers: Bool = true) {
        self.limits = limits
        self.hasTimers = hasTimers
        table = MemoryTable(steps)
        gateway = MemoryGateway(steps)
        clock = Lock(Clock(generator: SeededGenerator(seed: seed)))
    }

    var store: Store {
        Store(
            limits, table: table.port, gateway: gateway.port, timers: timers, ports: ports,
            lately: lately)
    }

    var timers: TimerPort { TimerPort { seconds, body in self.after(seconds, body) } }

    var ports: FunctionPorts {
        FunctionPorts(
            now: { self.clock.withLock { $0.milliseconds / 1000 } },
            milliseconds: { self.clock.withLock { $0.milliseconds } },
            pause: { time in
                // Short ones are for other threads, which have no clock of ours. Without any
                // the deadline never comes: what does not get on shall not go on for ever.
                if time < 20 {
                    let count = self.clock.withLock { clock in
                        clock.shortPauses += 1
                        return clock.shortPauses
                    }
                    precondition(count < 100_000, "a store does not get on")
                    return _ = usleep(1000 * UInt32(time))
                }
                self.clock.withLock { $0.milliseconds += Int64(time) }
            },
            random: { count in
                self.clock.withLock { clock in
                    (0..<count).map { _ in
                        UInt8(truncatingIfNeeded: clock.generator.next())
                    }
                }
            },
            sha1: { $0 }, sha256: { $0 }, hmacSHA1: { $0 },
            log: { event, fields in
                let text = fields.map { " \($0.0)=\($0.1)" }.joined()
                self.log.withLock { $0.append("\(event)\(text)") }
            },
            concurrently: { count, body in for index in 0..<count { body(index) } })
    }

    private func after(_ seconds: Int, _ body: [UInt8]) -> Bool {
        guard hasTimers, steps.take("timer") == .fine else { return false }
        clock.withLock { $0.timers.append(($0.milliseconds + Int64(seconds) * 1000, body)) }
        return true
    }

    func invocation() -> Invoked {
        clock.withLock { clock in
            clock.invocations += 1
            return Invoked(
                id: "i\(clock.invocations)", deadline: clock.milliseconds + 5000)
        }
    }

    func pass(seconds: Int) { clock.withLock { $0.milliseconds += Int64(seconds) * 1000 } }

    /// Has timers go off whose time has come.
    func runTimers() throws {
        while true {
            let due = clock.withLock { clock -> [[UInt8]] in
                let due = clock.timers.filter { $0.at <= clock.milliseconds }.map(\.body)
                clock.timers.removeAll { $0.at <= clock.milliseconds }
                return due
            }
            guard !due.isEmpty else { return }
            for body in due {
                if let connection = Store.lapsing(body) {
                    try store.lapse(connection, in: invocation())
                }
            }
        }
    }

    /// The connections that are members of a room of client `c`, as the table has it.
    func members(of room: RoomName) -> Set<ByteText> {
        let item = table.state.withLock { $0.items[ItemKey("R#1#c#\(room)")] } ?? [:]
        return Set(item.filter { $0.key.hasPrefix("m:") }.compactMap { $0.value.map?["c"]?.text })
    }

    func random() -> UInt64 { clock.withLock { $0.generator.next() } }
}

/// One that connects, and what it was sent since.
final class Peer: Sendable {
    struct State {
        var connection: ConnectionID
        var gateway: ByteText
        var secret: SessionSecret
        var isOpen = true
        /// What was sent to connections of before, as far as it came there.
        var earlier: [[UInt8]] = []
    }

    let world: StoreWorld
    let dialect: Dialect
    let grant: TokenGrant
    let peerID: PeerID
    let state: Lock<State>

    init(
        _ world: StoreWorld, _ name: String, _ dialect: Dialect = .v1, subject: String? = nil,
        client: String = "c", rooms: String = "*"
    ) throws {
        self.world = world
        self.dialect = dialect
        peerID = PeerID(name)
        grant = TokenGrant(
            token: RevocableToken(
                tokenID: "t-\(name)", subject: Subject(subject.map { "\(client):\($0)" } ?? client),
                clientID: ClientID(client), issuedAt: 1),
            expiresAt: 2_000_000_000, rooms: [try RoomPattern(rooms)], name: nil)
        state = Lock(
            State(
                connection: ConnectionID(raw: world.random()),
                gateway: "g\(world.random())=", secret: SessionSecret(bits: 0)))
        try open()
    }

    var connection: ConnectionID { state.withLock { $0.connection } }
    var gateway: ByteText { state.withLock { $0.gateway } }

    static func digest(_ secret: SessionSecret) -> SecretDigest {
        SecretDigest(sha256: Array(secret.text.utf8.suffix(16)))
    }

    private func open() throws {
        let secret = SessionSecret(bits: UInt128(world.random()) << 64 | UInt128(world.random()))
        state.withLock { $0.secret = secret }
        try world.store.open(
            gateway: gateway, connection: connection, dialect: dialect, grant: grant,
            secret: dialect == .v1 ? Self.digest(secret) : nil,
            welcome: dialect == .v1 ? Array(#"{"type":"welcome","data":{}}"#.utf8) : nil,
            in: world.invocation())
        try world.store.drain(connection, in: world.invocation())
    }

    func view() throws -> SessionView? { try world.store.find(gateway: gateway) }

    // MARK: Saying

    static func ack(_ number: Int) -> KeptEvent {
        let text = Array(String(number).utf8)
        var composer = EventComposer()
        return KeptEvent(composer.ack(0..<text.count, of: text.span), of: text.span)
    }

    func payload(_ text: String) -> KeptEvent {
        let message =
            Array(#"{"action":"send-payload","target":"\#(connection.text)","#.utf8)
            + Array(#""payload":{"type":"chat","text":"\#(text)"}}"#.utf8)
        var reader = MessageReader()
        guard case .sendPayload(let sent)? = try? reader.read(message.span) else {
            fatalError("no payload")
        }
        var composer = EventComposer()
        return KeptEvent(
            composer.delivered(sent.payload, of: message.span, from: connection), of: message.span)
    }

    @discardableResult
    func join(
        _ room: RoomName, id: PeerID? = nil, sdp: String? = nil, ack: Int? = nil
    ) throws -> SignalError? {
        guard let view = try view() else { return nil }
        return try world.store.join(
            view, room: room, peerID: id ?? peerID, name: "N", sdp: sdp.map { Array($0.utf8) },
            ack: ack.map(Self.ack), in: world.invocation())
    }

    @discardableResult
    func send(_ text: String, to other: Peer, ack: Int? = nil) throws -> SignalError? {
        try send(text, to: other.connection, ack: ack)
    }

    @discardableResult
    func send(
        _ text: String, to other: ConnectionID, ack: Int? = nil
    ) throws -> SignalError? {
        guard let view = try view() else { return nil }
        return try world.store.send(
            view, to: other, event: payload(text), ack: ack.map(Self.ack),
            in: world.invocation())
    }

    @discardableResult
    func broadcast(_ text: String, in room: RoomName, ack: Int? = nil) throws -> SignalError? {
        guard let view = try view() else { return nil }
        return try world.store.broadcast(
            view, room: room, event: payload(text), ack: ack.map(Self.ack), in: world.invocation())
    }

    func leave(_ room: RoomName, ack: Int? = nil) throws {
        guard let view = try view() else { return }
        try world.store.leave(
            view, rooms: [room], reason: .left, ack: ack.map(Self.ack), in: world.invocation())
    }

    // MARK: Coming and going

    /// Its connection is gone; the gateway may say so or not.
    func drop(code: Int? = 1006, isHeard: Bool = true) throws {
        let gateway = gateway
        world.gateway.state.withLock { _ = $0.gone.insert(gateway) }
        state.withLock { $0.isOpen = false }
        guard isHeard else { return }
        try world.store.disconnected(gateway: gateway, code: code, in: world.invocation())
    }

    /// Connects anew, as another session.
    func reconnect() throws -> (old: ConnectionID, secret: SessionSecret) {
        let sent = world.gateway.state.withLock { $0.posts[gateway] ?? [] }
        let before = state.withLock { state in
            let before = (state.connection, state.secret)
            state.earlier += sent
            state.connection = ConnectionID(raw: world.random())
            state.gateway = "g\(world.random())="
            state.isOpen = true
            return before
        }
        try open()
        return before
    }

    /// Connects anew and takes its session over; what it has dealt with is what it got.
    func resume(ack: Int? = nil) throws -> Bool {
        let seq = lastSeq
        let (old, secret) = try reconnect()
        return try resume(old, secret, after: seq, ack: ack)
    }

    func resume(
        _ old: ConnectionID, _ secret: SessionSecret, after seq: UInt64, ack: Int? = nil
    ) throws -> Bool {
        guard let view = try view() else { return false }
        let new = SessionSecret(bits: UInt128(world.random()) << 64 | UInt128(world.random()))
        let isResumed = try world.store.resume(
            view, old: old, secret: Self.digest(secret), after: seq, newSecret: new,
            digest: Self.digest(new), ack: ack.map(Self.ack), in: world.invocation())
        if isResumed {
            state.withLock {
                $0.connection = old
                $0.secret = new
            }
        }
        return isResumed
    }

    /// Takes note of a `resumed` that came although nobody said so.
    func noteResumed() {
        let texts = world.gateway.state.withLock { $0.posts[gateway] ?? [] }
        for text in texts {
            guard let event = (try? JSONValue.parse(text))?.object, event["type"] == "resumed",
                let data = event["data"]?.object, let id = data["connectionId"]?.string,
                let secret = SessionSecret(data["session"]?.string?.string ?? "")
            else { continue }
            state.withLock {
                $0.connection = ConnectionID(Array(id.utf8).span, 0..<id.count) ?? $0.connection
                $0.secret = secret
            }
        }
    }

    // MARK: Hearing

    /// All that it was sent, in order.
    var texts: [String] {
        let (earlier, gateway) = state.withLock { ($0.earlier, $0.gateway) }
        let sent = world.gateway.state.withLock { $0.posts[gateway] ?? [] }
        return (earlier + sent).map { String(decoding: $0, as: UTF8.self) }
    }

    struct Heard: Equatable {
        let type: ByteText
        let data: JSONObject
        let seq: Int64?
        let text: String
    }

    var all: [Heard] {
        texts.compactMap { text in
            guard let event = (try? JSONValue.parse(Array(text.utf8)))?.object,
                let type = event["type"]?.string, let data = event["data"]?.object
            else { return nil }
            return Heard(type: type, data: data, seq: event["seq"]?.int64, text: text)
        }
    }

    /// Without what came again under its number.
    var heard: [Heard] {
        var last: Int64 = 0
        return all.filter { event in
            guard let seq = event.seq else { return true }
            defer { last = max(last, seq) }
            return seq > last
        }
    }

    var id: ByteText { ByteText(connection.text) }

    /// Who is in its only room beside it, as far as it was told; who came twice or left before it
    /// came is told of by a word that is no id.
    var present: Set<ByteText> {
        var present: Set<ByteText> = []
        for event in heard {
            if event.type == "room_state" {
                let members = event.data["members"]?.array ?? []
                present = Set(members.compactMap { $0.object?["connectionId"]?.string })
            }
            guard let connection = event.data["connectionId"]?.string else { continue }
            if event.type == "someone_joined" {
                if !present.insert(connection).inserted { present.insert("twice") }
            }
            if event.type == "someone_left" {
                if present.remove(connection) == nil { present.insert("never there") }
            }
        }
        return present
    }

    var lastSeq: UInt64 { UInt64(all.compactMap(\.seq).max() ?? 0) }

    func heard(_ type: ByteText) -> [Heard] { heard.filter { $0.type == type } }

    /// Connections that it was told of joining, in order.
    var joiners: [ByteText] {
        heard("someone_joined").compactMap { $0.data["connectionId"]?.string }
    }
    var chats: [ByteText] { heard("chat").compactMap { $0.data["text"]?.string } }
    var acks: [Int64] { heard("ack").compactMap { $0.data["ack"]?.int64 } }
}

/// Two in the room `r`.
func pair(in world: StoreWorld) throws -> (Peer, Peer) {
    let one = try Peer(world, "a")
    let two = try Peer(world, "b")
    #expect(try one.join("r") == nil)
    #expect(try two.join("r") == nil)
    return (one, two)
}
