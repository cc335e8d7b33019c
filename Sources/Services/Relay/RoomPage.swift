internal import Bytes
internal import Cluster
internal import Identifiers
internal import Rooms
internal import Sessions
internal import Signalling

/// Some rooms of one node, as it tells another.
package struct RoomPage: Equatable, Sendable {
    package let rooms: [RoomSummary]
    /// What later versions say besides.
    package let more: [UInt8]

    package init(_ rooms: [RoomSummary], more: [UInt8] = []) {
        self.rooms = rooms
        self.more = more
    }

    package var encoded: [UInt8] {
        Self.encoded(rooms.map { $0.encoded(bytesMax: .max) }, more)
    }

    private static func encoded(_ rooms: [[UInt8]], _ more: [UInt8] = []) -> [UInt8] {
        var out = ByteWriter(capacity: rooms.reduce(8 + more.count) { $0 + 4 + $1.count })
        out.put(UInt32(truncatingIfNeeded: rooms.count))
        for room in rooms { out.put(room) }
        out.put(more)
        return out.bytes
    }

    /// Reads what `encoded` wrote, and takes nothing else for it.
    package init?(_ bytes: [UInt8]) {
        var input = ByteReader(bytes[...])
        do throws(ByteReader.Fault) {
            var rooms: [RoomSummary] = []
            for _ in try input.count() { rooms.append(try RoomSummary(input.part())) }
            self.init(rooms, more: Array(try input.part()))
        } catch {
            return nil
        }
        guard input.isAtEnd else { return nil }
    }

    // MARK: Making

    /// The rooms behind a cursor, as many as fit into so many bytes: one at least, without some of
    /// its members if need be. `home` is this node's; `second` is on the monotonic clock.
    static func next(
        of rooms: any RoomHost, after cursor: RoomCursor, bytesMax: Int, at home: Incarnation,
        second: UInt32
    ) -> ListingPage {
        var (page, rest, last): ([[UInt8]], Int, RoomCursor) = ([], bytesMax - 8, cursor)
        for shard in cursor.shard..<max(cursor.shard, rooms.shardCount) {
            if shard > last.shard { last = RoomCursor(shard: shard) }
            let found = rooms.contents(ofShard: shard)
                .map { (name: RoomCursor.Name($0.key.clientID, $0.key.room), room: $0) }
                .filter { room in last.name.map { $0 < room.name } ?? true }
                .sorted { $0.name < $1.name }
            for (name, room) in found {
                let summary = RoomSummary(room.key, room.members, at: home, second: second)
                // Whoever is too many in the first one is hidden.
                let encoded = summary.encoded(bytesMax: page.isEmpty ? rest - 4 : .max)
                rest -= 4 + encoded.count
                guard page.isEmpty || rest >= 0 else {
                    return ListingPage(rooms: Self.encoded(page), next: last.encoded)
                }
                page.append(encoded)
                last.name = name
            }
        }
        return ListingPage(rooms: Self.encoded(page), next: [])
    }
}

/// Behind which room a page begins.
struct RoomCursor: Equatable {
    struct Name: Comparable {
        let clientID: ClientID
        let room: RoomName

        init(_ clientID: ClientID, _ room: RoomName) {
            self.clientID = clientID
            self.room = room
        }

        static func < (one: Self, other: Self) -> Bool {
            (one.clientID, one.room) < (other.clientID, other.room)
        }
    }

    var shard = 0
    /// Nil before the first of the shard.
    var name: Name?

    var encoded: [UInt8] {
        var out = ByteWriter()
        out.put(UInt16(truncatingIfNeeded: shard))
        out.put(name?.clientID.string)
        if let name { out.put(name.room.string) }
        return out.bytes
    }

    init(shard: Int = 0) { self.shard = shard }

    /// The beginning where there is nothing; nil where that is no cursor.
    init?(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        var input = ByteReader(bytes[...])
        do throws(ByteReader.Fault) {
            shard = Int(try input.number(UInt16.self))
            if let clientID = try input.optionalText() {
                name = Name(ClientID(clientID), RoomName(try input.text()))
            }
        } catch {
            return nil
        }
        guard input.isAtEnd else { return nil }
    }
}

extension RoomSummary {
    /// Without the last members, as far as it would be longer than that.
    fileprivate func encoded(bytesMax: Int) -> [UInt8] {
        let head = 4 + clientID.text.count + 4 + room.text.count + 8
        var rest = bytesMax - head
        let shown = members.prefix { member in
            rest -= member.bytesCount
            return rest >= 0
        }
        var out = ByteWriter(capacity: shown.reduce(head) { $0 + $1.bytesCount })
        out.put(clientID.string)
        out.put(room.string)
        out.put(UInt32(clamping: hiddenMembers + members.count - shown.count))
        out.put(UInt32(clamping: shown.count))
        for member in shown { member.write(to: &out) }
        return out.bytes
    }

    fileprivate init(_ part: ArraySlice<UInt8>) throws(ByteReader.Fault) {
        var input = ByteReader(part)
        let (clientID, room) = (ClientID(try input.text()), RoomName(try input.text()))
        let hidden: UInt32 = try input.number()
        var members: [Member] = []
        for _ in try input.count() { members.append(try Member(&input)) }
        guard input.isAtEnd else { throw input.fault }
        self.init(clientID: clientID, room: room, members: members, hiddenMembers: Int(hidden))
    }
}

extension RoomSummary.Member {
    fileprivate var bytesCount: Int {
        8 * 3 + 4 + 1 + 4 + peerID.utf8.count + 1 + (name.map { 4 + $0.utf8.count } ?? 0)
    }

    fileprivate func write(to out: inout ByteWriter) {
        out.put(connection.raw)
        out.put(home?.raw ?? 0)
        out.put(order)
        out.put(UInt32(clamping: seconds))
        out.put(UInt8(dialect == .v1 ? 1 : 0))
        out.put(peerID)
        out.put(name)
    }

    fileprivate init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        connection = ConnectionID(raw: try input.number())
        home = Incarnation(raw: try input.number())
        order = try input.number()
        seconds = Int(try input.number(UInt32.self))
        let isV1: UInt8 = try input.number()
        guard isV1 <= 1 else { throw input.fault }
        dialect = isV1 == 1 ? .v1 : .classic
        peerID = try input.text()
        name = try input.optionalText()
    }
}
