internal import Access
internal import Admission
internal import Bytes
internal import Identifiers
internal import Rooms
internal import Sessions
internal import Signalling
internal import Tables
internal import Tokens

/// What the table holds of a session: the item `C#<connection>`, `-`.
struct SessionItem: Sendable, Equatable {
    /// What a session was told of a room that it is in.
    struct Told: Sendable, Equatable {
        struct Member: Sendable, Equatable {
            let order: Int64
            let peerID: PeerID
        }

        /// Of the room, as `RoomItem.version`.
        let version: Int64
        /// By connection, itself included; nobody once it has left. Read when it is asked for:
        /// most who look at a session want none of it.
        fileprivate let members: [ByteText: ItemValue]

        func member(_ connection: ConnectionID) -> Member? {
            members[ByteText(connection.text)].flatMap(Member.init)
        }

        var hasLeft: Bool { members.isEmpty }

        /// About how much it takes up in its item.
        var bytes: Int {
            members.values.reduce(64) { sum, member in
                sum + 64 + (member.map?["p"]?.text?.utf8.count ?? 0)
            }
        }
    }

    struct Lease: Sendable, Equatable {
        let owner: ByteText
        /// In milliseconds since the epoch.
        let until: Int64
    }

    let connection: ConnectionID
    private(set) var gateway: ByteText?
    let dialect: Dialect
    let grant: TokenGrant
    let secret: SecretDigest?
    let until: Int64
    /// Why it is over.
    private(set) var ended: LeaveReason?
    /// The number of the last event that was taken off.
    let base: Int64
    let events: [[UInt8]]
    /// Of the events.
    let bytes: Int64
    /// What has to be sent before all events: a whole `welcome`, or a `resumed` up to its number.
    let hello: [UInt8]?
    /// With a `resumed`: the number of the last event that its client has dealt with.
    let after: Int64?
    /// Each room's state has to be told, and then this event, which may be empty.
    let states: [UInt8]?
    let lease: Lease?
    /// The end of the token of which its client was told last that it ends.
    let noticed: Int64?
    /// By room; of some that it has left, too, so that nobody tells it of an earlier version.
    let told: [RoomName: Told]

    /// The rooms that it is in, by name.
    var rooms: [RoomName: Told] { told.filter { $0.value.member(connection) != nil } }
    func isIn(_ room: RoomName) -> Bool { told[room]?.member(connection) != nil }
    /// About how much its item takes up.
    var size: Int {
        told.reduce(2048 + Int(bytes)) { $0 + $1.key.utf8.count + $1.value.bytes }
    }
    var lastSeq: Int64 { base + Int64(events.count) }
    var isV1: Bool { dialect == .v1 }
    /// Whether something has to be sent to its client.
    var isPending: Bool { !events.isEmpty || hello != nil || states != nil }

    func isLeased(at milliseconds: Int64) -> Bool {
        lease.map { $0.until > milliseconds } ?? false
    }

    /// Why the session is over at this second; nil while it is not.
    func end(at now: Int64) -> LeaveReason? { ended ?? (until <= now ? .lost : nil) }

    /// The same, over for this reason, when its client was at this connection.
    func over(_ reason: LeaveReason, at gateway: ByteText?) -> SessionItem {
        var session = self
        session.ended = reason
        session.gateway = gateway
        return session
    }

    static func key(_ connection: ConnectionID) -> ItemKey {
        ItemKey("C#\(connection.text)")
    }

    var key: ItemKey { Self.key(connection) }
}

// MARK: Reading

extension SessionItem {
    /// Nil for what is no session, and for one whose time in the table is over.
    init?(_ item: Item?, _ connection: ConnectionID, now: Int64) {
        guard let item, let ttl = item["ttl"]?.number, ttl > now,
            let dialect = item["dialect"]?.text.map({ $0 == "v1" ? Dialect.v1 : .classic }),
            let grant = Self.grant(item), let until = item["until"]?.number
        else { return nil }
        self.connection = connection
        gateway = item["g"]?.text
        self.dialect = dialect
        self.grant = grant
        secret = item["secret"]?.bytes.map { SecretDigest(sha256: $0) }
        self.until = until
        ended = item["ended"]?.text.flatMap { LeaveReason(named: $0) }
        base = item["base"]?.number ?? 0
        events = (item["events"]?.list ?? []).compactMap(\.bytes)
        bytes = item["bytes"]?.number ?? 0
        hello = item["hello"]?.bytes
        after = item["after"]?.number
        states = item["states"]?.bytes
        lease = item["lease"]?.map.flatMap(Lease.init)
        noticed = item["noticed"]?.number
        told = Dictionary(
            uniqueKeysWithValues: (item["told"]?.map ?? [:]).lazy.compactMap { room, value in
                value.map.flatMap(Told.init).map { (RoomName(room), $0) }
            })
    }

    private static func grant(_ item: Item) -> TokenGrant? {
        guard let client = item["client"]?.text, let subject = item["subject"]?.text,
            let map = item["grant"]?.map, let tokenID = map["jti"]?.text,
            let issuedAt = map["iat"]?.number, let expiresAt = map["exp"]?.number
        else { return nil }
        let token = RevocableToken(
            tokenID: tokenID.string, subject: Subject(subject), clientID: ClientID(client),
            issuedAt: issuedAt, legacySecretDigest: map["legacy"]?.bytes)
        let patterns = (map["rooms"]?.list ?? []).compactMap(\.text)
        return TokenGrant(
            token: token, expiresAt: expiresAt,
            rooms: patterns.compactMap { try? RoomPattern($0.string) },
            name: map["name"]?.text?.string)
    }
}

extension SessionItem.Lease {
    init?(_ map: [ByteText: ItemValue]) {
        guard let owner = map["owner"]?.text, let until = map["until"]?.number else { return nil }
        self.init(owner: owner, until: until)
    }

    var value: ItemValue { .map(["owner": .text(owner), "until": .number(until)]) }
}

extension SessionItem.Told.Member {
    fileprivate init?(_ value: ItemValue) {
        guard let order = value.map?["o"]?.number, let peerID = value.map?["p"]?.text else {
            return nil
        }
        self.init(order: order, peerID: PeerID(peerID.string))
    }
}

extension SessionItem.Told {
    init?(_ map: [ByteText: ItemValue]) {
        guard let version = map["v"]?.number, let members = map["m"]?.map else { return nil }
        self.init(version: version, members: members)
    }

    /// What whoever left with this version knows.
    init(leftAt version: Int64) { self.init(version: version, members: [:]) }

    init(_ room: RoomItem) {
        var members: [ByteText: ItemValue] = [:]
        for member in room.room.members {
            members[ByteText(member.connection.text)] = .map([
                "o": .number(Int64(member.order)), "p": .text(ByteText(member.peerID.text)),
            ])
        }
        self.init(version: room.version, members: members)
    }

    var value: ItemValue { .map(["v": .number(version), "m": .map(members)]) }

    /// The room as it was then: who was in it, and with which orders.
    var room: Room {
        Room(
            members.compactMap { text, value in
                guard let connection = ConnectionID(text), let member = Member(value) else {
                    return nil
                }
                return RoomMember(
                    connection: connection, route: .v1(subject: nil), peerID: member.peerID,
                    order: UInt64(member.order))
            })
    }
}

extension ConnectionID {
    init?(_ text: ByteText) {
        let bytes = text.utf8.span
        self.init(bytes, 0..<bytes.count)
    }
}

// MARK: Writing

extension TokenGrant {
    /// As a session keeps it, beside its client and its subject.
    var value: ItemValue {
        var map: [ByteText: ItemValue] = [
            "jti": .text(ByteText(token.tokenID)), "iat": .number(token.issuedAt),
            "exp": .number(expiresAt), "rooms": .list(rooms.map { .text(ByteText($0.text)) }),
        ]
        if let name { map["name"] = .text(ByteText(name)) }
        if let digest = token.legacySecretDigest { map["legacy"] = .bytes(digest) }
        return .map(map)
    }
}

extension SecretDigest {
    var value: ItemValue {
        .bytes((0..<16).map { UInt8(truncatingIfNeeded: bits >> UInt128(120 - 8 * $0)) })
    }
}
