package import Admission
internal import Rooms
internal import Shares
internal import Synchronization

/// The relay: makes the handlers that run the conversations.
///
/// Safe to use from any thread.
package final class Relay: Sendable {
    let commons: RelayCommons

    /// `ledger` is that of the `Admission` by which its connections come.
    package init(
        _ configuration: RelayConfiguration, _ ports: RelayPorts, ledger: ConnectionLedger
    ) {
        commons = RelayCommons(configuration, ports, ledger)
    }

    /// How many rooms have members now.
    package var roomCount: Int { commons.rooms.count }
    /// How many v1 sessions there are now, those included whose client is away.
    package var sessionCount: Int { commons.sessions.count }
    /// Bytes of events that are kept, of clients who are there and who are away.
    package var heldBytes: Int { commons.bytesHeld.total + commons.bytesAway.total }
    /// All rooms with their members, for an operator: ordered by client and name, and members in
    /// the order of joining. Each table is looked at by itself, not all at one moment.
    package func rooms() -> [RoomSummary] {
        RoomSummary.all(
            commons.rooms.contents, at: commons.line?.home, second: commons.monotonicSeconds)
    }

    /// What was counted, up to about a second ago.
    package var figures: RelayFigures {
        var figures = commons.figures.total
        let losses = commons.bytesAway.losses
        figures.ended[.bytesOfClient] = losses[.clientShare]
        figures.ended[.bytes] = losses[.whole]
        figures.ended[.connections] = commons.ledger.awayEnded
        let forgotten = commons.bytesHeld.losses
        figures.forgotten[.bytesOfClient] = forgotten[.clientShare]
        figures.forgotten[.bytes] = forgotten[.whole]
        return figures
    }

    /// The loops are about to end. From now on the shelf alone bounds what is kept for those who
    /// are away, which all are then.
    package func prepareStop() { commons.isStopping.store(true, ordering: .relaxed) }

    /// The handler of one loop; all handlers share the rooms.
    package func makeHandler(loop: Int) -> RelayHandler { RelayHandler(commons) }
}
