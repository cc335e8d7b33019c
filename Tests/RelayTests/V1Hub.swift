import Admission
import AdmissionSupport
import Bytes
import Locking
import Relay
import Signalling
import StrictJSON
import WebSocket

/// Some fake loops whose mail is delivered, and the clients at the other end of their sockets.
final class V1Hub {
    let world = World()
    private(set) var admission: Admission
    private(set) var service: Relay
    private(set) var loops: [FakeLoop]
    private let configuration: RelayConfiguration
    private let limits: AdmissionConfiguration
    private var clients: [SocketID: V1Client] = [:]
    /// Sockets that were pinged at once.
    private(set) var probed: [SocketID] = []
    private(set) var postCount = 0

    /// With `moves`, a connection goes to the loop of its first room.
    init(
        _ configuration: RelayConfiguration = RelayConfiguration(),
        limits: AdmissionConfiguration = AdmissionConfiguration(), loops count: Int = 2,
        moves: Bool = false
    ) {
        self.configuration = configuration
        self.limits = limits
        (admission, service) = world.services(configuration, limits)
        loops = (0..<count).map { [service] in FakeLoop(service, index: $0) }
        if moves { for loop in loops { loop.allowMoves(among: count) } }
    }

    // MARK: Connections

    func admission(token: String, isV1: Bool = true) -> SocketAdmission? {
        let headers = isV1 ? [("Sec-WebSocket-Protocol", "usher.v1")] : []
        return admission.admit(handshake("token=\(token)", headers), fromCookie: false).admission
    }

    func connect(token: String, isV1: Bool = true, loop: Int = 0) -> V1Client {
        guard let admission = admission(token: token, isV1: isV1) else {
            preconditionFailure("a good token was refused")
        }
        let client = V1Client(hub: self, isV1: isV1)
        client.socket = loops[loop].open(admission) { self.clients[$0] = client }
        if !isV1 { client.connection = world.lastConnection }
        run()
        return client
    }

    /// A client with its `welcome` read.
    func connect(
        subject: String? = nil, rooms: [String] = ["*"], name: String? = nil,
        seconds: Int64 = 600, isV1: Bool = true, loop: Int = 0
    ) throws -> V1Client {
        let token = try world.token(
            subject: subject, rooms: rooms, name: name, seconds: seconds)
        let client = connect(token: token, isV1: isV1, loop: loop)
        _ = client.take()
        return client
    }

    func say(_ text: String, _ client: V1Client) {
        guard !client.isClosed else { return }
        loops[client.socket.loop].receive(text, from: client.socket)
        run()
    }

    func close(_ client: V1Client, _ end: SocketEnd) {
        guard !client.isClosed else { return }
        client.isClosed = true
        clients[client.socket] = nil
        loops[client.socket.loop].close(client.socket, end)
        run()
    }

    func tell(_ note: RelayNote) {
        for loop in loops { loop.tell(note) }
        run()
    }

    func kick(_ client: V1Client) {
        let digits = Array(client.connection.utf8)
        guard let connection = ConnectionID(digits.span, digits.indices) else { return }
        tell(.kick(connection))
    }

    /// Lets time pass on all clocks, a tick a second.
    func wait(seconds: Int64) {
        for _ in 0..<seconds {
            world.state.withLock {
                $0.now += 1
                $0.milliseconds += 1000
            }
            for loop in loops {
                loop.advance(seconds: 1)
                loop.tick()
            }
            run()
        }
    }

    // MARK: Restarts

    /// Ends the process in order, as far as the relay has to do with it.
    ///
    /// - Returns: What it leaves on its shelf.
    func stop() -> Relay.Shelved? {
        admission.stopAdmitting()
        service.prepareStop()
        let sockets = clients.keys.sorted { $0.raw < $1.raw }
        for socket in sockets { clients[socket].map { close($0, .closedByUs(.restarting)) } }
        return service.shelve()
    }

    /// Starts the next process, which finds nothing but its shelf.
    @discardableResult
    func start(
        _ change: (inout RelayConfiguration) -> Void = { _ in },
        limits: AdmissionConfiguration? = nil, with shelf: [UInt8]?
    ) throws -> Relay.PutBack? {
        var configuration = configuration
        change(&configuration)
        (admission, service) = world.services(configuration, limits ?? self.limits)
        let result = try shelf.map { try service.putBack($0) }
        loops = loops.indices.map { [service] in FakeLoop(service, index: $0) }
        for loop in loops { loop.advance(seconds: world.state.withLock { $0.milliseconds } / 1000) }
        return result
    }

    @discardableResult
    func restart() throws -> Relay.PutBack? { try start(with: stop()?.bytes) }

    // MARK: Mail

    /// Performs what the handlers asked for, until nothing is left.
    func run() {
        var isQuiet = false
        while !isQuiet {
            isQuiet = true
            for loop in loops {
                for action in loop.take() {
                    isQuiet = false
                    perform(action)
                }
                for move in loop.takeMoves() {
                    isQuiet = false
                    perform(move)
                }
            }
        }
    }

    private func perform(_ action: LoopAction) {
        switch action {
        case .send(let socket, let text): clients[socket]?.receive(text)
        case .close(let socket, let code):
            guard let client = clients[socket] else { return }
            client.closeCode = code
            client.isClosed = true
            clients[socket] = nil
            loops[socket.loop].close(socket, .closedByUs(code))
        case .probe(let socket, _): probed.append(socket)
        case .nudge(let socket):
            if clients[socket] != nil { loops[socket.loop].nudge(socket) }
        case .postNow: postCount += 1
        }
    }

    private func perform(_ move: Move) {
        guard let client = clients[move.socket] else { return }
        clients[move.socket] = nil
        client.socket = loops[move.loop].open(move.admission) { self.clients[$0] = client }
        loops[move.loop].receive(move.text, from: client.socket)
    }
}

/// What stands at the other end of one socket.
final class V1Client {
    private let hub: V1Hub
    private let isV1: Bool
    var socket = SocketID(raw: .max)
    var connection = ""
    var secret = ""
    /// The number of the last event that came.
    private(set) var seq: UInt64 = 0
    private var texts: [String] = []
    var closeCode: CloseCode?
    var isClosed = false

    init(hub: V1Hub, isV1: Bool) {
        self.hub = hub
        self.isV1 = isV1
    }

    func receive(_ text: String) {
        texts.append(text)
        guard let event = try? JSONValue.parse(Array(text.utf8)).object else {
            preconditionFailure("every event is strict JSON")
        }
        if let number = event["seq"]?.int64 {
            precondition(UInt64(number) == seq + 1, "numbers have no gaps")
            seq += 1
        }
        let data = event["data"]?.object
        if event["type"] == "welcome" || event["type"] == "resumed" {
            connection = data?["connectionId"]?.string?.string ?? ""
            secret = data?["session"]?.string?.string ?? ""
        }
        // What came before is replayed again.
        if event["type"] == "resumed" { seq = resumedAfter ?? 0 }
    }

    /// What the client has dealt with when it asks for a resume.
    var resumedAfter: UInt64?

    /// What came since the last call.
    func take() -> [String] {
        defer { texts.removeAll() }
        return texts
    }

    // MARK: Saying

    @discardableResult
    func say(_ text: String) -> [String] {
        hub.say(text, self)
        return take()
    }

    @discardableResult
    func join(
        _ room: String, id: String? = nil, name: String = "N", more: String = ""
    ) -> [String] {
        let member = id.map { #","id":"\#($0)""# } ?? ""
        return say(
            #"{"action":"join-room","roomId":"\#(room)","name":"\#(name)"\#(member)\#(more)}"#)
    }

    @discardableResult
    func send(_ payload: String, to target: V1Client, ack: String? = nil) -> [String] {
        let ack = ack.map { #","ack":\#($0)"# } ?? ""
        return say(
            #"{"action":"send-payload","target":"\#(target.connection)","#
                + #""payload":\#(payload)\#(ack)}"#)
    }

    @discardableResult
    func resume(_ secret: String, after seq: UInt64, more: String = "") -> [String] {
        resumedAfter = seq
        return say(#"{"action":"resume","session":"\#(secret)","seq":\#(seq)\#(more)}"#)
    }

    func close(_ end: SocketEnd = .lost) { hub.close(self, end) }
}

// MARK: Events as they must be

func numbered(_ seq: Int, _ type: String, _ data: String) -> String {
    #"{"type":"\#(type)","data":{\#(data)},"seq":\#(seq)}"#
}

func refused(
    _ seq: Int, _ code: String, _ action: String, ack: String = "null",
    _ complaint: MessageComplaint? = nil
) -> String {
    let error = complaint?.message.description ?? errors[code] ?? ""
    return numbered(
        seq, "error",
        #""code":"\#(code)","message":"\#(error)","action":\#(action),"ack":\#(ack)"#)
}

private let errors = [
    "bad_request": "a member is missing, of the wrong type, empty or too long",
    "unknown_action": "there is no such action",
    "unknown_target": "no such member in a room with you",
    "room_forbidden": "the token does not grant this room",
    "room_full": "the room has no place left",
    "too_many_rooms": "you are in as many rooms as one connection may be",
    "peer_id_taken": "another connection in the room bears this id",
    "resume_failed": "the session cannot be resumed: join afresh",
    "invalid_token": "the token is not good for this connection",
]

/// A member in a `room_state`.
func listed(
    _ client: V1Client, _ id: String, name: String = "N", polite: Bool = true
) -> String {
    #"{"connectionId":"\#(client.connection)","peerId":"\#(id)","name":"\#(name)","#
        + #""polite":\#(polite)}"#
}

func roomState(
    _ seq: Int, _ room: String, _ members: [String], polite: Bool = true
) -> String {
    numbered(
        seq, "room_state",
        #""roomId":"\#(room)","polite":\#(polite),"members":[\#(members.joined(separator: ","))]"#)
}

func left(_ seq: Int, _ room: String, _ client: V1Client, _ id: String, _ reason: String) -> String
{
    numbered(
        seq, "someone_left",
        #""roomId":"\#(room)","connectionId":"\#(client.connection)","peerId":"\#(id)","#
            + #""reason":"\#(reason)""#)
}

func joined(_ client: V1Client, _ id: String, own: String, name: String = "N") -> String {
    #""connectionId":"\#(client.connection)","peerId":"\#(id)","offererId":"\#(id)","#
        + #""name":"\#(name)","sdp":null,"ownId":"\#(own)""#
}
