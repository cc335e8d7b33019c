package import Identifiers
package import Signalling

/// What of a session travels to another process: who its client is, its rooms, and its events.
/// There is no token in it, and nothing that would resume it.
package struct SessionRecord: Equatable, Sendable {
    /// What was verified in the token that counts.
    package struct Token: Equatable, Sendable {
        package let id: String
        /// Both in seconds since the epoch.
        package let issuedAt: Int64
        package let expiresAt: Int64
        /// Patterns of the rooms that it grants.
        package let rooms: [String]
        package let name: String?
        /// Of a legacy token; else empty.
        package let secretDigest: [UInt8]

        package init(
            id: String, issuedAt: Int64, expiresAt: Int64, rooms: [String], name: String?,
            secretDigest: [UInt8]
        ) {
            self.id = id
            self.issuedAt = issuedAt
            self.expiresAt = expiresAt
            self.rooms = rooms
            self.name = name
            self.secretDigest = secretDigest
        }
    }

    /// A room it is a member of.
    package struct Room: Equatable, Sendable {
        package let room: RoomName
        package let peerID: PeerID
        package let name: String?
        /// As `RoomMember.order`.
        package let order: UInt64
        /// How many seconds ago it joined.
        package let age: UInt32

        package init(room: RoomName, peerID: PeerID, name: String?, order: UInt64, age: UInt32) {
            self.room = room
            self.peerID = peerID
            self.name = name
            self.order = order
            self.age = age
        }
    }

    package struct Event: Equatable, Sendable {
        /// As it is sent.
        package let bytes: [UInt8]
        /// How many seconds ago it was composed.
        package var age: UInt32
    }

    package let connection: ConnectionID
    package let clientID: ClientID
    package let subject: Subject
    /// What the address counts as for limits.
    package let address: String
    package let secret: SecretDigest
    package let token: Token
    package let rooms: [Room]
    /// The number of its last event, and of the last that was sent.
    package let lastSeq: UInt64
    package let sentSeq: UInt64
    /// The last ones, as many as are kept.
    package private(set) var events: [Event]

    /// `second` is on the loops' clock.
    package init(
        connection: ConnectionID, clientID: ClientID, subject: Subject, address: String,
        secret: SecretDigest, token: Token, rooms: [Room], _ history: EventHistory,
        at second: Int64
    ) {
        self.connection = connection
        self.clientID = clientID
        self.subject = subject
        self.address = address
        self.secret = secret
        self.token = token
        self.rooms = rooms
        lastSeq = history.lastSeq
        sentSeq = history.sentSeq
        let now = UInt32(truncatingIfNeeded: second)
        events = history.kept.map { event in
            Event(bytes: Array(history.bytes[event.range]), age: now &- event.second)
        }
    }

    /// The events, to go on from; `second` is on the loops' clock.
    package func history(limits: HistoryLimits, at second: Int64) -> EventHistory {
        let now = UInt32(truncatingIfNeeded: second)
        var bytes: [UInt8] = []
        let entries = events.map { event in
            bytes += event.bytes
            return EventHistory.Entry(end: bytes.count, second: now - min(now, event.age))
        }
        return EventHistory(
            limits: limits, lastSeq: lastSeq, sentSeq: sentSeq, entries, bytes)
    }

    // MARK: Size

    var sentCount: Int { events.count - Int(lastSeq - sentSeq) }
    package var bytesOfEvents: Int { events.reduce(0) { $0 + $1.bytes.count } }

    /// Drops sent events that are at least so old.
    mutating func drop(from age: UInt32) -> Int {
        let count = events.prefix(sentCount).prefix { $0.age >= age }.count
        events.removeFirst(count)
        return count
    }

    package mutating func grow(older seconds: UInt32) {
        for index in events.indices { events[index].age += min(seconds, .max - events[index].age) }
    }
}

// MARK: Encoding

/// Why bytes are no session's record. The raw value is for the log.
package enum SessionRecordFault: String, Error, Sendable {
    case unknownFormat = "unknown_format"
    case malformed
}

extension SessionRecord {
    private static let mark = Array("US".utf8)

    /// By itself, for another process. Of the formats there is one so far; they are counted as
    /// those of all that the nodes of a cluster have to understand of one another.
    package func encoded(in format: UInt8) -> [UInt8] {
        var out = ByteWriter(capacity: bytesOfEvents + 1024)
        for byte in Self.mark { out.put(byte) }
        out.put(format)
        write(to: &out)
        out.endImagined(format)
        return out.bytes
    }

    /// Reads what `encoded` wrote in a format up to this one, and takes nothing else for it.
    package init(_ bytes: [UInt8], upTo format: UInt8) throws(SessionRecordFault) {
        let mark = Self.mark
        guard bytes.count > mark.count, bytes.starts(with: mark), bytes[mark.count] > 0 else {
            throw .malformed
        }
        guard bytes[mark.count] <= format else { throw .unknownFormat }
        do {
            var input = ByteReader(bytes[(mark.count + 1)...])
            self = try SessionRecord(&input)
            try input.endImagined(bytes[mark.count])
            guard input.isAtEnd else { throw input.fault }
        } catch {
            throw .malformed
        }
    }

    /// Changes `Shelf.version` with what it writes.
    func write(to out: inout ByteWriter) {
        out.put(connection.raw)
        for text in [clientID.string, subject.string, address] { out.put(text) }
        out.put(secret.bits)
        out.put(token.id)
        out.put(token.issuedAt)
        out.put(token.expiresAt)
        out.put(UInt32(truncatingIfNeeded: token.rooms.count))
        for pattern in token.rooms { out.put(pattern) }
        out.put(token.name)
        out.put(token.secretDigest)
        out.put(UInt32(truncatingIfNeeded: rooms.count))
        for room in rooms {
            out.put(room.room.string)
            out.put(room.peerID.text)
            out.put(room.name)
            out.put(room.order)
            out.put(room.age)
        }
        out.put(lastSeq)
        out.put(sentSeq)
        out.put(UInt32(truncatingIfNeeded: events.count))
        for event in events {
            out.put(event.bytes)
            out.put(event.age)
        }
    }

    init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        connection = ConnectionID(raw: try input.number())
        clientID = ClientID(try input.text())
        subject = Subject(try input.text())
        address = try input.text()
        secret = SecretDigest(bits: try input.number())
        token = Token(
            id: try input.text(), issuedAt: try input.number(), expiresAt: try input.number(),
            rooms: try input.texts(), name: try input.optionalText(),
            secretDigest: Array(try input.part()))
        var rooms: [Room] = []
        for _ in try input.count() {
            rooms.append(
                Room(
                    room: RoomName(try input.text()), peerID: PeerID(try input.text()),
                    name: try input.optionalText(), order: try input.number(),
                    age: try input.number()))
        }
        self.rooms = rooms
        lastSeq = try input.number()
        sentSeq = try input.number()
        var events: [Event] = []
        for _ in try input.count() {
            // What is sent as text has to be text.
            events.append(Event(bytes: Array(try input.text().utf8), age: try input.number()))
        }
        self.events = events
        guard sentSeq <= lastSeq, lastSeq - sentSeq <= UInt64(events.count),
            UInt64(events.count) <= lastSeq
        else { throw input.fault }
    }
}
