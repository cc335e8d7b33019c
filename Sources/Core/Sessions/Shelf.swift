package import Signalling

/// Why a shelf is of no use; the raw value is for the log.
package enum ShelfFault: String, Error, Sendable, CustomStringConvertible {
    /// It is not whole, or not a shelf.
    case torn
    /// Another version of the program wrote it.
    case version
    case tooOld = "too_old"
    /// It comes from a time that has not come yet.
    case clock

    package var description: String {
        switch self {
        case .torn: "the file with the sessions was not whole"
        case .version: "the file with the sessions was written by another version of usher"
        case .tooOld:
            "the sessions waited for more than \(Shelf.ageMax / 60) minutes: start sooner"
        case .clock: "the sessions were written at a time that has not come yet: set the clock"
        }
    }
}

/// What the bytes of every shelf have around them: its mark; a version, 2 bytes; when it was
/// written, 8 bytes, seconds since the epoch; and behind all else the SHA-256 of that, 32 bytes.
/// Numbers are big-endian.
package struct ShelfFrame: Sendable {
    private static let digestBytes = 32

    private let mark: [UInt8]

    package init(mark: StaticString) { self.mark = Array("\(mark)".utf8) }

    /// The bytes; `sha256` computes that digest.
    package func encoded(
        _ version: UInt16, at writtenAt: Int64, sha256: ([UInt8]) -> [UInt8],
        _ write: (inout ByteWriter) -> Void
    ) -> [UInt8] {
        var out = ByteWriter()
        for byte in mark { out.put(byte) }
        out.put(version)
        out.put(writtenAt)
        write(&out)
        return out.bytes + sha256(out.bytes)
    }

    /// Reads what `encoded` wrote in one of these versions, which `body` is told; `now` is in
    /// seconds since the epoch. Throws why it is of no use.
    ///
    /// - Returns: When it was written, and how many seconds ago.
    package func read(
        _ bytes: [UInt8], _ versions: ClosedRange<UInt16>, at now: Int64,
        sha256: ([UInt8]) -> [UInt8],
        _ body: (inout ByteReader, UInt16) throws(ByteReader.Fault) -> Void
    ) throws(ShelfFault) -> (writtenAt: Int64, age: UInt32) {
        let contents = bytes.dropLast(Self.digestBytes)
        guard bytes.count > mark.count + Self.digestBytes, contents.starts(with: mark) else {
            throw .torn
        }
        let version: UInt16
        let writtenAt: Int64
        do throws(ByteReader.Fault) {
            var input = ByteReader(contents.dropFirst(mark.count))
            version = try input.number()
            writtenAt = try input.number()
            // Of another version nobody knows where its digest stands.
            if versions.contains(version) {
                let digest = sha256(Array(contents))
                guard digest.elementsEqual(bytes.suffix(Self.digestBytes)) else {
                    throw input.fault
                }
                try body(&input, version)
                guard input.isAtEnd else { throw input.fault }
            }
        } catch {
            throw .torn
        }
        guard versions.contains(version) else { throw .version }
        let (age, isHuge) = now.subtractingReportingOverflow(writtenAt)
        guard !isHuge, age >= -Shelf.clockSkewMax else { throw .clock }
        guard age <= Shelf.ageMax else { throw .tooOld }
        return (writtenAt, UInt32(max(0, age)))
    }
}

/// The sessions of a process that stops in order, for the one that is started after it.
///
/// Its bytes are, within a `ShelfFrame` with the mark `USHERSES`, the sessions behind their number,
/// 4 bytes.
package struct Shelf: Equatable, Sendable {
    package static let version: UInt16 = 1
    private static let frame = ShelfFrame(mark: "USHERSES")
    /// In seconds: how old one may be, and by how much clocks may differ.
    package static let ageMax: Int64 = 600
    package static let clockSkewMax: Int64 = 10

    /// Seconds since the epoch.
    package let writtenAt: Int64
    package private(set) var sessions: [SessionRecord]

    package init(writtenAt: Int64, _ sessions: [SessionRecord]) {
        self.writtenAt = writtenAt
        self.sessions = sessions
    }

    /// The bytes; `sha256` computes that digest.
    package func encoded(sha256: ([UInt8]) -> [UInt8]) -> [UInt8] {
        Self.frame.encoded(Self.version, at: writtenAt, sha256: sha256) { out in
            out.put(UInt32(truncatingIfNeeded: sessions.count))
            for session in sessions { session.write(to: &out) }
        }
    }

    /// Reads what `encoded` wrote, and ages it by the time since; `now` is in seconds since the
    /// epoch. Throws why it is of no use.
    package init(
        _ bytes: [UInt8], at now: Int64, sha256: ([UInt8]) -> [UInt8]
    ) throws(ShelfFault) {
        var sessions: [SessionRecord] = []
        let versions = Self.version...Self.version
        let (writtenAt, age) = try Self.frame.read(bytes, versions, at: now, sha256: sha256) {
            input, _ throws(ByteReader.Fault) in
            for _ in try input.count() { sessions.append(try SessionRecord(&input)) }
        }
        for index in sessions.indices { sessions[index].grow(older: age) }
        self.init(writtenAt: writtenAt, sessions)
    }

    // MARK: Size

    /// What a budget for events made of the shelf.
    package struct Dropped: Equatable, Sendable {
        package var events = 0
        package var sessions: [ConnectionID] = []

        package init(events: Int = 0, sessions: [ConnectionID] = []) {
            self.events = events
            self.sessions = sessions
        }
    }

    /// Keeps the events within a budget, for each client and in all; 0 means no limit. Sent ones
    /// go first, the oldest before all others, whosesoever they are, until a quarter is free for
    /// what comes before anybody is back. Where that is not enough for the budget, the sessions go
    /// which have most waiting.
    package mutating func fit(bytesPerClient: Int, inAll: Int) -> Dropped {
        var dropped = Dropped()
        let clients = Dictionary(grouping: sessions.indices) { sessions[$0].clientID }
        var gone: Set<Int> = []
        for indexes in clients.values {
            fit(indexes, bytesPerClient, &dropped, &gone)
        }
        fit(sessions.indices.filter { !gone.contains($0) }, inAll, &dropped, &gone)
        sessions = sessions.indices.filter { !gone.contains($0) }.map { sessions[$0] }
        return dropped
    }

    private mutating func fit(
        _ indexes: [Int], _ bytesMax: Int, _ dropped: inout Dropped, _ gone: inout Set<Int>
    ) {
        let total = indexes.reduce(0) { $0 + sessions[$1].bytesOfEvents }
        var excess = total - (bytesMax - bytesMax / 4)
        guard bytesMax > 0, excess > 0 else { return }
        var bytesByAge: [UInt32: Int] = [:]
        for index in indexes {
            for event in sessions[index].events.prefix(sessions[index].sentCount) {
                bytesByAge[event.age, default: 0] += event.bytes.count
            }
        }
        var least = UInt32.max
        for (age, bytes) in bytesByAge.sorted(by: { $0.key > $1.key }) where excess > 0 {
            excess -= bytes
            least = age
        }
        for index in indexes { dropped.events += sessions[index].drop(from: least) }
        excess = indexes.reduce(0) { $0 + sessions[$1].bytesOfEvents } - bytesMax
        let bySize = indexes.sorted { sessions[$0].bytesOfEvents > sessions[$1].bytesOfEvents }
        for index in bySize where excess > 0 {
            excess -= sessions[index].bytesOfEvents
            gone.insert(index)
            dropped.sessions.append(sessions[index].connection)
        }
    }
}
