import Identifiers
import Rooms
import Signalling

/// One node of a cluster: which nodes live, the rooms that its members are in, and the lines to
/// other nodes. A value, which meets neither clock nor bus: each `Input` is answered with
/// `Effects`, to be performed in order.
package struct ClusterNode: Sendable {
    struct LastStay: Sendable {
        let connection: ConnectionID
        let room: RoomDigest
        let isThere: Bool
    }

    package struct Configuration: Sendable {
        /// For people, and one at a time.
        package var nodeName: String
        /// Of the program, for people.
        package var version: String
        /// What all nodes have to have alike, by the setting's name.
        package var alike: [(setting: String, value: String)]
        /// 0 means no limit.
        package var membersPerRoomMax: Int
        /// The newest format of rooms' documents that it reads.
        package var reads: UInt8
        package var timing: Timing
        /// `Input.putBack` will come, once: until then nothing is taken away that the process
        /// before may have left, nor is another node told that it is not here.
        package var awaitsShelf = false

        package init(
            nodeName: String, version: String = "", alike: [(setting: String, value: String)],
            membersPerRoomMax: Int, reads: UInt8 = RoomDocument.format, timing: Timing = Timing()
        ) {
            self.nodeName = nodeName
            self.version = version
            self.alike = alike
            self.membersPerRoomMax = membersPerRoomMax
            self.reads = reads
            self.timing = timing
        }
    }

    /// Whose request to the store it was.
    enum Owner: Sendable {
        case keys(request: UInt64)
        case room(RoomDigest, life: UInt64, request: UInt64)
        /// Of a node that was never heard of.
        case search(Incarnation)
        case sweep
        /// Of a room that was left empty by the dead, with this document.
        case swept(RoomDigest, RoomDocument)
    }

    package let configuration: Configuration
    let timing: Timing
    var now: Int64 = 0
    var keys: NodeKeys
    var rooms = ClusterRooms()
    var lastLife: UInt64 = 0
    var requests: [UInt64: Owner] = [:]
    var lastRequest: UInt64 = 0

    /// How many of them are for rooms.
    var roomRequests = 0
    /// Rooms that have something to ask of the store, and may not; in their order.
    var waiting: Set<RoomDigest> = []
    var waitingLine = Ring<RoomDigest>()
    /// Rooms that ask again later, in the order of time.
    var delayed = Ring<(due: Int64, room: RoomDigest, life: UInt64)>()
    /// Rooms that were left empty.
    var purges = Ring<(due: Int64, room: RoomDigest, revision: Revision)>()
    /// Rooms that are to be looked at again.
    var rechecks = Ring<RoomDigest>()
    /// Rooms that have something to do about a node's death, or may have.
    var deaths = Ring<(room: RoomDigest, node: Incarnation)>()
    /// Rooms whose members do not stand in this bucket yet.
    var unrestored: Set<RoomDigest> = []
    var parkedRooms: Set<RoomDigest> = []
    /// When joins are given up.
    var deadlines = Ring<Deadline>()
    var sweep = RoomSweep()

    var lines = ByNode<ClusterLine>()
    /// Lines that may have something to be sent.
    var stirred: [Incarnation] = []
    var lineTickAt: Int64 = 0
    /// What was sent before waits for the bus' connection to take it: as `BusOutput` has it.
    package var isBackedUp = false
    /// This node was told to stop: others show that, and do nothing about it yet.
    package var isStopping: Bool {
        get { keys.isStopping }
        set { keys.isStopping = newValue }
    }

    var source = PayloadSource()
    var inbox: PayloadInbox
    /// In which rooms connections of this node are, or want to be.
    var stays: [ConnectionID: FewRooms] = [:] { didSet { lastStays = (nil, nil) } }
    /// What was looked up there last: of one who says something, and of one who hears it.
    var lastStays: (one: LastStay?, other: LastStay?)
    /// Rooms of which a later version is waited for by payloads, since when, and when it is asked
    /// for again.
    var lookUps: [RoomDigest: (since: Int64, nextAt: Int64)] = [:]
    /// Where leaves wait until what was said before is answered.
    var heldLeaves: [ConnectionID: [RoomDigest]] = [:]

    var kicks: [UInt64: Kick] = [:]
    var lastKick: UInt64 = 0
    /// Who waits for what becomes of a connection of this node.
    var kickers: [ConnectionID: [(node: Incarnation, number: UInt64)]] = [:]
    var listings: [UInt64: Listing] = [:]
    var lastListing: UInt64 = 0
    var heldAsks: [Incarnation: [HeldAsk]] = [:]
    var isLeaving = false
    var awaitsShelf: Bool
    /// What is left of this node's sessions waits for the next process: no other node is heard any
    /// more, as nobody here could answer.
    var isShelved = false
    /// Sessions that go to other nodes, or come from them.
    var moves = HandOvers()
    /// Nodes that died, and the rooms where somebody is still to be told so: until then nothing
    /// that was said to their members is answered.
    var mourned: [Incarnation: Set<RoomDigest>] = [:]
    var lateAnswers: [RoomDigest: [LateAnswer]] = [:]
    var tally = Tally()

    package init(_ configuration: Configuration, _ incarnation: Incarnation) {
        self.configuration = configuration
        timing = configuration.timing
        awaitsShelf = configuration.awaitsShelf
        keys = NodeKeys(configuration, incarnation)
        inbox = PayloadInbox(at: incarnation)
    }

    // MARK: Looking

    package var incarnation: Incarnation { keys.incarnation }
    package var standing: NodeStanding { keys.standing }
    /// Of the bucket; nil before the first connection.
    package var epoch: BucketEpoch? { keys.epoch }
    /// Who takes part no more, as far as that is still written down.
    package var gone: Set<Incarnation> { keys.gone }
    /// For others to hear.
    package var report: NodeReport {
        get { keys.report }
        set { keys.report = newValue }
    }
    /// Nothing is on its way to another node, nor asked of the store for a room, or to be.
    package var isAtRest: Bool {
        source.isIdle && moves.isIdle && mourned.isEmpty && lateAnswers.isEmpty && lookUps.isEmpty
            && lines.values.allSatisfy(\.isIdle) && waiting.isEmpty
            && delayed.isEmpty
            && parkedRooms.isEmpty && rechecks.isEmpty && deaths.isEmpty && keys.rechecks.isEmpty
            && !requests.values.contains { if case .room = $0 { true } else { false } }
    }
    /// Rooms in which nothing happens, kept in little memory.
    package var restingRooms: Int { rooms.restingCount }
    /// Which version of a room is known here; nil where nobody here has to do with it.
    package func revision(of room: RoomDigest) -> Revision? { rooms[room]?.writer.revision }

    // MARK: Events

    package mutating func handle(_ input: Input) -> [Effect] {
        var effects: [Effect] = []
        switch input {
        case .tick(let now): tick(now, &effects)
        case .turnEnded:
            publish(&effects)
            rooms.rest(Self.restsPerTurn, at: now)
        case .bus(let event): heard(event, &effects)
        case .join(let member, let place, let sdp): join(member, place, sdp, &effects)
        case .leave(let connection, let place, let reason):
            noteUndrained(connection, reason)
            leave(connection, place, reason, &effects)
        case .delivered(let receipt, let isTaken): delivered(receipt, isTaken, &effects)
        case .kick(let connection, let ticket): kick(connection, ticket, &effects)
        case .kicked(let connection, let wasHere): kicked(connection, wasHere, &effects)
        case .list(let ticket, let extent): list(ticket, extent, &effects)
        case .listed(let number, let page, let other): listed(number, page, for: other)
        case .resume(let connection, let claim, let home):
            resume(connection, claim, home, &effects)
        case .abandon(let connection, let claim): abandon(connection, claim)
        case .settled(let connection, let rooms): settled(connection, in: rooms, &effects)
        case .unsettled(let connection): unsettled(connection, &effects)
        case .frozen(let connection, let record, let graceSeconds):
            frozen(connection, record, graceSeconds, &effects)
        case .sessionEnded(let connection, let reason):
            sessionEnded(connection, reason, &effects)
        case .drain(let sessions): drain(sessions, &effects)
        case .shelve(let sessions): shelve(sessions, &effects)
        case .putBack(let states, let home): putBack(states, from: home, &effects)
        case .reborn(let incarnation):
            guard standing == .condemned else { return [] }
            forgetAll()
            effects.append(.listen(incarnation))
            tellKeys(&effects) { $0.reborn(incarnation, &$1) }
            beginPayloads()
        case .farewell:
            isLeaving = true
            leaveIfEmpty(&effects)
        }
        freeWaiting(&effects)
        return effects
    }

    private mutating func heard(_ event: BusEvent, _ effects: inout [Effect]) {
        switch event {
        case .connected(let epoch):
            if self.epoch == nil { effects.append(.listen(incarnation)) }
            moves.unheard.forgetSearches()
            if self.epoch != epoch { (purges, sweep) = (Ring(), RoomSweep()) }
            tellKeys(&effects) { $0.connected(epoch, &$1) }
        case .disconnected: tellKeys(&effects) { $0.disconnected(&$1) }
        case .watched(let key, let bytes, let revision):
            tellKeys(&effects) { $0.watched(key, bytes, revision, &$1) }
            for room in parkedRooms.sorted() { lookAgain(room, &effects) }
        case .watchedAll: tellKeys(&effects) { $0.watchedAll(&$1) }
        case .heartbeat(let bytes):
            guard let heartbeat = try? Heartbeat(bytes) else { return }
            tellKeys(&effects) { $0.heard(heartbeat, &$1) }
        case .frame(let bytes): arrived(bytes, &effects)
        case .answer(let answer, let request):
            tally.note(answer)
            switch requests.removeValue(forKey: request) {
            case .keys(let request):
                tellKeys(&effects) { $0.answered(answer, request: request, &$1) }
            case .room(let room, let life, let request):
                roomRequests -= 1
                guard rooms[room]?.life == life else { return }
                answered(answer, room, request, &effects)
            case .search(let home): searched(home, answer, &effects)
            case .sweep: swept(answer, &effects)
            case .swept(let room, let document): swept(room, document, answer)
            case nil: return
            }
        }
    }

    private mutating func tick(_ now: Int64, _ effects: inout [Effect]) {
        self.now = max(now, self.now)
        keys.hasWrittenBack = unrestored.isEmpty
        tellKeys(&effects) { $0.ticked(now, &$1) }
        while !delayed.isEmpty, delayed[0].due <= now {
            let (_, room, life) = delayed.removeFirst()
            if rooms[room]?.life == life { askAgain(room, &effects) }
        }
        while !purges.isEmpty, purges[0].due <= now {
            let (_, room, revision) = purges.removeFirst()
            effects.append(.purge(.room(room), upTo: revision))
        }
        actOnDeaths(&effects)
        // Not all at once: others want to ask, too.
        for _ in 0..<min(rechecks.count, Self.rechecksPerTick) {
            drive(rechecks.removeFirst(), .recheck, &effects)
        }
        for room in parkedRooms.sorted() { giveUpWaiting(room, &effects) }
        giveUpJoins(&effects)
        goOnSweeping(&effects)
        tickPayloads(&effects)
        giveUpQuestions(&effects)
        forgetOld(&effects)
        offerAgain(&effects)
        askAgain(&effects)
        if now >= lineTickAt {
            lineTickAt = now + timing.linkTick
            for other in lines.keys {
                lines.change(other) { $0.tick(isBackedUp: isBackedUp) }
                stir(other)
            }
        }
        giveUpKicks(&effects)
        tickListings(&effects)
        rooms.rest(Self.restsPerTick, at: now)
        leaveIfEmpty(&effects)
    }

    private static let rechecksPerTick = 500
    /// What takes some hundredths of a second, for joins wait for it.
    private static let deathsPerTick = 1000
    /// Few at once: joins wait for it.
    private static let restsPerTick = 200
    private static let restsPerTurn = 4

    private mutating func actOnDeaths(_ effects: inout [Effect]) {
        for _ in 0..<min(deaths.count, Self.deathsPerTick) {
            let (room, other) = deaths.removeFirst()
            drive(room, .died(other), &effects)
        }
    }

    /// Rooms that had to wait go on, as far as they may.
    private mutating func freeWaiting(_ effects: inout [Effect]) {
        var count = waitingLine.count
        while count > 0, mayAsk {
            count -= 1
            let room = waitingLine.removeFirst()
            if waiting.remove(room) != nil { drive(room, .free, &effects) }
        }
    }

    private mutating func leaveIfEmpty(_ effects: inout [Effect]) {
        guard isLeaving, rooms.isEmpty, moves.givings.isEmpty, moves.takings.isEmpty else {
            return
        }
        isLeaving = false
        tellKeys(&effects) { $0.farewell(&$1) }
    }

    // MARK: Nodes

    mutating func tellKeys(
        _ effects: inout [Effect], _ event: (inout NodeKeys, inout [NodeKeys.Effect]) -> Void
    ) {
        var outcome: [NodeKeys.Effect] = []
        event(&keys, &outcome)
        for effect in outcome { perform(effect, &effects) }
    }

    private mutating func perform(_ effect: NodeKeys.Effect, _ effects: inout [Effect]) {
        switch effect {
        case .read(let key, let request):
            effects.append(.read(key, request: ask(.keys(request: request))))
        case .write(let key, let bytes, let base, let request):
            effects.append(
                .write(key, bytes, from: base, request: ask(.keys(request: request))))
        case .purge(let key, let revision): effects.append(.purge(key, upTo: revision))
        case .heartbeat(let bytes): effects.append(.heartbeat(bytes))
        case .died(let other): died(other, &effects)
        case .recheck:
            rechecks = Ring()
            for room in rooms.keys.sorted() { rechecks.append(room) }
        case .renewed(let epoch):
            for other in lines.keys { lines.change(other) { $0.forgetOffers() } }
            for room in rooms.keys.sorted() {
                rooms[room]?.unreadableSince = nil
                unpark(room)
                drive(room, .renewed(epoch), &effects)
            }
        case .restored:
            for room in rooms.keys.sorted() { drive(room, .restored, &effects) }
        case .standing(let standing):
            if standing == .condemned {
                endListings(&effects)
                forgetAll()
            }
            effects.append(.standing(standing))
        }
    }

    mutating func ask(_ owner: Owner) -> UInt64 {
        lastRequest += 1
        requests[lastRequest] = owner
        if case .room = owner { roomRequests += 1 }
        return lastRequest
    }

    /// Others end what it had: nothing is to be cleaned up.
    private mutating func forgetAll() {
        for line in lines.values { tally.note(line) }
        (rooms, lines, stirred) = (ClusterRooms(dead: rooms.dead), ByNode(), [])
        (waiting, unrestored, parkedRooms) = ([], [], [])
        (delayed, purges, rechecks, deaths) = (Ring(), Ring(), Ring(), Ring())
        (waitingLine, deadlines, sweep) = (Ring(), Ring(), RoomSweep())
        (kicks, kickers) = ([:], [:])
        (lookUps, heldLeaves, mourned, stays) = ([:], [:], [:], [:])
        let lastAttempt = moves.lastAttempt
        moves = HandOvers()
        moves.lastAttempt = lastAttempt
        beginPayloads()
    }

    private mutating func died(_ other: Incarnation, _ effects: inout [Effect]) {
        let concerned = rooms.died(other)
        // One that rests may be none of them, which is found when it is its turn.
        mourned[other] = Set(
            concerned.filter {
                rooms.isResting($0) || rooms[$0]?.writer.isElsewhere(other) == true
            })
        if standing == .member { tally.note(hasLeft: keys.hasLeft(other)) }
        for room in concerned { deaths.append((room, other)) }
        actOnDeaths(&effects)
        if let line = lines.remove(other) { tally.note(line) }
        stirred.removeAll { $0 == other }
        for room in parkedRooms.sorted() { homeDied(other, room, &effects) }
        movesDied(with: other, &effects)
        inbox.died(other)
        mournIfOver(other, &effects)
        endKicks(of: other, &effects)
        endListings(of: other, &effects)
    }
}
