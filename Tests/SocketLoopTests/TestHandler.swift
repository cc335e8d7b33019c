import Bytes
import Glibc
import Identifiers
import Locking
import SocketLoop
import WebSocket

/// What the loops told their handlers, and which name has which socket.
final class Log: Sendable {
    enum Event: Equatable, Sendable {
        case opened(Int)
        case received(Int, String)
        case closed(Int, SocketEnd)
        case told(Int, loop: Int)
        case moved(Int)
        case nudged(Int)
    }

    private struct State {
        var events: [Event] = []
        var sockets: [Int: SocketID] = [:]
        var ticks = 0
        var isHolding = true
        var mail: [Int: [String]] = [:]
    }

    private let state = Lock(State())

    func add(_ event: Event) { state.withLock { $0.events.append(event) } }
    func name(_ socket: SocketID, _ name: Int) { state.withLock { $0.sockets[name] = socket } }
    func put(_ text: String, for name: Int) {
        state.withLock { $0.mail[name, default: []].append(text) }
    }

    func takeMail(_ name: Int) -> [String]? { state.withLock { $0.mail.removeValue(forKey: name) } }

    /// Ends every `hold`.
    func letGo() { state.withLock { $0.isHolding = false } }
    var isHolding: Bool { state.withLock { $0.isHolding } }
    func countTick() { state.withLock { $0.ticks += 1 } }

    func socket(_ name: Int) -> SocketID? { state.withLock { $0.sockets[name] } }
    var events: [Event] { state.withLock { $0.events } }
    var eventCount: Int { state.withLock { $0.events.count } }
    func messageCount(_ name: Int) -> Int {
        events.count { if case .received(name, _) = $0 { true } else { false } }
    }
    var ticks: Int { state.withLock { $0.ticks } }

    /// How the socket of this name ended; one element when all is well.
    func ends(_ name: Int) -> [SocketEnd] {
        events.compactMap { event in
            guard case .closed(name, let end) = event else { return nil }
            return end
        }
    }

    /// Waits for a condition that another thread brings about.
    func wait(until condition: (Log) -> Bool) throws {
        for _ in 0..<100_000 {
            if condition(self) { return }
            usleep(200)
        }
        throw TimedOut()
    }
}

/// Echoes, and obeys a few words: see `obey`.
struct TestHandler: SocketHandler, ~Copyable {
    enum Note: Sendable {
        case poke
        case number(Int)
        case send(to: SocketID, String)
        case close(SocketID, CloseCode)
        case probe(SocketID, secondsMax: Int)
        case hold(SocketID)
        case release(SocketID)
    }

    private final class Owner: SocketOwner {
        let clientID: ClientID
        let subject: Subject

        init(client: ClientID, subject: Subject) {
            clientID = client
            self.subject = subject
        }
    }

    let loop: Int
    let log: Log
    private var names: [SocketID: Int] = [:]

    init(loop: Int, log: Log) {
        self.loop = loop
        self.log = log
    }

    /// The client by the hundreds of its name, the subject by the tens.
    func owner(of admission: Int) -> any SocketOwner {
        Owner(
            client: "\(admission / 100)", subject: "\(admission / 10)")
    }

    mutating func opened(
        _ socket: SocketID, _ admission: Int, _ loop: inout some SocketOutput & ~Copyable
    ) {
        names[socket] = admission
        log.name(socket, admission)
        log.add(.opened(admission))
        if admission >= 9000 { loop.hold(socket) }
    }

    mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let name = names[socket] else { return log.add(.received(-1, "unknown socket")) }
        let message = string(text)
        if message.utf8.count < 100 { log.add(.received(name, message)) }
        let words = message.split(separator: " ").map { String($0) }
        if words.first == "go" { return go(words, text, socket, name, &loop) }
        if !obey(words, socket, &loop) {
            loop.send(to: socket, head: "<".utf8.span, body: text, tail: ">".utf8.span)
        }
    }

    mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard let name = names.removeValue(forKey: socket) else {
            return log.add(.closed(-1, end))
        }
        log.add(.closed(name, end))
        say("to the dead", to: socket, &loop)  // Must be dropped, from here on.
        loop.close(socket, .normal, reason: "twice")
        if let witness = log.socket(1000) { say("gone \(name)", to: witness, &loop) }
    }

    mutating func nudged(_ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable) {
        guard let name = names[socket] else { return log.add(.nudged(-1)) }
        log.add(.nudged(name))
        for text in log.takeMail(name) ?? ["nudged"] { say(text, to: socket, &loop) }
    }

    mutating func told(_ note: Note, _ loop: inout some SocketOutput & ~Copyable) {
        switch note {
        case .poke: break
        case .number(let number): log.add(.told(number, loop: self.loop))
        case .send(let socket, let text) where self.loop == 0: say(text, to: socket, &loop)
        case .close(let socket, let code) where self.loop == 0:
            loop.close(socket, code, reason: "as told")
        case .probe(let socket, let seconds) where self.loop == 0:
            loop.probe(socket, secondsMax: seconds)
        case .hold(let socket) where self.loop == 0: loop.hold(socket)
        case .release(let socket) where self.loop == 0: loop.release(socket)
        case .send, .close, .probe, .hold, .release: break
        }
    }

    mutating func ticked(_ loop: inout some SocketOutput & ~Copyable) { log.countTick() }

    /// `go LOOP [THEN]`: moves there and says so. `close` then closes the socket, on its new loop,
    /// and `keep` has it held before.
    private mutating func go(
        _ words: [String], _ text: Span<UInt8>, _ socket: SocketID, _ name: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        if words.last == "twice" { say("leaving \(loop.index)", to: socket, &loop) }
        if words.last == "keep" { loop.hold(socket) }
        let target = Int(words[1]) ?? 0
        if loop.move(socket, toAffinity: target, name, redeliver: text) {
            names[socket] = nil
            log.add(.moved(name))
            // The old id names nothing: all of this is dropped.
            say("to the gone", to: socket, &loop)
            loop.nudge(socket)
            loop.close(socket, .policy, reason: "gone")
            if loop.move(socket, toAffinity: target, name, redeliver: text) { log.add(.moved(-1)) }
        } else {
            say("at \(loop.index)", to: socket, &loop)
            if words.last == "close" { loop.close(socket, .policy, reason: "after the move") }
        }
    }

    /// `to NAME TEXT`, `close NAME CODE`, `flood NAME COUNT SIZE`, `probe NAME SECONDS`,
    /// `nudge NAME COUNT`, `mail NAME TEXT` (which the nudged handler finds), `hold NAME TEXT`
    /// (says it, posts and blocks the loop), `keep NAME …`, `free NAME …`, `blink NAME …` (both),
    /// `quiet …`.
    private func obey(
        _ words: [String], _ sender: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) -> Bool {
        if words.first == "quiet" { return true }
        guard words.count >= 3, let name = Int(words[1]) else { return false }
        let target = log.socket(name) ?? sender
        switch words[0] {
        case "to": say(words[2...].joined(separator: " "), to: target, &loop)
        case "close":
            loop.close(target, CloseCode(rawValue: UInt16(words[2]) ?? 1000), reason: "on request")
        case "mail":
            log.put(words[2...].joined(separator: " "), for: name)
            loop.nudge(target)
        case "nudge": for _ in 0..<(Int(words[2]) ?? 0) { loop.nudge(target) }
        case "hold":
            say(words[2...].joined(separator: " "), to: target, &loop)
            loop.postNow()
            while log.isHolding { usleep(200) }
        case "keep": loop.hold(target)
        case "free": loop.release(target)
        case "blink":
            loop.hold(target)
            loop.release(target)
        case "probe": loop.probe(target, secondsMax: Int(words[2]) ?? 0)
        case "flood":
            let body = String(repeating: "x", count: Int(words[3]) ?? 0)
            for _ in 0..<(Int(words[2]) ?? 0) { say(body, to: target, &loop) }
        default: return false
        }
        return true
    }

    private func say(
        _ text: String, to socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        loop.send(to: socket, head: "".utf8.span, body: text.utf8.span, tail: "".utf8.span)
    }

    private func string(_ bytes: Span<UInt8>) -> String {
        var array: [UInt8] = []
        array.reserveCapacity(bytes.count)
        for index in bytes.indices { array.append(bytes[index]) }
        return String(decoding: array, as: UTF8.self)
    }
}

extension CloseCode {
    /// Of RFC 6455 §7.4.1; the service itself never sends it.
    static let policy = CloseCode(rawValue: 1008)
}
