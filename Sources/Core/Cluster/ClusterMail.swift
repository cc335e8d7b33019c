import Sessions
package import Signalling

/// What one node says to another, over the line between them. What is no payload and no answer is
/// kept elsewhere, so that these, of which there are many, take less.
package enum ClusterMail: Equatable, Sendable {
    /// A version of a room, by whoever wrote it or took somebody out of it. The bytes are a
    /// `RoomDocument`'s.
    indirect case document(RoomDigest, Revision, [UInt8], sdps: [JoinerSDP])
    /// The sender knows this version.
    indirect case seen(RoomDigest, Revision, BucketEpoch)
    case payload(PayloadMail)
    /// To the payload of this number, the first of whose targets this is.
    case answer(number: UInt64, target: ConnectionID, PayloadAnswer)
    /// `PayloadAnswer.queued` to all of these.
    case queued([PayloadName])
    /// An operator wants this connection closed, wherever it is.
    case kick(number: UInt64, ConnectionID)
    case kickAnswer(number: UInt64, wasHere: Bool)
    /// What this joiner, whose home is the receiver, wants the others to be told.
    indirect case askSDP(RoomDigest, ConnectionID)
    /// Nil where the home knows nothing of it any more.
    indirect case sdp(RoomDigest, ConnectionID, [UInt8]?)
    indirect case handOver(HandOverMail)
    indirect case listing(ListingMail)
    /// The next piece of a mail that is too long for one frame; `ClusterLine` cuts and joins them.
    case part([UInt8], isLast: Bool)
    /// Of a later version's node.
    case later(LaterMail)
}

/// What a joiner wants the others to be told, as JSON.
package struct JoinerSDP: Equatable, Sendable {
    package let connection: ConnectionID
    package let sdp: [UInt8]

    package init(_ connection: ConnectionID, _ sdp: [UInt8]) {
        self.connection = connection
        self.sdp = sdp
    }
}

/// What a member of one node says to those of another. An object, since it goes through many hands.
package final class PayloadMail: Equatable, Sendable {
    /// Of the sender's node, which gives each of its payloads one, over all lines; a broadcast has
    /// the same one everywhere.
    package let number: UInt64
    package let room: RoomDigest
    /// The version of the room that the sender's node knew.
    package let revision: Revision
    package let sender: ConnectionID
    /// Members of the room whose home the receiver is, as the sender's node knows it.
    package let targets: PayloadTargets
    /// Nothing that the sender said before to any of them is unanswered.
    package let isAlone: Bool
    /// Where its event is; of one that came, all of its frame.
    package let bytes: [UInt8]
    package let part: Range<Int>

    package var event: ArraySlice<UInt8> { bytes[part] }

    package init(
        number: UInt64, room: RoomDigest, revision: Revision, sender: ConnectionID,
        targets: PayloadTargets, isAlone: Bool, event bytes: [UInt8], part: Range<Int>? = nil
    ) {
        self.number = number
        self.room = room
        self.revision = revision
        self.sender = sender
        self.targets = targets
        self.isAlone = isAlone
        self.bytes = bytes
        self.part = part ?? 0..<bytes.count
    }

    package static func == (one: PayloadMail, other: PayloadMail) -> Bool {
        one.number == other.number && one.room == other.room && one.revision == other.revision
            && one.sender == other.sender && one.targets == other.targets
            && one.isAlone == other.isAlone && one.event == other.event
    }

    /// The same without the frame that it came in.
    var kept: PayloadMail {
        PayloadMail(
            number: number, room: room, revision: revision, sender: sender, targets: targets,
            isAlone: isAlone, event: Array(event))
    }
}

/// A payload among those that a node has said to another: by its number, and the first of its
/// targets, since those of one number may go there one after the other.
package struct PayloadName: Equatable, Sendable {
    package let number: UInt64
    package let target: ConnectionID

    package init(_ number: UInt64, _ target: ConnectionID) {
        self.number = number
        self.target = target
    }
}

/// What became of a payload at a node.
package enum PayloadAnswer: Equatable, Sendable {
    /// It stands in the queue or history of its target, or of each.
    case queued
    case unknownTarget
    /// These targets have other homes since, and did not take it; the others, if any, did. One
    /// whose home is said to be the node itself is on its way there.
    case moved([Move])

    package struct Move: Equatable, Sendable {
        package let connection: ConnectionID
        package let home: Incarnation

        package init(_ connection: ConnectionID, to home: Incarnation) {
            self.connection = connection
            self.home = home
        }
    }
}

// MARK: Encoding

extension ClusterMail {
    /// What one mail may have, in parts: nothing longer can be said.
    package static let bytesMax = 4 << 20

    /// By what a mail's first byte says; no later version may change them, or add one below those
    /// of `LaterMail`.
    private enum Kind {
        static let document: UInt8 = 1
        static let seen: UInt8 = 2
        static let payload: UInt8 = 3
        static let answer: UInt8 = 4
        static let kick: UInt8 = 5
        static let kickAnswer: UInt8 = 6
        static let askSDP: UInt8 = 7
        static let sdp: UInt8 = 8
        static let part: UInt8 = 9
        static let lastPart: UInt8 = 10
        static let handOver: UInt8 = 11
        static let queued: UInt8 = 12
        static let listing: UInt8 = 13
    }

    /// How many bytes `write` makes.
    package var size: Int {
        let (number, digest) = (8, RoomDigest.bytesCount)
        let rest =
            switch self {
            case .document(_, _, let bytes, let sdps):
                digest + number + 4 + bytes.count + 4
                    + sdps.reduce(0) { $0 + number + 4 + $1.sdp.count }
            case .seen: digest + number * 3
            case .payload(let payload): payload.size
            case .answer(_, _, let answer): number * 2 + answer.size
            case .queued(let names): 4 + names.count * number * 2
            case .kick: number * 2
            case .kickAnswer: number + 1
            case .askSDP: digest + number
            case .sdp(_, _, let sdp): digest + number + 1 + (sdp.map { $0.count + 4 } ?? 0)
            case .handOver(let mail): mail.size
            case .listing(let mail): mail.size
            case .part(let bytes, _): 4 + bytes.count
            case .later(let mail): mail.size
            }
        return 1 + rest
    }

    func write(to out: inout ByteWriter) {
        switch self {
        case .document(let room, let revision, let bytes, let sdps):
            out.put(Kind.document)
            out.put(room)
            out.put(revision.raw)
            out.put(bytes)
            out.put(UInt32(truncatingIfNeeded: sdps.count))
            for joiner in sdps {
                out.put(joiner.connection.raw)
                out.put(joiner.sdp)
            }
        case .seen(let room, let revision, let epoch):
            out.put(Kind.seen)
            out.put(room)
            out.put(revision.raw)
            out.put(epoch)
        case .payload(let payload):
            out.put(Kind.payload)
            payload.write(to: &out)
        case .answer(let number, let target, let answer):
            out.put(Kind.answer)
            out.put(number)
            out.put(target.raw)
            answer.write(to: &out)
        case .queued(let names):
            out.put(Kind.queued)
            out.put(UInt32(truncatingIfNeeded: names.count))
            for name in names {
                out.put(name.number)
                out.put(name.target.raw)
            }
        case .kick(let number, let connection):
            out.put(Kind.kick)
            out.put(number)
            out.put(connection.raw)
        case .kickAnswer(let number, let wasHere):
            out.put(Kind.kickAnswer)
            out.put(number)
            out.put(wasHere)
        case .askSDP(let room, let connection):
            out.put(Kind.askSDP)
            out.put(room)
            out.put(connection.raw)
        case .sdp(let room, let connection, let sdp):
            out.put(Kind.sdp)
            out.put(room)
            out.put(connection.raw)
            out.put(sdp != nil)
            if let sdp { out.put(sdp) }
        case .handOver(let mail):
            out.put(Kind.handOver)
            mail.write(to: &out)
        case .listing(let mail): mail.write(as: Kind.listing, to: &out)
        case .part(let bytes, let isLast):
            out.put(isLast ? Kind.lastPart : Kind.part)
            out.put(bytes)
        case .later(let mail): mail.write(to: &out)
        }
    }

    /// `bytes` are those that are read.
    init(_ input: inout ByteReader, of bytes: [UInt8]) throws(ByteReader.Fault) {
        let kind: UInt8 = try input.number()
        switch kind {
        case Kind.document:
            let (room, revision) = (try input.digest(), Revision(raw: try input.number()))
            let bytes = Array(try input.part())
            var sdps: [JoinerSDP] = []
            for _ in try input.count() {
                let connection = ConnectionID(raw: try input.number())
                sdps.append(JoinerSDP(connection, Array(try input.part())))
            }
            self = .document(room, revision, bytes, sdps: sdps)
        case Kind.seen:
            self = .seen(
                try input.digest(), Revision(raw: try input.number()), try input.epoch())
        case Kind.payload: self = .payload(try PayloadMail.read(&input, of: bytes))
        case Kind.answer:
            self = .answer(
                number: try input.number(), target: ConnectionID(raw: try input.number()),
                try PayloadAnswer(&input))
        case Kind.queued:
            var names: [PayloadName] = []
            for _ in try input.count() {
                let number: UInt64 = try input.number()
                names.append(PayloadName(number, ConnectionID(raw: try input.number())))
            }
            self = .queued(names)
        case Kind.kick:
            self = .kick(number: try input.number(), ConnectionID(raw: try input.number()))
        case Kind.kickAnswer:
            self = .kickAnswer(number: try input.number(), wasHere: try input.flag())
        case Kind.askSDP:
            self = .askSDP(try input.digest(), ConnectionID(raw: try input.number()))
        case Kind.sdp:
            self = .sdp(
                try input.digest(), ConnectionID(raw: try input.number()),
                try input.flag() ? Array(try input.part()) : nil)
        case Kind.handOver: self = .handOver(try HandOverMail(&input))
        case Kind.listing: self = .listing(try ListingMail(&input))
        case Kind.part: self = .part(Array(try input.part()), isLast: false)
        case Kind.lastPart: self = .part(Array(try input.part()), isLast: true)
        default: self = .later(try LaterMail(kind, &input))
        }
    }
}

extension PayloadAnswer {
    fileprivate var size: Int {
        if case .moved(let moves) = self { 5 + 16 * moves.count } else { 1 }
    }

    fileprivate func write(to out: inout ByteWriter) {
        switch self {
        case .queued: out.put(UInt8(0))
        case .unknownTarget: out.put(UInt8(1))
        case .moved(let moves):
            out.put(UInt8(2))
            out.put(UInt32(truncatingIfNeeded: moves.count))
            for move in moves {
                out.put(move.connection.raw)
                out.put(move.home.raw)
            }
        }
    }

    fileprivate init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        switch try input.number(UInt8.self) {
        case 0: self = .queued
        case 1: self = .unknownTarget
        case 2:
            var moves: [Move] = []
            for _ in try input.count() {
                let connection = ConnectionID(raw: try input.number())
                moves.append(Move(connection, to: Incarnation(raw: try input.number())))
            }
            self = .moved(moves)
        default: throw input.fault
        }
    }
}

extension PayloadMail {
    fileprivate var size: Int {
        8 * 3 + RoomDigest.bytesCount + 4 + 8 * targets.count + 1 + 4 + part.count
    }

    fileprivate func write(to out: inout ByteWriter) {
        out.put(number, revision.raw, sender.raw, targets.one.raw)
        out.put(room)
        out.put(UInt32(truncatingIfNeeded: targets.count - 1))
        for target in targets.dropFirst() { out.put(target.raw) }
        out.put(isAlone)
        // Of one that goes it is all of its array, which then is not copied.
        out.put(part.count == bytes.count ? bytes : Array(event))
    }

    fileprivate static func read(
        _ input: inout ByteReader, of bytes: [UInt8]
    ) throws(ByteReader.Fault) -> PayloadMail {
        let (number, revision, sender, target) = try input.numbers()
        let room = try input.digest()
        var others: [ConnectionID] = []
        for _ in try input.count() { others.append(ConnectionID(raw: try input.number())) }
        let isAlone = try input.flag()
        return PayloadMail(
            number: number, room: room, revision: Revision(raw: revision),
            sender: ConnectionID(raw: sender),
            targets: PayloadTargets(ConnectionID(raw: target), others), isAlone: isAlone,
            event: bytes, part: try input.part().indices)
    }
}

/// What one node publishes to another at once.
package struct ClusterFrame: Equatable, Sendable {
    /// Less than NATS takes in one message.
    package static let bytesMax = 512 << 10
    /// Without mails.
    static let headBytes = ByteHead.count + 4 * 8 + 4
    private static let head = ByteHead(
        letters: (UInt8(ascii: "U"), UInt8(ascii: "L")), format: 1, bytesMax: bytesMax)

    package let sender: Incarnation
    package let receiver: Incarnation
    package let line: Link<ClusterMail>.Frame

    package init(
        from sender: Incarnation, to receiver: Incarnation, _ line: Link<ClusterMail>.Frame
    ) {
        self.sender = sender
        self.receiver = receiver
        self.line = line
    }

    package var encoded: [UInt8] {
        var out = ByteWriter(capacity: line.mails.reduce(Self.headBytes) { $0 + $1.size })
        Self.head.write(to: &out)
        out.put(sender.raw)
        out.put(receiver.raw)
        out.put(line.first)
        out.put(line.acknowledged)
        out.put(UInt32(truncatingIfNeeded: line.mails.count))
        for mail in line.mails { mail.write(to: &out) }
        return out.bytes
    }

    /// Reads what `encoded` wrote, and takes nothing else for it.
    package init(_ bytes: [UInt8]) throws(WireFault) {
        self = try Self.head.read(bytes) { input throws(ByteReader.Fault) in
            let sender = Incarnation(raw: try input.number())
            let receiver = Incarnation(raw: try input.number())
            let (first, acknowledged) = (
                try input.number(UInt64.self), try input.number(UInt64.self)
            )
            var mails: [ClusterMail] = []
            let count = try input.count()
            mails.reserveCapacity(min(count.count, 256))
            for _ in count { mails.append(try ClusterMail(&input, of: bytes)) }
            return Self(
                from: sender, to: receiver,
                .init(first: first, mails: mails, acknowledged: acknowledged))
        }
    }
}
