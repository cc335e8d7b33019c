/// Why somebody is no longer in a room (docs/protocol.md §3). The raw value is the word on the
/// wire.
package enum LeaveReason: String, CaseIterable, Sendable {
    /// By `leave-room`, or because a new token does not grant the room.
    case left
    /// By a close that was meant to be for good, or for a broken rule.
    case closed
    /// The connection was lost, and nobody resumed it in time.
    case lost
    /// A newer connection of the same peer took its place.
    case replaced
    /// By an operator, or since its token or client was revoked.
    case kicked
}
