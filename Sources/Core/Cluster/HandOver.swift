import Bytes
package import Identifiers
import Rooms
package import Sessions
package import Signalling

/// By what a client claims a session: the secret that it shows, and whose its token is. The
/// session is to have the same.
package struct SessionClaim: Hashable, Comparable, Sendable {
    package let secret: SecretDigest
    package let clientID: ClientID
    package let subject: Subject

    package init(_ secret: SecretDigest, clientID: ClientID, subject: Subject) {
        self.secret = secret
        self.clientID = clientID
        self.subject = subject
    }

    package static func < (one: Self, other: Self) -> Bool {
        (one.secret.bits, one.clientID, one.subject)
            < (other.secret.bits, other.clientID, other.subject)
    }
}

/// What two nodes say to each other of a session that goes from one to the other.
package enum HandOverMail: Equatable, Sendable {
    /// "Have this one": its node is about to end.
    case offer(ConnectionID)
    /// "Not now": the receiver of the offer is about to end itself.
    case decline(ConnectionID)
    /// "Give it to me": its client is here, or it was offered. The claim is the client's; nil
    /// after an offer. The number is the asker's own, and names all that follows.
    case take(attempt: UInt64, ConnectionID, SessionClaim?)
    case refuse(attempt: UInt64, Refusal)
    /// One piece of the state after the other.
    case state(attempt: UInt64, [UInt8], isLast: Bool)
    /// So many pieces have arrived: more may be sent.
    case taken(attempt: UInt64, pieces: UInt32)
    /// The session is at home at the asker, or has ended there: it may be forgotten. Or it came
    /// from another node, and is wanted from this one no more.
    case confirm(attempt: UInt64)

    package enum Refusal: Equatable, Sendable {
        /// There is no such session, it is over, or not the claim's.
        case unknown
        /// It went to another node, or is on its way there. The asker's own where each asks the
        /// other: this one hasn't got it.
        case elsewhere(Incarnation)
    }
}

/// What goes over with a session.
package struct HandOverState: Equatable, Sendable {
    package static let bytesMax = 64 << 20
    private static let head = ByteHead(
        letters: (UInt8(ascii: "U"), UInt8(ascii: "T")), format: 1, bytesMax: bytesMax)

    package let record: SessionRecord
    /// In seconds: for how long it still waits for its client.
    package let graceSeconds: UInt32
    /// The numbers of what it took from each node that may not know so.
    package let taken: [Incarnation: Set<UInt64>]
    /// Its rooms as it was told of them, in the order of the record's; one that is missing here it
    /// has lost.
    package let told: [Told]
    /// What later versions say besides.
    package let more: [UInt8]

    /// A room as its members were told of it, and under what it lies.
    package struct Told: Equatable, Sendable {
        package let digest: RoomDigest
        /// The newest that was known there: older ones may have it where it was before.
        package let revision: Revision
        package let document: RoomDocument

        package init(_ digest: RoomDigest, _ revision: Revision, _ document: RoomDocument) {
            self.digest = digest
            self.revision = revision
            self.document = document
        }

        package var place: RoomPlace {
            RoomPlace(digest: digest, clientID: document.clientID, name: document.name)
        }
    }

    package init(
        _ record: SessionRecord, graceSeconds: UInt32, taken: [Incarnation: Set<UInt64>],
        told: [Told] = [], more: [UInt8] = []
    ) {
        self.record = record
        self.graceSeconds = graceSeconds
        self.taken = taken
        self.told = told
        self.more = more
    }

    /// In the cluster's format, as the documents of rooms are, so that all of its nodes read it.
    package func encoded(in format: UInt8) -> [UInt8] {
        let record = record.encoded(in: format)
        var out = ByteWriter(capacity: record.count + 1024)
        Self.head.write(to: &out)
        out.put(record)
        out.put(graceSeconds)
        out.put(UInt32(truncatingIfNeeded: taken.count))
        for (source, numbers) in taken.sorted(by: { $0.key < $1.key }) {
            out.put(source.raw)
            out.put(UInt32(truncatingIfNeeded: numbers.count))
            for number in numbers.sorted() { out.put(number) }
        }
        out.put(UInt32(truncatingIfNeeded: told.count))
        for room in told {
            out.put(room.digest)
            out.put(room.revision.raw)
            out.put(room.document.encoded(in: format))
        }
        out.put(more)
        return out.bytes
    }

    /// Reads what `encoded` wrote in a format up to this one, and takes nothing else for it.
    package init(_ bytes: [UInt8], upTo format: UInt8) throws(WireFault) {
        var isNewer = false
        do throws(WireFault) {
            self = try Self.head.read(bytes) { input throws(ByteReader.Fault) in
                try Self.read(&input, upTo: format, &isNewer)
            }
        } catch {
            throw isNewer ? WireFault.unknownFormat : error
        }
    }

    private static func read(
        _ input: inout ByteReader, upTo format: UInt8, _ isNewer: inout Bool
    ) throws(ByteReader.Fault) -> Self {
        let record: SessionRecord
        let part = Array(try input.part())
        do throws(SessionRecordFault) {
            record = try SessionRecord(part, upTo: format)
        } catch {
            isNewer = error == .unknownFormat
            throw input.fault
        }
        let graceSeconds: UInt32 = try input.number()
        var taken: [Incarnation: Set<UInt64>] = [:]
        var last: Incarnation?
        for _ in try input.count() {
            let source = Incarnation(raw: try input.number())
            if let last, last >= source { throw input.fault }
            last = source
            taken[source] = try Self.numbers(&input)
        }
        let told = try Self.told(to: record, &input, upTo: format)
        return Self(
            record, graceSeconds: graceSeconds, taken: taken, told: told,
            more: Array(try input.part()))
    }

    /// Rooms that the record has, each once, with the stay that it has there.
    private static func told(
        to record: SessionRecord, _ input: inout ByteReader, upTo format: UInt8
    ) throws(ByteReader.Fault) -> [Told] {
        var told: [Told] = []
        var rest = record.rooms[...]
        for _ in try input.count() {
            let digest = try input.digest()
            let revision = Revision(raw: try input.number())
            let part = Array(try input.part())
            guard let document = try? RoomDocument(part, upTo: format),
                document.clientID == record.clientID,
                let index = rest.firstIndex(where: { $0.room == document.name }),
                document.room.member(record.connection)?.order == rest[index].order
            else { throw input.fault }
            rest = rest[(index + 1)...]
            told.append(Told(digest, revision, document))
        }
        return told
    }

    private static func numbers(
        _ input: inout ByteReader
    ) throws(ByteReader.Fault) -> Set<UInt64> {
        var numbers: [UInt64] = []
        for _ in try input.count() {
            let number: UInt64 = try input.number()
            if let last = numbers.last, last >= number { throw input.fault }
            numbers.append(number)
        }
        return Set(numbers)
    }
}

// MARK: Encoding

extension HandOverMail {
    /// By what a mail's first byte says; no later version may change them.
    private enum Kind {
        static let offer: UInt8 = 1
        static let decline: UInt8 = 2
        static let take: UInt8 = 3
        static let unknown: UInt8 = 4
        static let elsewhere: UInt8 = 5
        static let state: UInt8 = 6
        static let lastState: UInt8 = 7
        static let taken: UInt8 = 8
        static let confirm: UInt8 = 9
    }

    /// How many bytes `write` makes.
    var size: Int {
        let number = 8
        let rest =
            switch self {
            case .offer, .decline, .confirm: number
            case .take(_, _, let claim): number * 2 + 1 + (claim?.size ?? 0)
            case .refuse(_, .unknown): number
            case .refuse(_, .elsewhere): number * 2
            case .state(_, let bytes, _): number + 4 + bytes.count
            case .taken: number + 4
            }
        return 1 + rest
    }

    func write(to out: inout ByteWriter) {
        switch self {
        case .offer(let connection):
            out.put(Kind.offer)
            out.put(connection.raw)
        case .decline(let connection):
            out.put(Kind.decline)
            out.put(connection.raw)
        case .take(let attempt, let connection, let claim):
            out.put(Kind.take)
            out.put(attempt)
            out.put(connection.raw)
            out.put(claim != nil)
            claim?.write(to: &out)
        case .refuse(let attempt, .unknown):
            out.put(Kind.unknown)
            out.put(attempt)
        case .refuse(let attempt, .elsewhere(let home)):
            out.put(Kind.elsewhere)
            out.put(attempt)
            out.put(home.raw)
        case .state(let attempt, let bytes, let isLast):
            out.put(isLast ? Kind.lastState : Kind.state)
            out.put(attempt)
            out.put(bytes)
        case .taken(let attempt, let pieces):
            out.put(Kind.taken)
            out.put(attempt)
            out.put(pieces)
        case .confirm(let attempt):
            out.put(Kind.confirm)
            out.put(attempt)
        }
    }

    init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        let kind: UInt8 = try input.number()
        let number: UInt64 = try input.number()
        switch kind {
        case Kind.offer: self = .offer(ConnectionID(raw: number))
        case Kind.decline: self = .decline(ConnectionID(raw: number))
        case Kind.take:
            let connection = ConnectionID(raw: try input.number())
            let claim = try input.flag() ? try SessionClaim(&input) : nil
            self = .take(attempt: number, connection, claim)
        case Kind.unknown: self = .refuse(attempt: number, .unknown)
        case Kind.elsewhere:
            self = .refuse(attempt: number, .elsewhere(Incarnation(raw: try input.number())))
        case Kind.state, Kind.lastState:
            self = .state(
                attempt: number, Array(try input.part()), isLast: kind == Kind.lastState)
        case Kind.taken: self = .taken(attempt: number, pieces: try input.number())
        case Kind.confirm: self = .confirm(attempt: number)
        default: throw input.fault
        }
    }
}

extension SessionClaim {
    fileprivate var size: Int { 16 + 4 + clientID.utf8.count + 4 + subject.utf8.count }

    fileprivate func write(to out: inout ByteWriter) {
        out.put(secret.bits)
        out.put(clientID.string)
        out.put(subject.string)
    }

    fileprivate init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        secret = SecretDigest(bits: try input.number())
        clientID = ClientID(try input.byteText())
        subject = Subject(try input.byteText())
    }
}
