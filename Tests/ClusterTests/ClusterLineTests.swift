import Cluster
import Signalling
import TestSupport
import Testing

@Suite("The line between two nodes, with bytes (docs/decisions/0036)")
struct ClusterLineTests {
    private static let (one, two) = (Incarnation(raw: 1), Incarnation(raw: 2))

    private static func payload(_ number: UInt64, bytes: Int) -> ClusterMail {
        .payload(
            PayloadMail(
                number: number, room: RoomDigest(bytes: Array(repeating: 7, count: 32)),
                revision: Revision(raw: 1), sender: ConnectionID(raw: 3),
                targets: [ConnectionID(raw: 4)], isAlone: true,
                event: Array(repeating: UInt8(truncatingIfNeeded: number), count: bytes)))
    }

    @Test("Mails of any length arrive once, in order, in frames that a bus takes")
    func anyLength() throws {
        for seed: UInt64 in 0..<4 {
            var random = SeededGenerator(seed: seed)
            var (line, other) = (
                ClusterLine(from: Self.one, to: Self.two), ClusterLine(from: Self.two, to: Self.one)
            )
            var (sent, heard): ([ClusterMail], [ClusterMail]) = ([], [])
            var frames: [(isBack: Bool, bytes: [UInt8])] = []
            for step in 0..<500 {
                let length = [3, 100, 100, 200, 9_000, 700_000].randomElement(using: &random) ?? 0
                let mail = Self.payload(UInt64(sent.count), bytes: length)
                if step < 80 {
                    line.push(mail)
                    sent.append(mail)
                }
                while let bytes = line.nextFrame() {
                    #expect(bytes.count <= ClusterFrame.bytesMax)
                    let copies = step < 200 ? Int.random(in: 0...2, using: &random) : 1
                    for _ in 0..<copies { frames.append((false, bytes)) }
                }
                while let bytes = other.nextFrame() { frames.append((true, bytes)) }
                for _ in 0..<(step < 200 ? 3 : .max) {
                    // A line that is no longer lossy keeps the order as well.
                    let any = frames.indices.randomElement(using: &random)
                    guard let index = step < 200 ? any : frames.indices.first else { break }
                    let (isBack, bytes) = frames.remove(at: index)
                    let frame = try ClusterFrame(bytes)
                    if isBack {
                        _ = line.receive(frame)
                    } else {
                        let arrival = other.receive(frame)
                        #expect(arrival.unreadableCount == 0)
                        heard += arrival.mails
                    }
                }
                if Bool.random(using: &random) {
                    line.tick()
                    other.tick()
                }
            }
            #expect(heard == sent && line.isIdle, "seed \(seed)")
        }
    }

    @Test("No more bytes are on their way than the window has, whatever waits")
    func window() throws {
        var limits = Link<ClusterMail>.Limits()
        limits.windowBytesMax = 3000
        limits.frameBytesMax = 2000
        var line = ClusterLine(from: Self.one, to: Self.two, limits)
        var other = ClusterLine(from: Self.two, to: Self.one)
        for number: UInt64 in 0..<10 { line.push(Self.payload(number, bytes: 900)) }
        var heard = 0
        for _ in 0..<4 {
            var frames: [ClusterFrame] = []
            while let bytes = line.nextFrame() { frames.append(try ClusterFrame(bytes)) }
            #expect(frames.map(\.line.mails.count) == [2, 1].suffix(heard == 9 ? 1 : 2))
            for frame in frames { heard += other.receive(frame).mails.count }
            other.tick()
            while let bytes = other.nextFrame() { _ = line.receive(try ClusterFrame(bytes)) }
        }
        #expect(heard == 10 && line.isIdle)
    }

    @Test("A frame of another line, parts of nothing and parts without end are passed over")
    func nonsense() throws {
        var line = ClusterLine(from: Self.one, to: Self.two)
        func frame(_ first: UInt64, _ mails: [ClusterMail], from sender: Incarnation)
            -> ClusterFrame
        {
            ClusterFrame(
                from: sender, to: Self.one, .init(first: first, mails: mails, acknowledged: 0))
        }
        let kick = ClusterMail.kick(number: 1, ConnectionID(raw: 2))
        #expect(line.receive(frame(1, [kick], from: Self.one)).mails.isEmpty)
        let nothing = line.receive(frame(1, [.part([9], isLast: true), kick], from: Self.two))
        #expect(nothing.mails == [kick] && nothing.unreadableCount == 1)
        let long = ClusterMail.part(Array(repeating: 1, count: 400_000), isLast: false)
        for number: UInt64 in 3..<20 {
            #expect(line.receive(frame(number, [long], from: Self.two)).mails.isEmpty)
        }
        let end = line.receive(frame(20, [.part([], isLast: true), kick], from: Self.two))
        #expect(end.mails == [kick] && end.unreadableCount == 1)
    }

    @Test("What only a later version says is passed over between what is read, however long it is")
    func laterMail() throws {
        var line = ClusterLine(from: Self.one, to: Self.two)
        var other = ClusterLine(from: Self.two, to: Self.one)
        let bytes = [UInt8](repeating: 3, count: 200_000)
        let mails: [ClusterMail] = try [
            Self.payload(1, bytes: 9), .later(#require(LaterMail(kind: 200, [1]))),
            Self.payload(2, bytes: 9), .later(#require(LaterMail(kind: 255, bytes))),
            Self.payload(3, bytes: 9),
        ]
        for mail in mails { line.push(mail) }
        var heard: [ClusterMail] = []
        while let bytes = line.nextFrame() {
            let arrival = other.receive(try ClusterFrame(bytes))
            heard += arrival.mails
            #expect(arrival.unreadableCount == 0)
        }
        other.tick()
        while let bytes = other.nextFrame() { _ = line.receive(try ClusterFrame(bytes)) }
        #expect(heard == mails && line.isIdle)
    }

    @Test("How much waits for an answer is known, offers that wait for room as well, and how long")
    func waiting() throws {
        var limits = Link<ClusterMail>.Limits()
        limits.windowMax = 2
        var line = ClusterLine(from: Self.one, to: Self.two, limits)
        var other = ClusterLine(from: Self.two, to: Self.one)
        #expect(line.waiting(tick: 100).mails == 0)
        let room = RoomDigest(bytes: Array(repeating: 7, count: 32))
        let joiner = JoinerSDP(ConnectionID(raw: 3), [1, 2, 3])
        for number: UInt64 in 1...2 { line.push(Self.payload(number, bytes: 9)) }
        line.offer(room, Revision(raw: 1), [1, 2], sdps: [joiner]) { _ in true }
        let sent = line.nextFrame()
        let frame = try ClusterFrame(#require(sent))
        for _ in 0..<7 { line.tick() }
        let waiting = line.waiting(tick: 100)
        #expect(waiting.mails == 3 && waiting.bytes == 2 * Self.payload(1, bytes: 9).size + 5)
        #expect(waiting.oldestMilliseconds == 600)
        _ = other.receive(frame)
        other.tick()
        let answer = other.nextFrame()
        _ = line.receive(try ClusterFrame(#require(answer)))
        #expect(line.waiting(tick: 100).mails == 1)
        #expect(line.waiting(tick: 100).oldestMilliseconds == 0)
        #expect(line.frameCount == 1 && other.frameCount == 1)
    }

    @Test("A document goes with as much of what is to be told with joins as a mail holds")
    func manyJoiners() throws {
        let sdp = [UInt8](repeating: 7, count: 1 << 20)
        let joiners = (1...9).map { JoinerSDP(ConnectionID(raw: $0), sdp) }
        let digest = RoomDigest(bytes: Array(repeating: 7, count: 32))
        let bytes = [UInt8](repeating: 1, count: 900_000)
        var line = ClusterLine(from: Self.one, to: Self.two)
        var other = ClusterLine(from: Self.two, to: Self.one)
        line.push(.document(digest, Revision(raw: 1), bytes, sdps: joiners))
        var heard: [ClusterMail] = []
        while !line.isIdle {
            while let bytes = line.nextFrame() {
                heard += other.receive(try ClusterFrame(bytes)).mails
            }
            other.tick()
            while let bytes = other.nextFrame() { _ = line.receive(try ClusterFrame(bytes)) }
        }
        let expected = ClusterMail.document(
            digest, Revision(raw: 1), bytes, sdps: Array(joiners.prefix(3)))
        #expect(heard == [expected])
    }
}
