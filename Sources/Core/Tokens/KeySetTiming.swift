/// The times that a follower of a key set goes by, in seconds.
package struct KeySetTiming: Equatable, Sendable {
    /// For one fetch as a whole.
    package var timeoutSeconds = 5.0
    /// Between the end of a fetch and the next one for an unknown `kid`.
    package var cooldownSeconds = 30.0
    /// From this age a set is fetched anew, while the old one goes on being used.
    package var renewalSeconds = 450.0
    /// From this age a set is used only where a fetch has just failed.
    package var ageSecondsMax = 600.0
    /// From this age a set is not used at all.
    package var keptSecondsMax = 3600.0

    package init() {}
}
