internal import Bytes
internal import Identifiers
internal import Rooms
internal import Signalling
internal import Tables

/// What the table holds of a room: the item `R#…`, `-`. What it means is for `Room` to say.
struct RoomItem: Sendable {
    /// Names a room of one client in the table. The client's id is led by its length, so that no
    /// two pairs make one name.
    struct Name: Hashable, Sendable {
        let client: ClientID
        let room: RoomName

        init(_ client: ClientID, _ room: RoomName) {
            self.client = client
            self.room = room
        }

        private var partition: ByteText { "R#\(client.text.count)#\(client.string)#\(room.string)" }
        var key: ItemKey { ItemKey(partition) }

        /// Where the `sdp` is that a member joined with.
        func sdpKey(_ connection: ConnectionID) -> ItemKey {
            ItemKey(partition, "sdp#\(connection.text)")
        }
    }

    struct Gone: Sendable {
        let connection: ConnectionID
        let order: Int64
        let reason: LeaveReason
    }

    /// How many of those who left are kept, with the reason.
    static let goneMax = 64

    let name: Name
    let room: Room
    /// Counts joins and leaves; a joiner's order is the version that it made.
    let version: Int64
    /// Those who joined with an `sdp`.
    let offerers: Set<ConnectionID>
    let gone: [Gone]
    /// Members whose connection has joined again under another id, at the same time or since a
    /// function was killed: to be taken out.
    let superseded: [RoomMember]

    init(_ item: Item?, _ name: Name) {
        self.name = name
        let item = item ?? [:]
        version = item["order"]?.number ?? 0
        var members: [ConnectionID: RoomMember] = [:]
        var offerers: Set<ConnectionID> = []
        var superseded: [RoomMember] = []
        for (attribute, value) in item where attribute.hasPrefix("m:") {
            let order = item["o:\(attribute.dropFirst(2).string)"]?.number
            guard let map = value.map, let order,
                let member = Self.member(map, order: order, isV1: attribute.hasPrefix("m:v1:"))
            else { continue }
            if let other = members[member.connection] {
                superseded.append(other.order > member.order ? member : other)
                guard other.order < member.order else { continue }
            }
            members[member.connection] = member
            if map["d"]?.flag == true { offerers.insert(member.connection) }
        }
        room = Room(Array(members.values), after: UInt64(max(0, version)))
        self.offerers = offerers
        self.superseded = superseded
        gone = (item["gone"]?.list ?? []).compactMap { $0.map.flatMap(Gone.init) }
    }

    private static func member(
        _ map: [ByteText: ItemValue], order: Int64, isV1: Bool
    ) -> RoomMember? {
        guard let connection = map["c"]?.text.flatMap({ ConnectionID($0) }),
            let peerID = map["p"]?.text, order >= 0
        else { return nil }
        return RoomMember(
            connection: connection,
            route: isV1 ? .v1(subject: map["s"]?.text.map { Subject($0) }) : .classic(address: 0),
            peerID: PeerID(peerID.string), name: map["n"]?.text?.string, order: UInt64(order))
    }

    func others(than connection: ConnectionID?) -> [RoomMember] {
        room.members.filter { $0.connection != connection }
    }

    /// Why a member is none any more.
    func reason(_ member: RoomMember) -> LeaveReason {
        reason(member.connection, order: Int64(member.order)) ?? .lost
    }

    func reason(_ connection: ConnectionID, order: Int64) -> LeaveReason? {
        gone.last { $0.connection == connection && $0.order == order }?.reason
    }
}

extension RoomItem.Gone {
    init?(_ map: [ByteText: ItemValue]) {
        guard let connection = map["c"]?.text.flatMap({ ConnectionID($0) }),
            let order = map["o"]?.number,
            let reason = map["r"]?.text.flatMap({ LeaveReason(named: $0) })
        else { return nil }
        self.init(connection: connection, order: order, reason: reason)
    }

    var value: ItemValue {
        .map([
            "c": .text(ByteText(connection.text)), "o": .number(order),
            "r": .text(ByteText(reason.rawValue)),
        ])
    }
}

extension RoomMember {
    /// Behind `m:` and `o:` in the names of its two attributes: its condition decides about peer
    /// ids in v1, where no two members have the same one.
    var attribute: ByteText { Self.attribute(dialect, connection, peerID) }

    static func attribute(
        _ dialect: Dialect, _ connection: ConnectionID, _ peerID: PeerID
    ) -> ByteText {
        dialect == .v1 ? "v1:\(peerID.text)" : "c:\(connection.text)"
    }

    /// As a room keeps it, beside its order.
    func value(hasSDP: Bool) -> ItemValue {
        var map: [ByteText: ItemValue] = [
            "c": .text(ByteText(connection.text)), "p": .text(ByteText(peerID.text)),
        ]
        if case .v1(let subject?) = route { map["s"] = .text(subject.text) }
        if let name { map["n"] = .text(ByteText(name)) }
        if hasSDP { map["d"] = .flag(true) }
        return .map(map)
    }
}
