package import Sessions
import Signalling

/// The sessions of a node that stops in order while no other lives, for the next process of its
/// name.
///
/// Its bytes are, within a `ShelfFrame` with the mark `USHERNOD` and the cluster's format as its
/// version: the incarnation that the node had, 8 bytes; and the sessions behind their number, 4
/// bytes, each as `HandOverState` in that format behind its length, 4 bytes, in the order of their
/// connections. None says how long it waits: the next process does. So the next process may be of
/// another version for as long as the cluster's other nodes might be.
package struct NodeShelf: Equatable, Sendable {
    /// Of its sessions; its head and foot come to it.
    package static let bytesMax = 255 << 20
    private static let frame = ShelfFrame(mark: "USHERNOD")

    /// Seconds since the epoch.
    package let writtenAt: Int64
    package let home: Incarnation
    /// The cluster's when it was written.
    package let format: UInt8
    package private(set) var sessions: [HandOverState]

    package init(
        writtenAt: Int64, _ home: Incarnation, _ sessions: [HandOverState], in format: UInt8
    ) {
        self.writtenAt = writtenAt
        self.home = home
        self.format = format
        self.sessions = sessions.sorted { $0.record.connection < $1.record.connection }
    }

    /// The bytes; `sha256` computes that digest.
    package func encoded(sha256: ([UInt8]) -> [UInt8]) -> [UInt8] {
        Self.frame.encoded(UInt16(format), at: writtenAt, sha256: sha256) { out in
            out.put(home.raw)
            out.put(UInt32(truncatingIfNeeded: sessions.count))
            for session in sessions { out.put(session.encoded(in: format)) }
        }
    }

    /// Reads what `encoded` wrote in a format up to this one, and ages it by the time since; `now`
    /// is in seconds since the epoch, and each session waits for `graceSeconds` from now on. Throws
    /// why it is of no use.
    package init(
        _ bytes: [UInt8], upTo reads: UInt8, at now: Int64, graceSeconds: UInt32 = 0,
        sha256: ([UInt8]) -> [UInt8]
    ) throws(ShelfFault) {
        var home = Incarnation(raw: 0)
        var format: UInt8 = 1
        var sessions: [HandOverState] = []
        let versions = 1...max(1, UInt16(reads))
        let (writtenAt, age) = try Self.frame.read(bytes, versions, at: now, sha256: sha256) {
            input, version throws(ByteReader.Fault) in
            format = UInt8(truncatingIfNeeded: version)
            home = Incarnation(raw: try input.number())
            for _ in try input.count() {
                guard let session = try? HandOverState(Array(try input.part()), upTo: format),
                    session.graceSeconds == 0,
                    sessions.last.map({ $0.record.connection < session.record.connection }) ?? true
                else { throw input.fault }
                sessions.append(session)
            }
        }
        self.init(
            writtenAt: writtenAt, home,
            sessions.map { $0.older(by: age, graceSeconds: graceSeconds) }, in: format)
    }
}

extension HandOverState {
    fileprivate func older(by seconds: UInt32, graceSeconds: UInt32) -> HandOverState {
        var record = record
        record.grow(older: seconds)
        return HandOverState(
            record, graceSeconds: graceSeconds, taken: taken, told: told, more: more)
    }
}
