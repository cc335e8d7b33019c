package import Bytes

/// What became of a request to the store.
package enum StoreAnswer: Equatable, Sendable {
    case accepted(Revision)
    /// The key is at another revision than the write named.
    case conflict
    /// Refused, lost or late: the write may have happened, or may still happen.
    case unknown
    /// Nil where there is nothing. It may be old.
    case found([UInt8]?, Revision)
    /// To `next`: of which room it is, if it is a room's at all.
    case next(RoomDigest?, [UInt8], Revision)
    case unreadable
}

/// What comes from the bus that the nodes of a cluster share.
package enum BusEvent: Equatable, Sendable {
    /// The bucket is there, and its requests are answered: after a connection or another one, and
    /// whenever the bucket was made anew. Whatever was asked before has been answered.
    case connected(BucketEpoch)
    /// Nothing that is asked from now on is answered with anything but `unknown`, or `unreadable`
    /// where it is a read, and that with a tick.
    case disconnected
    case answer(StoreAnswer, request: UInt64)
    /// A version of `open` or of a node's key, in the order of the bucket; after `connected` what
    /// there is comes again, and `watchedAll` behind it.
    case watched(StoreKey, [UInt8]?, Revision)
    case watchedAll
    /// Sent to this node. Whoever may publish on the bus may have made it up.
    case frame([UInt8])
    /// Sent to all nodes by one of them; its own don't come back.
    case heartbeat([UInt8])
}

/// What speaks for one node on the bus, and is called by one thread alone.
package protocol BusHandler: SendableMetatype, ~Copyable {
    /// What other threads tell it.
    associatedtype Note: Sendable

    /// In the order in which each thread told.
    mutating func told(_ note: Note, _ bus: inout some BusOutput & ~Copyable)
    mutating func heard(_ event: BusEvent, _ bus: inout some BusOutput & ~Copyable)
    /// About ten times a second.
    mutating func ticked(_ bus: inout some BusOutput & ~Copyable)
    /// All that had come is done: what is to be sent together goes now.
    mutating func turnEnded(_ bus: inout some BusOutput & ~Copyable)
}

/// What a node may ask of the bus. Nothing of it blocks; what is asked of the store is answered by
/// one `BusEvent.answer`, and is never asked twice on its own.
package protocol BusOutput: ~Copyable {
    /// On a clock that never goes back; its zero means nothing.
    var monotonicMilliseconds: Int64 { get }
    /// What was sent waits here, since the server reads more slowly than it is written to.
    var isBackedUp: Bool { get }
    /// That it is connected to, as `host:port`; nil while it is to none.
    var server: ByteText? { get }
    /// How long the store took to answer when it was looked at last; nil where that is not known.
    var storeMilliseconds: Int64? { get }

    mutating func read(_ key: StoreKey, request: UInt64)
    /// Which room's document was written next behind this revision, as rooms stand now. Answered
    /// with `next`, or with `found` of nothing where there is none.
    mutating func next(after revision: Revision, request: UInt64)
    /// To be set if the key is at this revision still, `absent` where there is to be none.
    mutating func write(_ key: StoreKey, _ bytes: [UInt8], from base: Revision, request: UInt64)
    /// Has what is there up to this revision vanish; without an answer.
    mutating func purge(_ key: StoreKey, upTo revision: Revision)

    /// Frames for this incarnation are heard from now on, and no others.
    mutating func listen(as incarnation: Incarnation)
    /// May be lost, doubled or overtaken, and nothing says so.
    mutating func send(_ frame: [UInt8], to incarnation: Incarnation)
    mutating func heartbeat(_ bytes: [UInt8])
}
