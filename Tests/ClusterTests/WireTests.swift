import Bytes
import Cluster
import Identifiers
import Sessions
import Signalling
import TestSupport
import Testing

/// Values by chance, of all kinds.
enum WireSamples {
    static func number(_ random: inout SeededGenerator) -> UInt64 {
        [0, 1, .max, UInt64.random(in: 0...(.max), using: &random)].randomElement(using: &random)
            ?? 0
    }

    static func bytes(_ random: inout SeededGenerator, most: Int = 40) -> [UInt8] {
        (0..<Int.random(in: 0...most, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
    }

    static func text(_ random: inout SeededGenerator) -> ByteText {
        ["", "a", "räum", "e\u{301}", "nats-1", "\0"].randomElement(using: &random) ?? ""
    }

    static func digest(_ random: inout SeededGenerator) -> RoomDigest {
        RoomDigest(bytes: (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    static func connection(_ random: inout SeededGenerator) -> ConnectionID {
        ConnectionID(raw: number(&random))
    }

    static func epoch(_ random: inout SeededGenerator) -> BucketEpoch {
        BucketEpoch(createdAt: number(&random), nonce: number(&random))
    }

    static func node(_ random: inout SeededGenerator) -> Incarnation {
        Incarnation(raw: number(&random))
    }

    static func mail(_ random: inout SeededGenerator) -> ClusterMail {
        let digest = digest(&random)
        let (number, connection) = (number(&random), connection(&random))
        switch Int.random(in: 0..<13, using: &random) {
        case 0:
            let sdps = (0..<Int.random(in: 0...3, using: &random)).map { _ in
                JoinerSDP(Self.connection(&random), bytes(&random))
            }
            return .document(digest, Revision(raw: number), bytes(&random), sdps: sdps)
        case 1: return .seen(digest, Revision(raw: number), epoch(&random))
        case 2:
            return .payload(
                PayloadMail(
                    number: number, room: digest, revision: Revision(raw: Self.number(&random)),
                    sender: connection,
                    targets: PayloadTargets(
                        (0...Int.random(in: 0...2, using: &random)).map { _ in
                            Self.connection(&random)
                        }),
                    isAlone: Bool.random(using: &random), event: bytes(&random)))
        case 3:
            let moves = (0..<Int.random(in: 0...2, using: &random)).map { _ in
                PayloadAnswer.Move(Self.connection(&random), to: node(&random))
            }
            let answers: [PayloadAnswer] = [.queued, .unknownTarget, .moved(moves)]
            return .answer(
                number: number, target: connection,
                answers.randomElement(using: &random) ?? .queued)
        case 4: return .kick(number: number, connection)
        case 5: return .kickAnswer(number: number, wasHere: Bool.random(using: &random))
        case 6: return .askSDP(digest, connection)
        case 7: return .sdp(digest, connection, Bool.random(using: &random) ? nil : bytes(&random))
        case 8: return .handOver(handOver(&random))
        case 9:
            return .queued(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    PayloadName(Self.number(&random), Self.connection(&random))
                })
        case 10:
            let page = ListingPage(rooms: bytes(&random), next: bytes(&random))
            return .listing(
                Bool.random(using: &random)
                    ? .ask(number: number, after: bytes(&random), bytesMax: 9)
                    : .page(number: number, page))
        case 11: return .part(bytes(&random), isLast: Bool.random(using: &random))
        default:
            let mail = LaterMail(kind: UInt8.random(in: 128...255, using: &random), bytes(&random))
            return mail.map(ClusterMail.later) ?? .kick(number: 0, connection)
        }
    }

    static func handOver(_ random: inout SeededGenerator) -> HandOverMail {
        let (attempt, connection) = (number(&random), connection(&random))
        let secret = SecretDigest(bits: .random(in: 0...(.max), using: &random))
        let all: [HandOverMail] = [
            .offer(connection), .decline(connection),
            .take(
                attempt: attempt, connection,
                SessionClaim(secret, clientID: "é", subject: "é:x")),
            .take(attempt: attempt, connection, nil), .refuse(attempt: attempt, .unknown),
            .refuse(attempt: attempt, .elsewhere(node(&random))),
            .state(
                attempt: attempt, bytes(&random), isLast: Bool.random(using: &random)),
            .taken(attempt: attempt, pieces: 7), .confirm(attempt: attempt),
        ]
        return all.randomElement(using: &random) ?? .confirm(attempt: 0)
    }

    static func state(_ random: inout SeededGenerator) -> HandOverState {
        let sources = (0..<Int.random(in: 0...2, using: &random)).map { _ in
            (node(&random), Set([number(&random), number(&random)]))
        }
        let state = HandOverTests.state(rooms: ["r", "ü"], bytes: 3)
        return HandOverState(
            state.record, graceSeconds: 9,
            taken: Dictionary(sources, uniquingKeysWith: { one, _ in one }), more: bytes(&random))
    }

    static func frame(_ random: inout SeededGenerator, mails: Int) -> ClusterFrame {
        ClusterFrame(
            from: node(&random), to: node(&random),
            .init(
                first: number(&random), mails: (0..<mails).map { _ in mail(&random) },
                acknowledged: number(&random)))
    }

    static func record(_ random: inout SeededGenerator) -> NodeRecord {
        let states: [NodeRecord.State] = [.alive, .dead, .left]
        return NodeRecord(
            states.randomElement(using: &random) ?? .alive, epoch: epoch(&random),
            first: Revision(raw: number(&random)),
            past: [.none, .registered, .member].randomElement(using: &random) ?? .none,
            nodeName: text(&random),
            alike: (0..<Int.random(in: 0...3, using: &random)).map { _ in
                .init(setting: text(&random), value: text(&random))
            }, reads: UInt8.random(in: 0...9, using: &random), more: bytes(&random))
    }

    static func openList(_ random: inout SeededGenerator) -> OpenList {
        let count = Int.random(in: 0...5, using: &random)
        return OpenList(
            epoch: epoch(&random), Set((0..<count).map { _ in node(&random) }))
    }

    static func heartbeat(_ random: inout SeededGenerator) -> Heartbeat {
        Heartbeat(
            node(&random), restored: Bool.random(using: &random) ? epoch(&random) : nil,
            nodeName: text(&random), version: text(&random),
            report: NodeReport(
                connections: UInt32.random(in: 0...(.max), using: &random), sessions: 7,
                rooms: UInt32.random(in: 0...9, using: &random), messages: number(&random),
                natsServer: text(&random),
                storeMilliseconds: Bool.random(using: &random)
                    ? UInt32.random(in: 0...(.max), using: &random) : nil),
            isDraining: Bool.random(using: &random),
            standing: UInt8.random(in: 0...9, using: &random), more: bytes(&random))
    }
}

@Suite("What nodes write for one another (docs/decisions/0036)")
struct WireTests {
    /// One kind of bytes: a sample by chance, and what reading and writing again makes of it.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let bytesMax: Int
        let sample: @Sendable (inout SeededGenerator) -> [UInt8]
        let again: @Sendable ([UInt8]) throws(WireFault) -> [UInt8]
    }

    static let kinds = [
        Kind(
            testDescription: "frame", bytesMax: ClusterFrame.bytesMax,
            sample: {
                let mails = Int.random(in: 0...6, using: &$0)
                return WireSamples.frame(&$0, mails: mails).encoded
            },
            again: { bytes throws(WireFault) in try ClusterFrame(bytes).encoded }),
        Kind(
            testDescription: "record", bytesMax: NodeRecord.bytesMax,
            sample: { WireSamples.record(&$0).encoded },
            again: { bytes throws(WireFault) in try NodeRecord(bytes).encoded }),
        Kind(
            testDescription: "format", bytesMax: FormatRecord.bytesMax,
            sample: {
                FormatRecord(
                    epoch: WireSamples.epoch(&$0), UInt8.random(in: 1...9, using: &$0)
                ).encoded
            },
            again: { bytes throws(WireFault) in try FormatRecord(bytes).encoded }),
        Kind(
            testDescription: "open list", bytesMax: OpenList.bytesMax,
            sample: { WireSamples.openList(&$0).encoded },
            again: { bytes throws(WireFault) in try OpenList(bytes).encoded }),
        Kind(
            testDescription: "state", bytesMax: HandOverState.bytesMax,
            sample: { WireSamples.state(&$0).encoded(in: 1) },
            again: { bytes throws(WireFault) in try HandOverState(bytes, upTo: 1).encoded(in: 1)
            }),
        Kind(
            testDescription: "heartbeat", bytesMax: Heartbeat.bytesMax,
            sample: { WireSamples.heartbeat(&$0).encoded },
            again: { bytes throws(WireFault) in try Heartbeat(bytes).encoded }),
    ]

    @Test("What was written is read again")
    func roundTrip() throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<500 {
            let frame = WireSamples.frame(&random, mails: Int.random(in: 0...9, using: &random))
            #expect(try ClusterFrame(frame.encoded) == frame)
            let record = WireSamples.record(&random)
            #expect(try NodeRecord(record.encoded) == record)
            let state = WireSamples.state(&random)
            #expect(try HandOverState(state.encoded(in: 1), upTo: 1) == state)
            let list = WireSamples.openList(&random)
            #expect(try OpenList(list.encoded) == list)
            let heartbeat = WireSamples.heartbeat(&random)
            #expect(try Heartbeat(heartbeat.encoded) == heartbeat)
        }
    }

    @Test("A mail says how long it is")
    func size() {
        var random = SeededGenerator(seed: 2)
        let head = WireSamples.frame(&random, mails: 0).encoded.count
        for _ in 0..<500 {
            let frame = WireSamples.frame(&random, mails: 1)
            #expect(frame.encoded.count - head == frame.line.mails.first?.size)
        }
    }

    @Test("What is cut off or goes on is refused", arguments: kinds)
    func torn(kind: Kind) {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<20 {
            let bytes = kind.sample(&random)
            for count in bytes.indices {
                #expect(throws: WireFault.malformed) { try kind.again(Array(bytes.prefix(count))) }
            }
            #expect(throws: WireFault.malformed) { try kind.again(bytes + [0]) }
        }
    }

    @Test("A changed byte is refused, or read as what it is written as", arguments: kinds)
    func changed(kind: Kind) throws {
        var random = SeededGenerator(seed: 4)
        var read = 0
        for _ in 0..<12 {
            let bytes = kind.sample(&random)
            for index in bytes.indices {
                for value in [0, 1, 0xFF, bytes[index] ^ 1, bytes[index] ^ 0x80] as [UInt8] {
                    var other = bytes
                    other[index] = value
                    guard let again = try? kind.again(other) else { continue }
                    read += 1
                    #expect(again == other)
                }
            }
        }
        #expect(read > 100)
    }

    @Test("Other formats are refused by name, and so is what is too long", arguments: kinds)
    func head(kind: Kind) {
        var random = SeededGenerator(seed: 5)
        var bytes = kind.sample(&random)
        bytes[2] += 1
        #expect(throws: WireFault.unknownFormat) { try kind.again(bytes) }
        bytes = Array(repeating: 0, count: kind.bytesMax + 1)
        #expect(throws: WireFault.tooLong) { try kind.again(bytes) }
        for other in Self.kinds where other.testDescription != kind.testDescription {
            #expect(throws: WireFault.malformed) { try kind.again(other.sample(&random)) }
        }
    }

    @Test("Counts and lengths beyond what is there are refused")
    func counts() {
        let most: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
        let numbers = [UInt8](repeating: 0, count: 32)
        for rest in [most, [0, 0, 0, 1, 9] + most, [0, 0, 0, 1, 2] + [UInt8](numbers)] {
            #expect(throws: WireFault.malformed) {
                try ClusterFrame(Array("UL".utf8) + [1] + numbers + rest)
            }
        }
        #expect(throws: WireFault.malformed) {
            try OpenList(Array("UO".utf8) + [1] + numbers.prefix(16) + most)
        }
        #expect(throws: WireFault.malformed) {
            try NodeRecord(
                Array("UN".utf8) + [1, 1] + numbers.prefix(24) + [0, 0, 0, 0, 0] + most)
        }
    }

    @Test("A mail of a later kind is one by its length; of a kind below those there is none")
    func laterKind() throws {
        let head = Array("UL".utf8) + [1] + [UInt8](repeating: 0, count: 32)
        func frame(_ mail: [UInt8]) -> [UInt8] { head + [0, 0, 0, 1] + mail }
        let (lowest, highest) = (LaterMail(kind: 128, []), LaterMail(kind: 255, [7, 8]))
        #expect(
            try ClusterFrame(frame([128, 0, 0, 0, 0])).line.mails == [lowest.map(ClusterMail.later)]
        )
        #expect(
            try ClusterFrame(frame([255, 0, 0, 0, 2, 7, 8])).line.mails
                == [highest.map(ClusterMail.later)])
        for mail in [[128, 0, 0, 0, 1], [255, 0, 0, 0], [127, 0, 0, 0, 0], [0, 0, 0, 0, 0]] {
            #expect(throws: WireFault.malformed) { try ClusterFrame(frame(mail.map(UInt8.init))) }
        }
        for kind: UInt8 in [0, 1, 13, 127] { #expect(LaterMail(kind: kind, []) == nil) }
    }

    @Test("The name of a server is no longer than that of any host")
    func serverName() throws {
        let name = String(repeating: "s", count: 256)
        let long = ByteText(name + "s")
        #expect(NodeReport(natsServer: long).natsServer == "")
        let bytes = Heartbeat(
            Incarnation(raw: 1), restored: nil, nodeName: "n",
            report: NodeReport(natsServer: ByteText(name))
        ).encoded
        #expect(try Heartbeat(bytes).encoded == bytes)
        let at = try #require(bytes.firstIndex(of: UInt8(ascii: "s")))
        var longer = bytes
        longer.insert(UInt8(ascii: "s"), at: at)
        longer[at - 1] += 1
        #expect(throws: WireFault.malformed) { try Heartbeat(longer) }
    }
}
