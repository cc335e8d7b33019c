import Admission
import AdmissionSupport
import Bytes
import Relay
import StrictJSON
import WebSocket

/// What a handler asked of its loop, in order.
enum LoopAction: Equatable {
    case send(SocketID, String)
    case close(SocketID, CloseCode)
    case probe(SocketID, seconds: Int)
    case nudge(SocketID)
    case postNow
}

/// A loop that performs nothing and remembers everything.
struct FakeOutput: SocketOutput {
    var actions: [LoopAction] = []
    var monotonicSeconds: Int64 = 0
    var index = 0
    /// Among how many loops connections are moved; with one, none is.
    var loopCount = 1
    var moves: [Move] = []

    mutating func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>
    ) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + body.count + tail.count)
        for index in head.indices { bytes.append(head[index]) }
        for index in body.indices { bytes.append(body[index]) }
        for index in tail.indices { bytes.append(tail[index]) }
        actions.append(.send(socket, String(decoding: bytes, as: UTF8.self)))
    }

    mutating func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString) {
        precondition(reason.utf8CodeUnitCount <= 123)
        actions.append(.close(socket, code))
    }

    mutating func probe(_ socket: SocketID, secondsMax: Int) {
        actions.append(.probe(socket, seconds: secondsMax))
    }

    mutating func nudge(_ socket: SocketID) { actions.append(.nudge(socket)) }
    mutating func hold(_ socket: SocketID) {}
    mutating func release(_ socket: SocketID) {}
    mutating func postNow() { actions.append(.postNow) }

    mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool {
        guard loopCount > 1, affinity % loopCount != index,
            let admission = admission as? SocketAdmission
        else { return false }
        var bytes: [UInt8] = []
        for position in text.indices { bytes.append(text[position]) }
        moves.append(
            Move(
                socket: socket, loop: affinity % loopCount, admission: admission,
                text: String(decoding: bytes, as: UTF8.self)))
        return true
    }
}

/// A connection on its way from one loop to another.
struct Move {
    let socket: SocketID
    let loop: Int
    let admission: SocketAdmission
    let text: String
}

/// One handler with its fake loop, used on one thread.
final class FakeLoop {
    let index: Int
    private var handler: RelayHandler
    private var output = FakeOutput()
    private var nextSlot = 0
    private var freeSlots: [Int] = []
    private var generations: [Int: UInt32] = [:]

    init(_ service: Relay, index: Int = 0) {
        self.index = index
        handler = service.makeHandler(loop: index)
        output.index = index
    }

    /// `known` gets the socket's id before the handler does.
    func open(_ admission: SocketAdmission, known: (SocketID) -> Void = { _ in }) -> SocketID {
        let slot = freeSlots.popLast() ?? nextSlot
        if slot == nextSlot { nextSlot += 1 }
        generations[slot, default: 0] += 1
        let socket = SocketID(loop: index, slot: slot, generation: generations[slot] ?? 0)
        known(socket)
        handler.opened(socket, admission, &output)
        return socket
    }

    func receive(_ text: String, from socket: SocketID) {
        let bytes = Array(text.utf8)
        handler.received(bytes.span, from: socket, &output)
    }

    func close(_ socket: SocketID, _ end: SocketEnd = .lost) {
        handler.closed(socket, end, &output)
        freeSlots.append(socket.slot)
    }

    func nudge(_ socket: SocketID) { handler.nudged(socket, &output) }

    /// Lets connections move to the loop of their first room, among `count` loops.
    func allowMoves(among count: Int) { output.loopCount = count }

    /// What left for other loops since the last call; its slots here are free.
    func takeMoves() -> [Move] {
        defer { output.moves.removeAll() }
        for move in output.moves { freeSlots.append(move.socket.slot) }
        return output.moves
    }

    func tell(_ note: RelayNote) { handler.told(note, &output) }
    func tick() { handler.ticked(&output) }
    func advance(seconds: Int64) { output.monotonicSeconds += seconds }

    /// What was asked for since the last call.
    func take() -> [LoopAction] {
        defer { output.actions.removeAll() }
        return output.actions
    }
}

/// One connected peer.
struct Peer {
    let socket: SocketID
    /// Its connection id as peers see it.
    let connection: String
    let loop: FakeLoop

    /// Joins, and returns what that made the relay do.
    @discardableResult
    func join(_ room: String, id: String? = nil, more: String = "") -> [LoopAction] {
        let member = id.map { #","id":"\#($0)""# } ?? ""
        return say(#"{"action":"join-room","roomId":"\#(room)"\#(member)\#(more)}"#)
    }

    @discardableResult
    func send(_ payload: String, to target: String) -> [LoopAction] {
        say(#"{"action":"send-payload","target":"\#(target)","payload":\#(payload)}"#)
    }

    @discardableResult
    func say(_ text: String) -> [LoopAction] {
        loop.receive(text, from: socket)
        return loop.take()
    }

    @discardableResult
    func close(_ end: SocketEnd = .lost) -> [LoopAction] {
        loop.close(socket, end)
        return loop.take()
    }

    func firstToJoin(_ room: String) -> LoopAction {
        .send(socket, #"{"type":"first_to_join","data":{"roomId":"\#(room)"}}"#)
    }

    /// What the peer is told when `joiner` joins.
    func someoneJoined(
        _ joiner: Peer, id: String? = nil, ownID: String? = nil, name: String = "null",
        sdp: String = "null"
    ) -> LoopAction {
        let peerID = id ?? joiner.connection
        return .send(
            socket,
            #"{"type":"someone_joined","data":{"connectionId":"\#(joiner.connection)","#
                + #""peerId":"\#(peerID)","offererId":"\#(peerID)","name":\#(name),"sdp":\#(sdp),"#
                + #""ownId":"\#(ownID ?? connection)"}}"#)
    }

    /// What the peer is told when `other` sends `members` with this type.
    func delivered(from other: Peer, type: String, _ members: String) -> LoopAction {
        .send(
            socket,
            #"{"type":"\#(type)","data":{"connectionId":"\#(other.connection)"\#(members)}}"#)
    }
}

/// A service with some fake loops on one thread.
struct ClassicHub {
    let world = World()
    let admission: Admission
    let service: Relay
    let loops: [FakeLoop]

    init(_ configuration: RelayConfiguration = RelayConfiguration(), loops count: Int = 1) {
        (admission, service) = world.services(configuration, AdmissionConfiguration())
        loops = (0..<count).map { [service] in FakeLoop(service, index: $0) }
    }

    func admission(
        client: String = "a", rooms: [String] = ["*"], name: String? = nil
    ) throws -> SocketAdmission {
        let token = try world.token(client: client, rooms: rooms, name: name)
        let decision = admission.admit(handshake("token=\(token)"), fromCookie: false)
        guard let admission = decision.admission else {
            preconditionFailure("a good token was refused")
        }
        return admission
    }

    func connect(
        client: String = "a", rooms: [String] = ["*"], name: String? = nil, loop: Int = 0
    ) throws -> Peer {
        let socket = loops[loop].open(try admission(client: client, rooms: rooms, name: name))
        return Peer(socket: socket, connection: world.lastConnection, loop: loops[loop])
    }
}
