import Identifiers
import Sessions
import Signalling
import TestSupport
import Testing

@Suite("The bytes of a shelf")
struct ShelfTests {
    private static func record(
        _ id: UInt64, client: String = "a", events: Int = 3, sent: Int = 2, bytes: Int = 5,
        second: Int64 = 50
    ) -> SessionRecord {
        var session = Session(
            attachedTo: 1, limits: HistoryLimits(eventsMax: 0, bytesMax: 0), outboundBytesMax: 0)
        let body = Array(repeating: UInt8(ascii: "x"), count: bytes)
        for index in 0..<events {
            _ = session.take("{é".utf8.span, body.span, at: second - Int64(events - index))
        }
        for _ in 0..<sent { session.markSent() }
        return SessionRecord(
            connection: ConnectionID(raw: id), clientID: ClientID(client), subject: "s\(id)",
            address: "192.0.2.1", secret: SecretDigest(bits: UInt128(id) << 100 | 5),
            token: .init(
                id: "jti", issuedAt: -1, expiresAt: .max, rooms: ["r*", "ü"], name: "Ann",
                secretDigest: [1, 2, 3]),
            rooms: [
                .init(room: "räum", peerID: PeerID("i\"d"), name: nil, order: .max, age: 3),
                .init(room: "b", peerID: PeerID("p"), name: "", order: 1, age: .max),
            ],
            session.history, at: second)
    }

    private static func digest(_ bytes: [UInt8]) -> [UInt8] {
        let sum = bytes.enumerated().reduce(UInt64(7)) {
            ($0 ^ UInt64($1.element) ^ UInt64($1.offset)) &* 0x100_0000_01B3
        }
        return (0..<32).map { UInt8(truncatingIfNeeded: sum >> UInt64($0 % 8 * 8)) }
    }

    private static let shelf = Shelf(writtenAt: 1000, [record(1), record(.max, client: "b")])
    private static let bytes = shelf.encoded(sha256: digest)

    @Test("What was written is read again")
    func roundTrip() throws {
        #expect(try Shelf(Self.bytes, at: 1000, sha256: Self.digest) == Self.shelf)
        let empty = Shelf(writtenAt: 0, [])
        #expect(try Shelf(empty.encoded(sha256: Self.digest), at: 0, sha256: Self.digest) == empty)
    }

    @Test("A record by itself is read again, and nothing else is taken for one")
    func record() throws {
        var random = SeededGenerator(seed: 1)
        for record in [Self.record(1), Self.record(.max, client: "", events: 0, sent: 0)] {
            let bytes = record.encoded(in: 1)
            #expect(try SessionRecord(bytes, upTo: 1) == record)
            for count in bytes.indices {
                #expect(throws: SessionRecordFault.malformed) {
                    try SessionRecord(Array(bytes.prefix(count)), upTo: 1)
                }
                var other = bytes
                other[count] = .random(in: 0...255, using: &random)
                if let read = try? SessionRecord(other, upTo: 1) {
                    #expect(read.encoded(in: 1) == other)
                }
            }
            #expect(throws: SessionRecordFault.malformed) {
                try SessionRecord(bytes + [0], upTo: 1)
            }
            var other = bytes
            other[2] += 1
            #expect(throws: SessionRecordFault.unknownFormat) {
                try SessionRecord(other, upTo: 1)
            }
            #expect(try SessionRecord(record.encoded(in: 2), upTo: 2) == record)
            #expect(throws: SessionRecordFault.malformed) { try SessionRecord(other, upTo: 2) }
        }
    }

    @Test("Events go on where they were: numbers, what was sent, and how old each is")
    func history() {
        let history = Self.record(1).history(
            limits: HistoryLimits(eventsMax: 0, bytesMax: 0), at: 200)
        #expect(history.lastSeq == 3 && history.sentSeq == 2 && history.unsentCount == 1)
        var session = Session(away: 300, history, outboundBytesMax: 0)
        #expect(session.handle(.resume(1, after: 1)).finished == nil)
        // The first of them is 3 seconds old, the second 2.
        session.trim(before: 198)
        #expect(session.history.keptCount == 2)
        let range = session.history.nextUnsent
        let event = range.map { String(decoding: session.history.bytes[$0], as: UTF8.self) }
        #expect(event == #"{éxxxxx},"seq":2}"#)
        #expect(session.take("{".utf8.span, "".utf8.span, at: 200) == .queued(1))
        #expect(session.history.lastSeq == 4)
    }

    @Test("Time that passes between the processes makes all older")
    func ageing() throws {
        let read = try Shelf(Self.bytes, at: 1100, sha256: Self.digest)
        #expect(read.sessions[0].events.map(\.age) == [103, 102, 101])
    }

    @Test(
        "The age has bounds",
        arguments: [(990, nil), (989, .clock), (1600, nil), (1601, .tooOld)]
            as [(Int64, ShelfFault?)])
    func age(now: Int64, fault: ShelfFault?) {
        let result = Result { try Shelf(Self.bytes, at: now, sha256: Self.digest) }
        switch result {
        case .success: #expect(fault == nil)
        case .failure(let error): #expect(error as? ShelfFault == fault)
        }
    }

    @Test("Whatever is cut off or turned over is noticed")
    func torn() {
        for count in 0..<Self.bytes.count {
            #expect(throws: ShelfFault.self) {
                try Shelf(Array(Self.bytes.prefix(count)), at: 1000, sha256: Self.digest)
            }
        }
        for index in Self.bytes.indices {
            var bytes = Self.bytes
            bytes[index] ^= 0x10
            #expect(throws: ShelfFault.self) { try Shelf(bytes, at: 1000, sha256: Self.digest) }
        }
    }

    /// Where the digest is right and what it covers is not, as of a faulty program.
    @Test("Nonsense with the right digest is refused, or read as something, and never more")
    func nonsense() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<4000 {
            var bytes = Array(Self.bytes.dropLast(32))
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: 18..<bytes.count, using: &random)
                bytes[index] =
                    [0, 0xFF, UInt8.random(in: 0...255, using: &random)]
                    .randomElement(using: &random) ?? 0
            }
            bytes += Self.digest(bytes)
            guard let read = try? Shelf(bytes, at: 1000, sha256: Self.digest) else { continue }
            for record in read.sessions {
                let history = record.history(limits: HistoryLimits(), at: 1)
                #expect(history.unsentCount <= history.keptCount)
                #expect(UInt64(history.keptCount) <= history.lastSeq)
            }
        }
    }

    @Test("Another version is told from a torn one, whatever stands behind its number")
    func version() {
        var bytes = Self.bytes
        bytes[9] = 2
        #expect(throws: ShelfFault.version) { try Shelf(bytes, at: 1000, sha256: Self.digest) }
        bytes = Array(bytes.prefix(10)) + Array(repeating: 0, count: 60)
        #expect(throws: ShelfFault.version) { try Shelf(bytes, at: 1000, sha256: Self.digest) }
    }

    // MARK: Budget

    /// One of which sent events may take so much: a quarter stays free.
    private static func budget(_ bytes: Int) -> Int { bytes * 4 / 3 + 1 }

    @Test("The oldest sent events go first, whosesoever they are")
    func oldest() {
        // 10 events of about 110 bytes each, one of a second.
        var shelf = Shelf(
            writtenAt: 0,
            [
                Self.record(1, events: 10, sent: 10, bytes: 98, second: 50),
                Self.record(2, events: 10, sent: 5, bytes: 98, second: 50),
            ])
        let before = shelf.sessions.map(\.bytesOfEvents).reduce(0, +)
        #expect(shelf.fit(bytesPerClient: 0, inAll: Self.budget(before)) == .init())
        #expect(shelf.fit(bytesPerClient: 0, inAll: Self.budget(before - 350)) == .init(events: 4))
        #expect(shelf.sessions.map(\.events.count) == [8, 8])
        // Of the second five wait; they stay as long as there is anything else.
        #expect(
            shelf.fit(bytesPerClient: 0, inAll: Self.budget(before / 2 - 9)) == .init(events: 7))
        #expect(shelf.sessions.map(\.events.count) == [4, 5])
        #expect(shelf.sessions[1].lastSeq - shelf.sessions[1].sentSeq == 5)
        #expect(
            shelf.fit(bytesPerClient: 0, inAll: 300)
                == .init(events: 4, sessions: [ConnectionID(raw: 2)]))
        #expect(shelf.sessions.map(\.connection.raw) == [1])
    }

    @Test("One client's events take nothing from others")
    func clients() {
        var shelf = Shelf(
            writtenAt: 0,
            [
                Self.record(1, client: "a", events: 100, sent: 0, bytes: 98),
                Self.record(2, client: "b", events: 3, sent: 3, bytes: 98, second: 10),
            ])
        #expect(
            shelf.fit(bytesPerClient: 2000, inAll: 8000) == .init(sessions: [ConnectionID(raw: 1)]))
        #expect(shelf.sessions.map(\.clientID) == ["b"] && shelf.sessions[0].events.count == 3)
    }
}
