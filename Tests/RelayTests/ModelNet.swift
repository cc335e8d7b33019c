import Admission
import Relay
import WebSocket

/// What a handler asks of its loop, in order, to be carried out when its call returns.
struct ModelOutput: SocketOutput {
    enum Action {
        case send(SocketID, String)
        case close(SocketID, CloseCode)
        case nudge(SocketID)
        case postNow
        case move(SocketID, loop: Int, SocketAdmission)
    }

    let index: Int
    let loopOf: (_ affinity: Int) -> Int
    var actions: [Action] = []
    var monotonicSeconds: Int64 = 0

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
        actions.append(.close(socket, code))
    }

    mutating func probe(_ socket: SocketID, secondsMax: Int) {}
    mutating func nudge(_ socket: SocketID) { actions.append(.nudge(socket)) }
    mutating func hold(_ socket: SocketID) {}
    mutating func release(_ socket: SocketID) {}
    mutating func postNow() { actions.append(.postNow) }

    mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool {
        let home = loopOf(affinity)
        guard home != index, let admission = admission as? SocketAdmission else { return false }
        actions.append(.move(socket, loop: home, admission))
        return true
    }
}

/// One TCP connection: what is on its way in each direction, and what either end knows of its end.
final class ModelWire {
    /// Nil before the first loop has it, while it moves, and once the server has let go of it.
    var socket: SocketID?
    var toClient: [ModelReceipt] = []
    var toServer: [ModelMessage] = []
    /// The message that moves along with the connection.
    var moving: ModelMessage?
    /// The server sends nothing more after a close of its own.
    var closing: CloseCode?
    /// How the server will learn of the end, once the client is gone.
    var clientEnd: SocketEnd?
    /// Whom the server takes it for.
    var party: ModelParty?
    var hasSpoken = false
    /// It resumes nothing, and has made room for itself.
    var hasPlace = false
    /// The number of the last event that the server sent.
    var lastSent = 0
    /// What the server sent as `resumed`.
    var resumed: (secret: String, seq: Int)?
    /// The server's handlers know nothing of it any more.
    var isReleased = false

    func note(_ receipt: ModelReceipt) {
        if let seq = receipt.seq {
            lastSent = seq
            if let party, party.isAttached(to: self) { party.sent = seq }
        }
        if case .resumed(_, let secret, let seq) = receipt.event { resumed = (secret, seq) }
        if case .welcome = receipt.event { welcome = receipt.event }
    }

    var welcome: ModelEvent?
}

/// What one loop finds in its mailbox.
enum ModelMail {
    case send(SocketID, String)
    case close(SocketID, CloseCode)
    case nudge(SocketID)
    case arrival(ModelWire, SocketAdmission)
    case note(RelayNote)
}

/// A handler with its loop: a mailbox, and what its turn has not done yet.
final class ModelLoop {
    var handler: RelayHandler
    var output: ModelOutput
    var mailbox: [ModelMail] = []
    /// By loop; posted at the end of the turn, or at once on request.
    var outboxes: [[ModelMail]]
    var nudges: [SocketID] = []
    var closed: [ModelWire] = []
    private var slots = 0
    private var freeSlots: [Int] = []
    private var generation: UInt32 = 0

    init(_ service: Relay, _ index: Int, of count: Int, _ loopOf: @escaping (Int) -> Int) {
        handler = service.makeHandler(loop: index)
        output = ModelOutput(index: index, loopOf: loopOf)
        outboxes = Array(repeating: [], count: count)
    }

    func newSocket() -> SocketID {
        let slot = freeSlots.popLast() ?? slots
        if slot == slots { slots += 1 }
        generation += 1
        return SocketID(loop: output.index, slot: slot, generation: generation)
    }

    var isQuiet: Bool {
        mailbox.isEmpty && nudges.isEmpty && closed.isEmpty && outboxes.allSatisfy(\.isEmpty)
    }

    func free(_ socket: SocketID) { freeSlots.append(socket.slot) }
}

/// Several loops on one thread, in any order: sends between loops wait in mailboxes as they do in
/// the real ones, and a turn ends when the run says so.
struct ModelNet {
    /// A close that the handler asked for during a call.
    typealias Close = (wire: ModelWire?, code: CloseCode)

    let loops: [ModelLoop]
    private(set) var wires: [SocketID: ModelWire] = [:]

    init(_ service: Relay, loops count: Int) {
        // Hashes differ from process to process; the order in which rooms come up does not.
        final class Homes { var known: [Int: Int] = [:] }
        let homes = Homes()
        loops = (0..<count).map { index in
            ModelLoop(service, index, of: count) { affinity in
                if let home = homes.known[affinity] { return home }
                homes.known[affinity] = homes.known.count % count
                return (homes.known.count - 1) % count
            }
        }
    }

    func loop(of socket: SocketID) -> ModelLoop { loops[socket.loop] }

    mutating func adopt(_ wire: ModelWire, _ loop: ModelLoop) -> SocketID {
        let socket = loop.newSocket()
        wire.socket = socket
        wires[socket] = wire
        return socket
    }

    /// Calls a handler and carries out what it asked for.
    ///
    /// - Returns: The closes among that, in their order.
    @discardableResult
    mutating func call(
        _ loop: ModelLoop, _ body: (inout RelayHandler, inout ModelOutput) -> Void
    ) throws -> [Close] {
        body(&loop.handler, &loop.output)
        let actions = loop.output.actions
        loop.output.actions = []
        var closes: [Close] = []
        for action in actions {
            switch action {
            case .send(let socket, let text):
                if socket.loop == loop.output.index {
                    try send(socket, text)
                } else {
                    loop.outboxes[socket.loop].append(.send(socket, text))
                }
            case .close(let socket, let code):
                closes.append((wires[socket], code))
                if socket.loop == loop.output.index {
                    close(socket, code, loop)
                } else {
                    loop.outboxes[socket.loop].append(.close(socket, code))
                }
            case .nudge(let socket):
                if socket.loop == loop.output.index {
                    loop.nudges.append(socket)
                } else {
                    loop.outboxes[socket.loop].append(.nudge(socket))
                }
            case .postNow: post(loop)
            case .move(let socket, let home, let admission):
                guard let wire = wires.removeValue(forKey: socket) else { continue }
                loop.free(socket)
                wire.socket = nil
                loop.outboxes[home].append(.arrival(wire, admission))
            }
        }
        return closes
    }

    mutating func send(_ socket: SocketID, _ text: String) throws {
        guard let wire = wires[socket], wire.closing == nil else { return }
        let receipt = try ModelReceipt(text)
        if wire.clientEnd == nil { wire.toClient.append(receipt) }
        wire.note(receipt)
    }

    mutating func close(_ socket: SocketID, _ code: CloseCode, _ loop: ModelLoop) {
        guard let wire = wires[socket], wire.closing == nil else { return }
        wire.closing = code
        loop.closed.append(wire)
    }

    func post(_ loop: ModelLoop) {
        for index in loop.outboxes.indices {
            loops[index].mailbox += loop.outboxes[index]
            loop.outboxes[index] = []
        }
    }

    /// The server lets go of a connection, of which its handler has been told.
    mutating func release(_ wire: ModelWire) {
        guard let socket = wire.socket else { return }
        wires[socket] = nil
        loop(of: socket).free(socket)
        wire.socket = nil
        wire.isReleased = true
    }
}
