import Bytes

/// Which nodes of a cluster live, as one of them knows it, and what it does to be one itself.
///
/// Each node has a key in the store, which it alone renews, and which others set to dead when they
/// hear nothing of it. A value without store and clock: each event appends `Effects`, to be
/// performed in order.
package struct NodeKeys: Sendable {
    package enum Effect: Equatable, Sendable {
        case read(StoreKey, request: UInt64)
        case write(StoreKey, [UInt8], from: Revision, request: UInt64)
        case purge(StoreKey, upTo: Revision)
        case heartbeat([UInt8])
        /// It takes part no more: dead or left.
        case died(Incarnation)
        /// One that died can write no more by now.
        case recheck
        /// The bucket was made anew; nobody joins until `restored`.
        case renewed(BucketEpoch)
        /// All that live have written their members back.
        case restored
        case standing(NodeStanding)
    }

    enum Fate: Equatable, Sendable {
        case well, condemned, leaving, left
        case refused(ClusterRefusal)
    }

    enum Flight: Sendable {
        case renewal(sentAt: Int64, isFarewell: Bool)
        case look
        case inquest(Incarnation)
        /// From absent: it has written nothing here.
        case verdict(Incarnation, isFirst: Bool)
        case opening(OpenList)
        case raising(UInt8)
    }

    struct Other: Sendable {
        enum State { case unknown, alive, gone }

        var state = State.unknown
        var record: NodeRecord?
        /// Of its key, as far as known.
        var revision = Revision.absent
        /// When a heartbeat was heard last.
        var beatAt: Int64?
        var restored: BucketEpoch?
        var isDraining = false
        /// The last one.
        var heartbeat: Heartbeat?
        /// Since when it is known of, or gone.
        var since: Int64
        /// It is to be written down as dead, whether it is silent or not.
        var mustDie = false
        var isBusy = false
        /// When it may be asked about again.
        var nextAt: Int64 = 0
    }

    let timing: Timing
    let nodeName: ByteText
    let version: ByteText
    let alike: [NodeRecord.Alike]
    let reads: UInt8
    package internal(set) var incarnation: Incarnation
    var now: Int64 = 0
    var hasTicked = false
    /// Since when the clock goes without a gap, and the connection stands.
    var steadySince: Int64 = 0
    /// Since when the clock goes without a gap.
    var awakeSince: Int64 = 0

    package internal(set) var epoch: BucketEpoch?
    package internal(set) var isConnected = false
    /// All keys of this epoch were seen as they are.
    var isWatched = false
    /// Joins may be let in, as far as the bucket is concerned.
    package internal(set) var isOpen = false
    var openRevision = Revision.absent
    var openNextAt: Int64 = 0
    /// In which format documents are written.
    package internal(set) var format: UInt8 = 1
    var formatRevision = Revision.absent
    var raise = FormatRaise()
    /// Whom this bucket was opened to.
    var openList: Set<Incarnation>?

    /// Of its own key in this epoch; nil before it has one.
    var base: Revision?
    /// What its own key is to be set from where it has none.
    var blank = Revision.absent
    /// At which revision its own key was there first.
    var first = Revision.absent
    /// How far the watch has come with its own key.
    var seenOwn = Revision.absent
    /// When it saw its own key first, in this life.
    var seenOwnAt: Int64?
    var isBusy = false
    var nextAt: Int64 = 0
    /// When the last accepted renewal was asked for.
    var reachedAt: Int64?
    /// What it was in buckets of before.
    var past = NodeRecord.Past.none
    var wasMember = false
    var fate = Fate.well
    /// Since when another node is in its way, and how.
    var blocked: (since: Int64, why: ClusterRefusal)?

    var others: [Incarnation: Other] = [:]
    /// All that are dead or left, as long as that is written down.
    package internal(set) var gone: Set<Incarnation> = []
    /// Grows with whom `isUnheard` no longer holds.
    var learned = 0
    var rechecks: [Int64] = []
    var flights: [UInt64: Flight] = [:]
    var lastRequest: UInt64 = 0
    var heartbeatAt: Int64 = 0
    package private(set) var standing = NodeStanding.joining(StableCode("connecting"))
    /// Whether all its members stand in the bucket of this epoch; for others to hear.
    package var hasWrittenBack = true
    /// This node is about to end; for others to hear.
    var isDraining = false
    /// It will be soon; for others to hear.
    package var isStopping = false
    /// For others to hear.
    package var report = NodeReport()

    package init(
        _ configuration: ClusterNode.Configuration, _ incarnation: Incarnation
    ) {
        timing = configuration.timing
        nodeName = ByteText(configuration.nodeName)
        version = ByteText(configuration.version)
        alike = configuration.alike.map {
            NodeRecord.Alike(setting: ByteText($0.setting), value: ByteText($0.value))
        }
        reads = configuration.reads
        self.incarnation = incarnation
    }

    // MARK: Looking

    /// A renewal was accepted not long ago.
    package var reaches: Bool {
        guard let reachedAt, reachedAt >= steadySince else { return false }
        return isConnected && isWatched && base != nil && now - reachedAt <= timing.reachFor
    }

    /// Documents may be written.
    package var mayWrite: Bool { reaches && (fate == .well || fate == .leaving) }

    /// Members may be let in.
    package var mayAdmit: Bool { standing == .member && fate == .well }

    /// It has not begun to leave, and nobody has written that it is dead.
    var isStaying: Bool { fate == .well }

    /// All others that live, in order.
    package var living: [Incarnation] {
        others.filter { $0.value.state == .alive }.keys.sorted()
    }

    /// All others that had a key once and are not known to take part no more, in order: it will be
    /// heard what becomes of them.
    var reachable: [Incarnation] {
        others.filter { $0.value.state != .gone && $0.value.record != nil }.keys.sorted()
    }

    /// Nothing is known of it.
    func isUnheard(_ other: Incarnation) -> Bool {
        other != incarnation && others[other]?.record == nil && others[other]?.state != .gone
    }

    /// Whose key is not in the store, by a read from now on, has no members: all who live have
    /// written themselves back.
    var knowsStore: Bool { isOpen && reaches }

    func isHeard(_ other: Incarnation) -> Bool { others[other]?.beatAt != nil }

    /// It says of itself that it is about to end.
    func isDraining(_ other: Incarnation) -> Bool { others[other]?.isDraining == true }

    func hasLeft(_ other: Incarnation) -> Bool { others[other]?.record?.state == .left }

    /// What a node is called; its incarnation while nobody knows.
    func name(_ id: Incarnation) -> ByteText {
        if id == incarnation { return nodeName }
        return others[id]?.record?.nodeName ?? ByteText(id.text)
    }

    package func isAlive(_ other: Incarnation) -> Bool { others[other]?.state == .alive }

    /// Whether it is alive or dead is not known.
    func isStranger(_ other: Incarnation) -> Bool {
        other != incarnation && !isAlive(other) && !gone.contains(other)
    }

    // MARK: Events

    /// `now` is on a clock that never goes back.
    package mutating func ticked(_ now: Int64, _ effects: inout [Effect]) {
        if !hasTicked || now - self.now > timing.gapMost {
            (steadySince, awakeSince) = (now, now)
            nextAt = now
        }
        hasTicked = true
        self.now = max(now, self.now)
        // If it was declared dead, that may be forgotten.
        if let reachedAt, self.now - reachedAt > timing.keysKeptFor / 2 { condemn() }
        while let due = rechecks.first, due <= now {
            rechecks.removeFirst()
            if rechecks.first.map({ $0 > now }) ?? true { effects.append(.recheck) }
        }
        // Whoever has no store, for a while, is not dead: what carries the frames may carry this.
        beat(&effects)
        if isConnected { for other in others.keys.sorted() { look(at: other, &effects) } }
        conclude(&effects)
    }

    package mutating func connected(_ epoch: BucketEpoch, _ effects: inout [Effect]) {
        isConnected = true
        isWatched = false
        // All were answered, or never will be.
        flights = [:]
        isBusy = false
        for other in others.keys { others[other]?.isBusy = false }
        steadySince = now
        nextAt = now
        (openNextAt, raise.nextAt) = (now, now)
        if let before = self.epoch, before != epoch { renew(epoch, &effects) }
        self.epoch = epoch
        conclude(&effects)
    }

    private mutating func renew(_ epoch: BucketEpoch, _ effects: inout [Effect]) {
        if base != nil { past = max(past, wasMember ? .member : .registered) }
        (base, blank, first, seenOwn) = (nil, .absent, .absent, .absent)
        hasWrittenBack = false
        (isOpen, openRevision, openList) = (false, .absent, nil)
        raise = FormatRaise(former: max(raise.former, min(format, reads)))
        (format, formatRevision) = (1, .absent)
        for other in others.keys {
            others[other]?.revision = .absent
            others[other]?.restored = nil
            switch others[other]?.state {
            case .alive: others[other]?.state = .unknown
            // That it is dead went with the bucket, and it may come back to this one.
            case .gone:
                let hasLeft = others[other]?.record?.state == .left
                others[other]?.mustDie = !hasLeft
            case .unknown, nil: break
            }
        }
        effects.append(.renewed(epoch))
    }

    package mutating func disconnected(_ effects: inout [Effect]) {
        isConnected = false
        conclude(&effects)
    }

    package mutating func watchedAll(_ effects: inout [Effect]) {
        isWatched = true
        conclude(&effects)
    }

    package mutating func watched(
        _ key: StoreKey, _ bytes: [UInt8]?, _ revision: Revision, _ effects: inout [Effect]
    ) {
        switch key {
        case .open: sawOpen(bytes, revision, &effects)
        case .node(incarnation):
            seenOwn = max(seenOwn, revision)
            seenOwnAt = seenOwnAt ?? now
            if bytes != nil { foundOwn(bytes, revision) }
        case .node(let other): found(other, bytes, revision, isWatch: true, &effects)
        case .format: sawFormat(bytes, revision)
        case .room: return
        }
        conclude(&effects)
    }

    package mutating func answered(
        _ answer: StoreAnswer, request: UInt64, _ effects: inout [Effect]
    ) {
        switch flights.removeValue(forKey: request) {
        case .renewal(let sentAt, let isFarewell):
            renewed(answer, sentAt, isFarewell: isFarewell, &effects)
        case .look: looked(answer)
        case .inquest(let other): inquired(other, answer, &effects)
        case .verdict(let other, let isFirst): judged(other, answer, isFirst: isFirst, &effects)
        case .opening(let list): tried(list, answer, &effects)
        case .raising(let format): raised(to: format, answer)
        case nil: return
        }
        conclude(&effects)
    }

    package mutating func heard(_ heartbeat: Heartbeat, _ effects: inout [Effect]) {
        let other = heartbeat.incarnation
        guard other != incarnation, others[other]?.state != .gone else { return }
        others[other, default: Other(since: now)].beatAt = now
        others[other]?.restored = heartbeat.restored
        others[other]?.isDraining = heartbeat.isDraining
        others[other]?.heartbeat = heartbeat
        conclude(&effects)
    }

    /// It is named in a document. Nobody writes one without having a key, so whoever has none was
    /// written by a late one of an older bucket, or its key is not seen yet.
    package mutating func met(_ other: Incarnation) {
        guard other != incarnation, isWatched else { return }
        let known = others[other, default: Other(since: now)]
        others[other] = known
        guard known.state == .unknown, !known.mustDie else { return }
        others[other]?.mustDie = true
        others[other]?.nextAt = now + timing.retryAfter
    }

    /// All members have left, and so does the node.
    package mutating func farewell(_ effects: inout [Effect]) {
        switch fate {
        case .well: fate = base == nil && !isBusy ? .left : .leaving
        case .condemned: fate = .left
        case .leaving, .left, .refused: return
        }
        nextAt = now
        conclude(&effects)
    }

    /// Goes on as another, after it was condemned.
    package mutating func reborn(_ incarnation: Incarnation, _ effects: inout [Effect]) {
        let old = self.incarnation
        self.incarnation = incarnation
        (base, blank, first, seenOwn) = (nil, .absent, .absent, .absent)
        flights = [:]
        isBusy = false
        for other in others.keys { others[other]?.isBusy = false }
        others[incarnation] = nil
        (fate, past, wasMember) = (.well, .none, false)
        (reachedAt, blocked, seenOwnAt, nextAt) = (nil, nil, nil, now)
        die(old, mustBeWritten: true, &effects)
        conclude(&effects)
    }

    // MARK: What follows from all of them

    mutating func ask(_ flight: Flight) -> UInt64 {
        lastRequest += 1
        flights[lastRequest] = flight
        return lastRequest
    }

    private mutating func conclude(_ effects: inout [Effect]) {
        keepOwn(&effects)
        refuseIfTooOld()
        if fate == .well, !wasMember || !isOpen || blocked != nil { lookForRivals() }
        openIfRestored(&effects)
        raiseFormat(&effects)
        let standing = currentStanding
        if standing == .member { wasMember = true }
        guard standing != self.standing else { return }
        self.standing = standing
        effects.append(.standing(standing))
    }
}
