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
    /// How long its own key may take to be written and seen, before that is told as trouble of the
    /// store; longer than an election takes.
    package var registerWait: Int64 = 10_000
    /// For how long a node listens before it opens a bucket; no shorter than `silenceMost`.
    package var openAfter: Int64 = 5000
    /// For how long it is written that a node is dead or has left.
    package var keysKeptFor: Int64 = 3_600_000
    /// For how long an empty room lies in the store: longer than any write may be late.
    package var emptyKeptFor: Int64 = 120_000
    /// How often the next room is looked at, and how long a walk over all of them rests.
    package var sweepEvery: Int64 = 100
    package var sweepRest: Int64 = 300_000
    /// For how long the next process may come for what a node left that ended in order: for as long
    /// as a shelf is used, and some more.
    package var shelfKept: Int64 = 660_000
    /// For how long a join may wait to be written; longer than an election takes.
    package var joinWait: Int64 = 10_000
    /// For how long all that live have read a newer format before it is used: longer than a node
    /// takes that is started again.
    package var raiseAfter: Int64 = 60_000
    /// For how long one that ended is waited for before that, where no other has its name: ten
    /// minutes in all.
    package var awayFor: Int64 = 540_000
    /// For how long a document of a newer format is read again before nobody waits for it.
    package var unreadableWait: Int64 = 3000
    /// How long a joiner's home is waited for, for what is to be told with its join.
    package var sdpWait: Int64 = 2000
    /// How long a payload waits for the version of the room that its sender saw.
    package var payloadWait: Int64 = 10_000
    /// How often that version is asked for.
    package var lookUpEvery: Int64 = 1000
    /// How long an operator waits for what other nodes say.
    package var kickWait: Int64 = 2000
    /// The same for all pages of a list, for each of which it waits as for a kick.
    package var listWait: Int64 = 10_000
    /// Before what failed is tried again.
    package var retryAfter: Int64 = 200
    /// How long another node's question waits for a session that is about to go to a third, and a
    /// claim for a home that was never heard of.
    package var handOverWait: Int64 = 10_000
    /// How long another node's question waits for what becomes of this one's own.
    package var askersWait: Int64 = 2000
    /// How long one has to be silent, whose key the store does not have, to be nobody: longer than
    /// heartbeats and the watch take.
    package var unheardWait: Int64 = 1000
    /// For how long it is known where a session went: longer than anybody takes it to be here.
    package var departureKept: Int64 = 60_000
    /// For how long a node that takes no sessions is not offered any.
    package var declineKept: Int64 = 2000
    package var linkTick: Int64 = 100
    /// How long a room that has changed, or in which something was said, is kept at hand.
    package var restAfterChange: Int64 = 200
    package var restAfterPayload: Int64 = 10_000

    package init() {}
}
