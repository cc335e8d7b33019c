import WebSocket

/// A member of rooms as the model knows it: a classic connection, or a session of v1.
final class ModelParty {
    enum State {
        case attached(ModelWire)
        case moving
        /// Swept away by the loop where it was attached last, when its time is over.
        case away(until: Int64, loop: Int)
        case ended
    }

    /// Why a session gets no more events and is about to end.
    enum Doom { case replaced, overfull }

    struct Entry {
        var event: ModelEvent
        /// Events of one group may come in any order.
        let group: Int?
    }

    let connection: String
    let isV1: Bool
    var token: ModelToken
    var state: State
    var doom: Doom?
    /// Where it is, in the order of joining.
    var rooms: [(room: String, peerID: String)] = []
    /// Its place is from before a restart, and was not resumed since.
    var isUnclaimed = false
    /// Of several who are away, the first to go has the least.
    var awayOrder = 0

    /// Of a session: all its events from number 1 on.
    var log: [Entry] = []
    /// How many of them the server has sent at least once to the last socket.
    var sent = 0
    var secret = ""
    /// What an ended session may have been told still.
    var lastWords: Set<ModelEvent> = []

    /// Of a classic connection: what must come, by who caused it, in order.
    var expected: [String: [ModelEvent]] = [:]

    init(connection: String, isV1: Bool, token: ModelToken, on wire: ModelWire) {
        self.connection = connection
        self.isV1 = isV1
        self.token = token
        state = .attached(wire)
    }

    var hasEnded: Bool {
        if case .ended = state { true } else { false }
    }
    var isAway: Bool {
        if case .away = state { true } else { false }
    }
    func isAttached(to wire: ModelWire) -> Bool {
        if case .attached(let own) = state { own === wire } else { false }
    }
    func peerID(in room: String) -> String? { rooms.first { $0.room == room }?.peerID }

    /// Checks an event that a client reads as number `seq` of this session.
    func check(_ event: ModelEvent, seq: Int) throws {
        let index = seq - 1
        guard index < log.count else {
            if hasEnded, lastWords.contains(event) { return }
            throw Mismatch("\(connection) was told of nothing as number \(seq), yet got \(event)")
        }
        if log[index].event == event { return }
        if let group = log[index].group {
            let other = log[index...].firstIndex { $0.group == group && $0.event == event }
            if let other { return log.swapAt(index, other) }
        }
        if hasEnded, lastWords.contains(event) { return }
        throw Mismatch(
            "\(connection) got \(event) as number \(seq) in place of \(log[index].event)")
    }

    /// Checks an event that a classic client reads.
    func check(_ event: ModelEvent) throws {
        let sender =
            switch event {
            case .payload(let from, _): from
            case .joined(let connection, _, _, _): connection
            default: connection
            }
        guard expected[sender]?.first == event else {
            throw Mismatch(
                "\(connection) got \(event) in place of "
                    + "\(expected[sender]?.first.map { "\($0)" } ?? "nothing") from \(sender)")
        }
        expected[sender]?.removeFirst()
    }
}

/// A connection, what is on its way to the server, and what the reference knows of it.
final class ModelWire: Client {
    var toServer: [ModelMessage] = []
    /// The message that the server deals with; it moves along with the connection.
    var heard: ModelMessage?
    /// How the server will learn of the end, once the client is gone.
    var clientEnd: SocketEnd?
    /// Whom the server takes it for.
    var party: ModelParty?
    var hasSpoken = false
    /// It resumes nothing, and has made room for itself.
    var hasPlace = false

    override var seq: Int {
        didSet { if let party, party.isAttached(to: self) { party.sent = seq } }
    }

    /// The server's loops read from it.
    var isHeard: Bool { isOpen && closeCode == nil }
}

/// What a token says.
struct ModelToken {
    let id: String
    let client: String
    /// Nil where the token names none.
    let subject: String?
    /// Names of rooms, without patterns.
    let granted: Set<String>

    func isOfSamePeer(as other: ModelToken) -> Bool {
        client == other.client && subject == other.subject
    }
}

/// A message that a client wrote.
struct ModelMessage {
    enum Content {
        case join(room: String, peerID: String)
        case leave(room: String)
        case send(to: String)
        case broadcast(room: String)
        case ping
        case refresh(ModelToken)
        case resume(ModelResume)
        case lateResume
    }

    let content: Content
    /// Its ack and, of a payload, its number.
    let number: Int
    let text: String

    var action: String {
        switch content {
        case .join: "join-room"
        case .leave: "leave-room"
        case .send: "send-payload"
        case .broadcast: "broadcast"
        case .ping: "ping"
        case .refresh: "refresh-token"
        case .resume, .lateResume: "resume"
        }
    }
}

/// What a resume asks for: the session that last bore the secret, as far as its client knows.
struct ModelResume {
    let party: ModelParty?
    let secret: String
    let seq: Int
}
