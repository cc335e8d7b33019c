import Admission
import Locking
import Relay
import WebSocket

/// What a handler asks of its loop, in order.
enum LoopAction: Equatable, Sendable {
    case send(SocketID, String)
    case close(SocketID, CloseCode)
    case probe(SocketID, seconds: Int)
    case nudge(SocketID)
    case hold(SocketID)
    case release(SocketID)
    case postNow
    case move(SocketID, Move)
}

/// How a connection goes to another loop, and the message that it brings along.
struct Move: Equatable, Sendable {
    let loop: Int
    let admission: SocketAdmission
    let text: String

    static func == (one: Move, other: Move) -> Bool {
        one.loop == other.loop && one.admission === other.admission && one.text == other.text
    }
}

/// Performs nothing and remembers everything, to be carried out when the handler returns.
struct LoopOutput: SocketOutput {
    let index: Int
    /// The loop that an affinity chooses; without it no connection moves.
    var home: ((_ affinity: Int) -> Int)?
    var actions: [LoopAction] = []
    var monotonicSeconds: Int64 = 0

    init(index: Int = 0, home: ((_ affinity: Int) -> Int)? = nil) {
        self.index = index
        self.home = home
    }

    mutating func send(
        to socket: SocketID, head: Span<UInt8>, body: Span<UInt8>, tail: Span<UInt8>
    ) {
        actions.append(.send(socket, Self.text(head, body, tail)))
    }

    static func text(
        _ head: Span<UInt8>, _ body: Span<UInt8> = Span(), _ tail: Span<UInt8> = Span()
    ) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(head.count + body.count + tail.count)
        for index in head.indices { bytes.append(head[index]) }
        for index in body.indices { bytes.append(body[index]) }
        for index in tail.indices { bytes.append(tail[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }

    mutating func close(_ socket: SocketID, _ code: CloseCode, reason: StaticString) {
        precondition(reason.utf8CodeUnitCount <= 123)
        actions.append(.close(socket, code))
    }

    mutating func probe(_ socket: SocketID, secondsMax: Int) {
        actions.append(.probe(socket, seconds: secondsMax))
    }

    mutating func hold(_ socket: SocketID) { actions.append(.hold(socket)) }
    mutating func release(_ socket: SocketID) { actions.append(.release(socket)) }
    mutating func nudge(_ socket: SocketID) { actions.append(.nudge(socket)) }
    mutating func postNow() { actions.append(.postNow) }

    mutating func move<Admission: Sendable>(
        _ socket: SocketID, toAffinity affinity: Int, _ admission: Admission,
        redeliver text: Span<UInt8>
    ) -> Bool {
        guard let home = home?(affinity), home != index,
            let admission = admission as? SocketAdmission
        else { return false }
        let move = Move(loop: home, admission: admission, text: Self.text(text))
        actions.append(.move(socket, move))
        return true
    }
}

/// What one loop finds in its mailbox.
enum LoopMail: Sendable {
    case action(LoopAction)
    /// Of a thread that is no loop.
    case posted(LoopAction)
    case note(RelayNote)
}

/// Where other threads leave what is for a loop.
final class Mailbox: Sendable {
    private let mail = Lock<[LoopMail]>([])

    var count: Int { mail.withLock { $0.count } }
    func post(_ more: [LoopMail]) { mail.withLock { $0 += more } }
    func take(_ count: Int) -> [LoopMail] {
        mail.withLock { mail in
            defer { mail.removeFirst(min(count, mail.count)) }
            return Array(mail.prefix(count))
        }
    }
}

/// What a loop called its handler with.
enum LoopCall {
    case opened(Client)
    case received(Client, String)
    case nudged(Client)
    case closed(Client, SocketEnd)
    case told(RelayNote)
    case ticked
}

/// A handler with its loop: slots, a mailbox, and what its turn has not done yet.
final class Loop {
    let index: Int
    unowned let net: Net
    let mailbox: Mailbox
    private var handler: RelayHandler
    private var output: LoopOutput
    /// By loop; posted at the end of the turn, or at once on request.
    private var outboxes: [[LoopMail]]
    private var nudges: [SocketID] = []
    private var closing: [Client] = []
    /// Sockets that the server closes stay until their clients answer, which they don't.
    var keepsClosing = false
    private var released: [SocketID] = []
    private var slots = 0
    private var freeSlots: [Int] = []
    private var generation: UInt32 = 0

    init(_ service: Relay, _ index: Int, _ net: Net, home: ((Int) -> Int)? = nil) {
        self.index = index
        self.net = net
        mailbox = net.mailboxes[index]
        handler = service.makeHandler(loop: index)
        output = LoopOutput(index: index, home: home)
        outboxes = net.mailboxes.map { _ in [] }
    }

    var seconds: Int64 { output.monotonicSeconds }
    func advance(seconds: Int64) { output.monotonicSeconds += seconds }

    var isQuiet: Bool {
        mailbox.count == 0 && nudges.isEmpty && (keepsClosing || closing.isEmpty)
            && released.isEmpty
            && outboxes.allSatisfy(\.isEmpty)
    }

    // MARK: Calls

    func open(_ client: Client, _ admission: SocketAdmission) {
        let slot = freeSlots.popLast() ?? slots
        if slot == slots { slots += 1 }
        generation += 1
        client.arrive(at: self, SocketID(loop: index, slot: slot, generation: generation))
        net.clients[client.socket] = client
        call(.opened(client)) { $0.opened(client.socket, admission, &$1) }
    }

    /// Also of a socket that is closed or about to be, which the handler must not mind.
    func receive(_ text: String, from client: Client) {
        guard !client.isHeld else { return client.waiting.append(text) }
        let bytes = Array(text.utf8)
        call(.received(client, text)) { $0.received(bytes.span, from: client.socket, &$1) }
    }

    func close(_ client: Client, _ end: SocketEnd) {
        call(.closed(client, end)) { $0.closed(client.socket, end, &$1) }
        guard client.isOpen else { return }
        net.clients[client.socket] = nil
        freeSlots.append(client.socket.slot)
        client.leave(isClosed: true)
    }

    /// Closes all sockets from the server's side.
    func closeAll(_ code: CloseCode) {
        let sockets = net.clients.keys.filter { $0.loop == index }.sorted { $0.raw < $1.raw }
        for socket in sockets { perform(.close(socket, code)) }
    }

    func tell(_ note: RelayNote) { call(.told(note)) { $0.told(note, &$1) } }
    func tick() { call(.ticked) { $0.ticked(&$1) } }

    private func nudge(_ socket: SocketID) {
        guard let client = net.client(socket), client.closeCode == nil else { return }
        call(.nudged(client)) { $0.nudged(socket, &$1) }
    }

    /// Calls the handler and carries out what it asks for.
    private func call(
        _ call: LoopCall, _ body: (inout RelayHandler, inout LoopOutput) -> Void
    ) {
        body(&handler, &output)
        let actions = output.actions
        output.actions = []
        net.note(actions)
        for action in actions { carryOut(action) }
        net.watch?(call, self, actions)
    }

    private func carryOut(_ action: LoopAction) {
        switch action {
        case .send(let socket, _), .close(let socket, _), .nudge(let socket), .hold(let socket),
            .release(let socket):
            if socket.loop == index {
                perform(action)
            } else {
                outboxes[socket.loop].append(.action(action))
            }
        case .move(let socket, let move):
            net.client(socket)?.leave(isClosed: false)
            freeSlots.append(socket.slot)
            outboxes[move.loop].append(.action(action))
        case .postNow: post()
        case .probe: break
        }
    }

    /// Does what was asked here or elsewhere for one of this loop's sockets.
    private func perform(_ action: LoopAction) {
        switch action {
        case .send(let socket, let text):
            guard let client = net.client(socket), client.closeCode == nil else { return }
            client.receive(text)
        case .close(let socket, let code):
            guard let client = net.client(socket), client.closeCode == nil else { return }
            client.closeCode = code
            closing.append(client)
        case .nudge(let socket): nudges.append(socket)
        case .hold(let socket): net.client(socket)?.isHeld = true
        case .release(let socket): released.append(socket)
        case .move(let socket, let move):
            guard let client = net.clients.removeValue(forKey: socket) else { return }
            open(client, move.admission)
            if client.closeCode == nil { receive(move.text, from: client) }
        case .probe, .postNow: break
        }
    }

    // MARK: Turns

    func collect(_ count: Int = .max) {
        for mail in mailbox.take(count) {
            switch mail {
            case .posted(let action):
                net.note([action])
                collect(action)
            case .action(let action): collect(action)
            case .note(let note): tell(note)
            }
        }
    }

    private func collect(_ action: LoopAction) {
        if case .nudge(let socket) = action { nudge(socket) } else { perform(action) }
    }

    func endTurn() {
        while !nudges.isEmpty || !keepsClosing && !closing.isEmpty || !released.isEmpty {
            let sockets = nudges
            nudges = []
            for socket in sockets { nudge(socket) }
            let free = released
            released = []
            for client in free.compactMap(net.client) { release(client) }
            let clients = keepsClosing ? [] : closing
            closing.removeFirst(clients.count)
            for client in clients where client.isOpen {
                if let code = client.closeCode { close(client, .closedByUs(code)) }
            }
        }
        post()
    }

    /// Hands on what the client said meanwhile, until it is held again.
    private func release(_ client: Client) {
        client.isHeld = false
        while !client.isHeld, !client.waiting.isEmpty, client.closeCode == nil {
            receive(client.waiting.removeFirst(), from: client)
        }
    }

    private func post() {
        for index in outboxes.indices where !outboxes[index].isEmpty {
            net.mailboxes[index].post(outboxes[index])
            outboxes[index] = []
        }
    }

    /// What is in the outboxes never arrives.
    func dropMail() { for index in outboxes.indices { outboxes[index] = [] } }
}
