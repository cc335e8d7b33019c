/// How long what takes between the nodes of a cluster, in milliseconds on a node's own clock.
package struct Timing: Equatable, Sendable {
    package var heartbeatEvery: Int64 = 300
    package var renewEvery: Int64 = 2000
    /// For how long an accepted renewal says that the store is reached, from when it was asked for.
    package var reachFor: Int64 = 3000
    /// Without a renewal for longer than that, nobody stays. An election takes up to 9 s.
    package var lostAfter: Int64 = 20_000
    /// Whoever slept longer than that can't know what has become of it.
    package var gapMost: Int64 = 1000
    /// Whoever is silent for longer is declared dead.
    package var silenceMost: Int64 = 5000
    /// After a death: `reachFor`, and what a write may be late.
    package var recheckAfter: Int64 = 5000
    /// For how long a name may be held by one that may be dead.
    package var nameWait: Int64 = 8000
    /// For how long a node listens before it opens a bucket; no shorter than `silenceMost`.
    package var openAfter: Int64 = 5000
    /// For how long it is written that a node is dead or has left.
    package var keysKeptFor: Int64 = 3_600_000
    /// For how long an empty room lies in the store: longer than any write may be late.
    package var emptyKeptFor: Int64 = 120_000
    /// How long a joiner's home is waited for, for what is to be told with its join.
    package var sdpWait: Int64 = 2000
    /// How long a payload waits for the version of the room that its sender saw.
    package var payloadWait: Int64 = 10_000
    /// How often that version is asked for.
    package var lookUpEvery: Int64 = 1000
    /// Before what failed is tried again.
    package var retryAfter: Int64 = 200
    package var linkTick: Int64 = 100

    package init() {}
}
