import Bytes
import CEpoll
import Glibc
import Identifiers
import WebSocket

@testable import SocketLoop

extension FuzzTarget {
    static let loopTurns = FuzzTarget(
        check: fuzzLoopTurns,
        work: { bytes in
            let choice = LoopChoice(raw: bytes[0], seed: bytes[1])
            return {
                var loops = LoopPair(choice)
                _ = loops.hear(Array(bytes[2...]), choice)
            }
        },
        benign: { bytes in
            // Cut in the same places: what a piece costs is our own doing.
            bytes.prefix(2) + frames(count: bytes.count - 2)
        })
}

/// Whole turns of two loops over a socket pair: the first bytes choose limits and where the rest is
/// cut, the rest is what a client sends. The answers must be those of a plain decoder, whatever the
/// cuts and however often the socket moves between the loops.
func fuzzLoopTurns(_ bytes: [UInt8]) {
    guard bytes.count > 2 else { return }
    let choice = LoopChoice(raw: bytes[0], seed: bytes[1])
    let stream = Array(bytes[2...])
    var loops = LoopPair(choice)
    let heard = loops.hear(stream, choice)
    var reference = PlainDecoder(choice)
    let expected = reference.answers(to: stream)
    let isSame = heard == expected
    // Of a frame that is not whole, only we say that it can't become right.
    let isEarly = heard.starts(with: expected) && Answer.isRefusal(heard.dropFirst(expected.count))
    require(isSame || reference.isCut && isEarly, "heard \(heard), expected \(expected)")
}

struct LoopChoice {
    let moves: Bool
    let echoesBinary: Bool
    let isPaced: Bool
    let messageBytesMax: Int
    var seed: UInt64

    init(raw: UInt8, seed: UInt8) {
        moves = raw & 1 != 0
        echoesBinary = raw & 2 != 0
        isPaced = raw & 4 != 0
        messageBytesMax = [0, 1, 125, 1000][Int(raw >> 3 & 3)]
        self.seed = UInt64(seed)
    }

    /// The length of the next piece.
    mutating func nextLength() -> Int {
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return 1 << Int(seed >> 61) + Int(seed >> 40 & 3)
    }

    var limits: SocketLimits {
        var limits = SocketLimits()
        limits.messageBytesMax = messageBytesMax
        limits.echoesBinary = echoesBinary
        limits.messagesPerSecond = isPaced ? 100 : 0
        limits.messageBurst = 2
        limits.overRateSecondsMax = 0
        limits.pingIntervalSeconds = 0
        limits.socketsPerLoopMax = 2
        return limits
    }
}

/// What a server says.
struct Answer: Equatable {
    let opcode: UInt8
    /// Of a close frame the code alone.
    let payload: [UInt8]

    static func close(_ code: UInt16?) -> Answer {
        Answer(opcode: 8, payload: code.map { [UInt8($0 >> 8), UInt8($0 & 0xff)] } ?? [])
    }

    static func isRefusal(_ rest: ArraySlice<Answer>) -> Bool {
        guard rest.count == 1, let last = rest.first, last.opcode == 8 else { return rest.isEmpty }
        return [1002, 1003, 1007, 1009].contains { last == .close($0) }
    }

    /// Reads server frames, which must be whole.
    static func read(_ bytes: [UInt8]) -> [Answer] {
        var answers: [Answer] = []
        var rest = bytes[...]
        while rest.count >= 2 {
            let total = ServerFrame.totalLength(startingWith: Array(rest.prefix(10)).span)
            require(total <= rest.count, "a server sends whole frames")
            let short = rest[rest.startIndex + 1]
            let header = short == 126 ? 4 : short == 127 ? 10 : 2
            let opcode = rest[rest.startIndex] & 0x0f
            let payload = Array(rest.dropFirst(header).prefix(total - header))
            answers.append(
                Answer(opcode: opcode, payload: opcode == 8 ? Array(payload.prefix(2)) : payload))
            rest = rest.dropFirst(total)
        }
        require(rest.isEmpty, "a server sends whole frames")
        return answers
    }
}

// MARK: The loops

private final class FuzzClock: @unchecked Sendable {
    var milliseconds: Int64 = 1_000_000
}

/// Echoes; with `moves`, each message first moves its socket to the other loop.
private struct EchoHandler: SocketHandler {
    typealias Admission = Int
    typealias Note = Never

    let moves: Bool
    var opened = 0
    var closed = 0
    var moved = 0
    var arrived: Int?

    private final class Nobody: SocketOwner {
        let clientID: ClientID = ""
        let subject: Subject = ""
    }

    func owner(of admission: Int) -> any SocketOwner { Nobody() }

    mutating func opened(
        _ socket: SocketID, _ admission: Int, _ loop: inout some SocketOutput & ~Copyable
    ) {
        opened += 1
        arrived = admission
    }

    mutating func received(
        _ text: Span<UInt8>, from socket: SocketID, _ loop: inout some SocketOutput & ~Copyable
    ) {
        if moves, arrived == nil,
            loop.move(socket, toAffinity: 1 - loop.index, 1, redeliver: text)
        {
            moved += 1
            return
        }
        arrived = nil
        loop.nudge(socket)
        loop.send(to: socket, head: "".utf8.span, body: text, tail: "".utf8.span)
    }

    mutating func closed(
        _ socket: SocketID, _ end: SocketEnd, _ loop: inout some SocketOutput & ~Copyable
    ) { closed += 1 }

    mutating func nudged(_ socket: SocketID, _ loop: inout some SocketOutput & ~Copyable) {}
    mutating func told(_ note: Never, _ loop: inout some SocketOutput & ~Copyable) {}
    mutating func ticked(_ loop: inout some SocketOutput & ~Copyable) {}
}

private struct LoopPair: ~Copyable {
    private let clock = FuzzClock()
    private let mailboxes: [Mailbox]
    private let deliveries: [Deliveries<Int, Never>]
    private var first: EventLoop
    private var second: EventLoop
    private var handlers: (EchoHandler, EchoHandler)

    init(_ choice: LoopChoice) {
        let mailboxes = (0..<2).map { _ in mustTake("eventfd") { try Mailbox() } }
        self.mailboxes = mailboxes
        deliveries = mailboxes.map { Deliveries(waking: $0) }
        let port = SocketClock { [clock] in clock.milliseconds }
        let (closers, board) = (Closers(), FigureBoard())
        let shares = SocketShares(choice.limits)
        first = EventLoop(
            index: 0, poll: epoll_create1(0), mailboxes: mailboxes, closers: closers,
            shares: shares, board: board, limits: choice.limits, clock: port)
        second = EventLoop(
            index: 1, poll: epoll_create1(0), mailboxes: mailboxes, closers: closers,
            shares: shares, board: board, limits: choice.limits, clock: port)
        first.watchMailbox()
        second.watchMailbox()
        handlers = (EchoHandler(moves: choice.moves), EchoHandler(moves: choice.moves))
    }

    private mutating func turn() {
        mailboxes[0].wake()  // So that no turn waits.
        first.turn(&handlers.0, deliveries)
        mailboxes[1].wake()
        second.turn(&handlers.1, deliveries)
    }

    /// What a client hears that sends `stream` in pieces and then ends its side.
    mutating func hear(_ stream: [UInt8], _ choice: LoopChoice) -> [Answer] {
        var choice = choice
        var ends: [Int32] = [0, 0]
        require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0, "a pair")
        let client = ends[0]
        defer { close(client) }
        let early = stream.prefix(choice.nextLength())
        _ = deliveries[0].put(
            .socket(descriptor: ends[1], earlyBytes: Array(early), 0))
        turn()
        var rest = stream.dropFirst(early.count)
        var heard: [UInt8] = []
        while !rest.isEmpty {
            let piece = Array(rest.prefix(choice.nextLength()))
            let flags = Int32(MSG_NOSIGNAL)
            guard unsafe send(client, piece, piece.count, flags) == piece.count else { break }
            rest = rest.dropFirst(piece.count)
            turn()
            Self.read(client, &heard)
        }
        shutdown(client, Int32(SHUT_WR))
        // Paced or closing, it is through in the end.
        for _ in 0..<400 where !isOver {
            clock.milliseconds += 250
            turn()
            Self.read(client, &heard)
        }
        checkEnd()
        Self.read(client, &heard)
        return Answer.read(heard)
    }

    /// Whether the socket is gone, and not just between the loops.
    private var isOver: Bool {
        handlers.0.closed + handlers.1.closed > 0
            && first.slots.liveCount + second.slots.liveCount == 0
    }

    private func checkEnd() {
        require(first.slots.liveCount + second.slots.liveCount == 0, "nothing is left open")
        let (one, other) = handlers
        require(one.closed + other.closed == 1, "the end is told once")
        require(one.opened + other.opened == one.moved + other.moved + 1, "each arrival is told")
    }

    private static func read(_ descriptor: Int32, _ heard: inout [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = unsafe recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
            guard count > 0 else { return }
            heard += buffer[..<count]
        }
    }
}

// MARK: The reference

/// RFC 6455 §5 to §8 over bytes that have all come, as plain as can be.
private struct PlainDecoder {
    let choice: LoopChoice
    private(set) var isCut = false
    private var answers: [Answer] = []
    private var message: [UInt8]?
    private var isBinary = false

    init(_ choice: LoopChoice) { self.choice = choice }

    mutating func answers(to stream: [UInt8]) -> [Answer] {
        var rest = stream[...]
        while !rest.isEmpty {
            guard let length = take(Array(rest)) else { break }
            rest = rest.dropFirst(length)
        }
        return answers
    }

    /// The length of the frame at the front; nil if the conversation is over, or the frame cut.
    private mutating func take(_ bytes: [UInt8]) -> Int? {
        let opcode = bytes[0] & 0x0f
        let isControl = opcode >= 8
        guard bytes[0] & 0x70 == 0, [0, 1, 2, 8, 9, 10].contains(opcode),
            !isControl || bytes[0] & 0x80 != 0
        else { return refuse(1002) }
        guard bytes.count > 1 else { return cut() }
        guard bytes[1] & 0x80 != 0 else { return refuse(1002) }
        let short = Int(bytes[1] & 0x7f)
        guard !isControl || short < 126 else { return refuse(1002) }
        let lengthBytes = short == 126 ? 2 : short == 127 ? 8 : 0
        guard bytes.count >= 2 + lengthBytes else { return cut() }
        let long = bytes[2..<(2 + lengthBytes)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        if lengthBytes == 2, long < 126 { return refuse(1002) }
        if lengthBytes == 8, long < 65_536 || long >> 63 != 0 { return refuse(1002) }
        let length = lengthBytes == 0 ? UInt64(short) : long
        let limit = choice.messageBytesMax > 0 ? choice.messageBytesMax : 1 << 30
        guard isControl || length <= UInt64(limit - (message?.count ?? 0)) else {
            return refuse(1009)
        }
        let start = 2 + lengthBytes + 4
        guard bytes.count >= start else { return cut() }
        guard isControl || begin(opcode) else { return nil }
        guard UInt64(bytes.count - start) >= length else { return cut() }
        let payload = (0..<Int(length)).map { bytes[start + $0] ^ bytes[start - 4 + $0 % 4] }
        let goesOn =
            isControl ? control(opcode, payload) : data(payload, isFinal: bytes[0] & 0x80 != 0)
        return goesOn ? start + payload.count : nil
    }

    private mutating func begin(_ opcode: UInt8) -> Bool {
        guard (opcode == 0) == (message != nil) else { return refuse(1002) != nil }
        guard opcode != 2 || choice.echoesBinary else { return refuse(1003) != nil }
        if opcode != 0 { isBinary = opcode == 2 }
        return true
    }

    private mutating func data(_ payload: [UInt8], isFinal: Bool) -> Bool {
        let whole = (message ?? []) + payload
        if !isBinary {
            guard isText(whole, isFinal: isFinal) else { return refuse(1007) != nil }
        }
        message = isFinal ? nil : whole
        if isFinal { answers.append(Answer(opcode: isBinary ? 2 : 1, payload: whole)) }
        return true
    }

    /// Whether it is UTF-8, or may become it.
    private func isText(_ bytes: [UInt8], isFinal: Bool) -> Bool {
        if String(validating: bytes, as: UTF8.self) != nil { return true }
        guard !isFinal else { return false }
        // The four ways to go on: any second byte that some lead allows, then what fills it up.
        return [0x80, 0x90, 0xa0].contains { (second: UInt8) in
            (0...2).contains { more in
                let tail = [second] + Array(repeating: 0x80, count: more)
                return String(validating: bytes + tail, as: UTF8.self) != nil
            }
        }
    }

    private mutating func control(_ opcode: UInt8, _ payload: [UInt8]) -> Bool {
        switch opcode {
        case 9: answers.append(Answer(opcode: 10, payload: payload))
        case 8: return refuse(closeCode(payload)) != nil
        default: break
        }
        return true
    }

    /// What to answer to a close frame.
    private func closeCode(_ payload: [UInt8]) -> UInt16? {
        guard !payload.isEmpty else { return nil }
        guard payload.count > 1 else { return 1002 }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        let isRegistered = [
            1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
        ].contains(code)
        guard isRegistered || 3000..<5000 ~= code else { return 1002 }
        return isText(Array(payload[2...]), isFinal: true) ? code : 1007
    }

    private mutating func refuse(_ code: UInt16?) -> Int? {
        answers.append(.close(code))
        return nil
    }

    private mutating func cut() -> Int? {
        isCut = true
        return nil
    }
}
