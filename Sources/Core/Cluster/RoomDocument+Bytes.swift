package import Identifiers
import Rooms
import Sessions
import Signalling

/// Why bytes are no room's document. The raw value is a stable code for the log.
package enum DocumentFault: String, Error, Equatable {
    /// It is of a later version than this one.
    case unknownFormat = "unknown_format"
    case tooLong = "too_long"
    case malformed
    /// It is of another room than the one under whose key it lay.
    case otherRoom = "other_room"
}

extension RoomDocument {
    /// What NATS takes in one message, less what goes before it.
    package static let bytesMax = 1_000_000
    package static let format: UInt8 = 1
    private static let magic: [UInt8] = Array("UR".utf8)

    private enum Flag {
        static let v1: UInt8 = 1
        static let first: UInt8 = 2
        static let unclaimed: UInt8 = 4
        static let sdp: UInt8 = 8
        static let all: UInt8 = 15
    }

    /// In the newest format.
    package var encoded: [UInt8] { encoded(in: Self.format) }

    /// May be longer than `bytesMax`: whoever writes it looks. There is one format so far.
    package func encoded(in format: UInt8) -> [UInt8] {
        var out = ByteWriter()
        for byte in Self.magic { out.put(byte) }
        out.put(format)
        out.put(epoch.createdAt)
        out.put(epoch.nonce)
        out.put(clientID.string)
        out.put(name.string)
        writeContents(to: &out)
        out.endImagined(format)
        return out.bytes
    }

    /// All but which room it is of, and which bucket.
    func writeContents(to out: inout ByteWriter) {
        out.put(room.lastOrder)
        out.put(UInt32(truncatingIfNeeded: room.members.count))
        for member in room.members { write(member, to: &out) }
        out.put(UInt8(truncatingIfNeeded: changes.count))
        for change in changes {
            out.put(change.connection.raw)
            out.put(change.order)
            out.put(change.home.raw)
            out.put(Self.code(of: change.reason))
        }
    }

    private func write(_ member: RoomMember, to out: inout ByteWriter) {
        guard let seat = seats[member.connection] else {
            preconditionFailure("each member has a seat")
        }
        out.put(member.connection.raw)
        out.put(seat.home.raw)
        out.put(member.order)
        out.put(
            (member.isV1 ? Flag.v1 : 0) | (seat.isFirst ? Flag.first : 0)
                | (member.isUnclaimed ? Flag.unclaimed : 0) | (seat.hasSDP ? Flag.sdp : 0))
        out.put(member.peerID.text)
        out.put(member.name)
        if case .v1(let subject) = member.route { out.put(subject?.string) }
    }

    /// Reads what `encoded` made of a room of this name, and takes nothing else for it.
    package init(
        _ bytes: [UInt8], of clientID: ClientID, _ name: RoomName, upTo format: UInt8 = format
    ) throws(DocumentFault) {
        let document = try Self(bytes, upTo: format)
        guard document.clientID == clientID, document.name == name else { throw .otherRoom }
        self = document
    }

    /// The same of any room.
    package init(_ bytes: [UInt8], upTo format: UInt8 = format) throws(DocumentFault) {
        guard bytes.starts(with: Self.magic), bytes.count > 2, bytes[2] > 0 else {
            throw .malformed
        }
        // Of its length a later version decides.
        guard bytes[2] <= format else { throw .unknownFormat }
        guard bytes.count <= Self.bytesMax else { throw .tooLong }
        var input = ByteReader(bytes[3...])
        let read: Self?
        do {
            read = try Self.read(&input)
            try input.endImagined(bytes[2])
        } catch {
            throw .malformed
        }
        guard let read, input.isAtEnd else { throw .malformed }
        self = read
    }

    private static func read(_ input: inout ByteReader) throws(ByteReader.Fault) -> Self? {
        let epoch = BucketEpoch(createdAt: try input.number(), nonce: try input.number())
        let clientID = ClientID(try input.text())
        let name = RoomName(try input.text())
        return try readContents(&input, epoch: epoch, clientID: clientID, name: name)
    }

    /// What `writeContents` wrote.
    static func readContents(
        _ input: inout ByteReader, epoch: BucketEpoch, clientID: ClientID, name: RoomName
    ) throws(ByteReader.Fault) -> Self? {
        let lastOrder: UInt64 = try input.number()
        var members: [(member: RoomMember, seat: Seat)] = []
        for _ in try input.count() { members.append(try member(&input)) }
        var changes: [Change] = []
        for _ in 0..<(try input.number(UInt8.self)) { changes.append(try change(&input)) }
        return Self(
            epoch: epoch, clientID: clientID, name: name, lastOrder: lastOrder, members, changes)
    }

    private static func member(
        _ input: inout ByteReader
    ) throws(ByteReader.Fault) -> (member: RoomMember, seat: Seat) {
        let connection = ConnectionID(raw: try input.number())
        let home = Incarnation(raw: try input.number())
        let order: UInt64 = try input.number()
        let flags: UInt8 = try input.number()
        guard flags <= Flag.all else { throw input.fault }
        let peerID = PeerID(try input.text())
        let name = try input.optionalText()
        let route: RoomMember.Route =
            flags & Flag.v1 == 0
            ? .classic(address: 0)
            : .v1(subject: try input.optionalText().map { Subject($0) })
        let member = RoomMember(
            connection: connection, route: route, peerID: peerID, name: name, order: order,
            isUnclaimed: flags & Flag.unclaimed != 0)
        let seat = Seat(
            home: home, isFirst: flags & Flag.first != 0, hasSDP: flags & Flag.sdp != 0)
        return (member, seat)
    }

    private static func change(_ input: inout ByteReader) throws(ByteReader.Fault) -> Change {
        let connection = ConnectionID(raw: try input.number())
        let order: UInt64 = try input.number()
        let home = Incarnation(raw: try input.number())
        let code: UInt8 = try input.number()
        guard code <= reasons.count else { throw input.fault }
        return Change(
            connection: connection, order: order, home: home,
            reason: code == 0 ? nil : reasons[Int(code) - 1])
    }

    /// By their places, which no later version may change.
    private static let reasons: [LeaveReason] = [.left, .closed, .lost, .replaced, .kicked]

    private static func code(of reason: LeaveReason?) -> UInt8 {
        switch reason {
        case nil: 0
        case .left: 1
        case .closed: 2
        case .lost: 3
        case .replaced: 4
        case .kicked: 5
        }
    }
}
