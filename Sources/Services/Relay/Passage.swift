internal import Signalling

/// What a connection takes along from one loop to another.
///
/// A socket that finds no place there is dropped with its admission, and nobody is told: so a
/// session that never arrives ends with its passage. It is in no room.
final class Passage: Sendable {
    let connection: ConnectionID
    /// Seconds on the loops' clock.
    let openedAt: Int64
    let refusedMessages: UInt32
    /// Of a v1 connection.
    let session: V1Session?
    private let commons: RelayCommons

    init(
        connection: ConnectionID, openedAt: Int64, refusedMessages: UInt32, session: V1Session?,
        commons: RelayCommons
    ) {
        self.connection = connection
        self.openedAt = openedAt
        self.refusedMessages = refusedMessages
        self.session = session
        self.commons = commons
    }

    deinit { session?.endUnlanded(commons) }
}
