import CEpoll
import Testing
import WebSocket

@testable import SocketLoop

/// A loop whose turns the test takes itself, so that it can look at what its sockets hold.
struct BareLoop: ~Copyable {
    private let clock = TestClock()
    let log = Log()
    private let mailbox: Mailbox
    private let deliveries: [Deliveries<Int, TestHandler.Note>]
    private var handler: TestHandler
    private(set) var loop: EventLoop

    init(_ configure: (inout SocketLimits) -> Void = { _ in }) throws {
        var limits = SocketLimits()
        limits.messagesPerSecond = 0
        configure(&limits)
        mailbox = try Mailbox()
        deliveries = [Deliveries(waking: mailbox)]
        handler = TestHandler(loop: 0, log: log)
        loop = EventLoop(
            index: 0, poll: epoll_create1(0), mailboxes: [mailbox], closers: Closers(),
            shares: SocketShares(limits), board: FigureBoard(), limits: limits, clock: clock.port)
        loop.watchMailbox()
    }

    mutating func turn() {
        mailbox.wake()  // So that it doesn't wait.
        loop.turn(&handler, deliveries)
    }

    mutating func connect(_ name: Int) throws -> (client: TestClient, slot: Int) {
        let (client, server) = TestClient.pair()
        _ = deliveries[0].put(.socket(descriptor: server, earlyBytes: [], name))
        turn()
        return (client, try #require(log.socket(name)).slot)
    }

    /// Has the loop read all that a client sends.
    mutating func take(_ bytes: [UInt8], from client: TestClient) {
        var rest = bytes[...]
        while !rest.isEmpty {
            client.send(Array(rest.prefix(16_384)))
            rest = rest.dropFirst(16_384)
            turn()
            turn()
        }
    }

    mutating func advance(seconds: Int64) {
        clock.advance(milliseconds: seconds * 1000)
        turn()
    }

    func ends(_ name: Int) -> [SocketEnd] { log.ends(name) }

    func isRead(_ slot: Int) -> Bool { loop.isRead(slot) }

    func input(_ slot: Int) -> (bytes: Int, capacity: Int) {
        let bytes = loop.slots[slot].partial.count + loop.slots[slot].fragments.count
        return (bytes, loop.slots[slot].partial.capacity + loop.slots[slot].fragments.capacity)
    }
}

@Suite("Nothing is kept of messages that nobody will hear")
struct DroppedInputTests {
    private static let letters = String(repeating: "x", count: 100_000)
    /// Messages that stop in the middle, and how they go on.
    private static let halves: [(half: [UInt8], rest: [UInt8])] = {
        let whole = Frame.text(letters)
        let begun = Frame.text("y\(letters.prefix(60_000))", isFinal: false) + Frame.more("zz")
        let more = Frame.more(letters)
        return [
            (Array(whole.prefix(90_000)), Array(whole.dropFirst(90_000))),
            (begun, []),
            (begun + more.prefix(30_000), Array(more.dropFirst(30_000))),
        ]
    }()

    @Test("Whose half-received message has to go loses it at once", arguments: 0..<3)
    func givesWay(kind: Int) throws {
        let (half, rest) = Self.halves[kind]
        var bare = try BareLoop {
            $0.messageBytesMax = 200_000
            $0.outboundBytesPerClientMax = 50_000
        }
        let (client, slot) = try bare.connect(100)
        bare.take(half, from: client)
        #expect(bare.ends(100) == [.closedByUs(.overloaded)])
        #expect(bare.input(slot).capacity == 0)
        bare.take(rest + Frame.text(Self.letters) + Frame.text(Self.letters), from: client)
        bare.take(Array(Frame.text(Self.letters).prefix(99_000)), from: client)
        #expect(bare.input(slot).bytes == 0)
        #expect(bare.loop.slots[slot].state == .closing)
        #expect(try client.hear() == .close(1013, "the queue is full"))
    }

    @Test(
        "The peer's close frame is found behind what is dropped, however it comes",
        arguments: [1, 3, 127, 1000, 20_000], 0..<3)
    func answer(pieceLength: Int, kind: Int) throws {
        let (half, rest) = Self.halves[kind]
        var bare = try BareLoop { $0.messageBytesMax = 200_000 }
        let (client, slot) = try bare.connect(100)
        let (other, _) = try bare.connect(200)
        bare.take(half, from: client)
        #expect(bare.input(slot).bytes > 50_000)
        bare.take(Frame.text("close 100 1008"), from: other)
        #expect(bare.input(slot).capacity == 0)
        var stream = ArraySlice(rest.suffix(2500))
        stream += Frame.masked(.ping, [1, 2, 3]) + Frame.text("unheard")
        stream += Frame.close(1008, Array("good bye".utf8))
        bare.take(rest.dropLast(2500), from: client)
        while !stream.isEmpty {
            #expect(bare.loop.slots[slot].state == .closing)
            bare.take(Array(stream.prefix(pieceLength)), from: client)
            #expect(bare.input(slot).bytes < 139)
            stream = stream.dropFirst(pieceLength)
        }
        #expect(bare.loop.slots[slot].state == .free)
        #expect(try client.hear() == .close(1008, "on request"))
        #expect(try client.hear() == .end)
    }

    @Test("It is found as well behind what a paused reader left")
    func paused() throws {
        var bare = try BareLoop {
            $0.messagesPerSecond = 1
            $0.messageBurst = 1
        }
        let (client, slot) = try bare.connect(100)
        let (other, _) = try bare.connect(200)
        let many = (0..<15).flatMap { Frame.text("more \($0) \(Self.letters.prefix(1000))") }
        bare.take(Frame.text("first") + many + Frame.close(1000), from: client)
        #expect(bare.input(slot).bytes > 10_000)
        bare.take(Frame.text("close 100 1008"), from: other)
        #expect(bare.loop.slots[slot].state == .free)
        #expect(bare.input(slot).capacity == 0)
        #expect(bare.ends(100) == [.closedByUs(.policy)])
    }
}
