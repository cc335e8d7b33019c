internal import Cluster
internal import Locking
internal import Signalling

/// How a node that is about to end gives its sessions to others.
struct Draining {
    /// How many are on their way at once.
    static let underWayMax = 64

    /// Told once.
    var whenDone: (@Sendable () -> Void)?
    private var waiting: [ClusterNode.Draining] = []
    private var underWay: Set<ConnectionID> = []
    /// Those whom nobody will have.
    private(set) var staying: Set<ConnectionID> = []

    init(whenDone: @escaping @Sendable () -> Void) { self.whenDone = whenDone }

    var hasRoom: Bool { underWay.count < Self.underWayMax }
    var isEmpty: Bool { waiting.isEmpty && underWay.isEmpty }
    var wantsMore: Bool { waiting.isEmpty && hasRoom }
    /// One of those that wait may go.
    var hasNext: Bool { !waiting.isEmpty && hasRoom }

    /// Those who share a room go one after the other, so that they meet again soon.
    mutating func add(_ sessions: [ClusterNode.Draining]) {
        waiting = sessions.filter {
            !underWay.contains($0.connection) && !staying.contains($0.connection)
        }.sorted { one, other in
            one.room == other.room
                ? one.connection > other.connection
                : other.room.map { room in one.room.map { $0 > room } ?? true } ?? false
        }
    }

    mutating func next() -> [ClusterNode.Draining] {
        var next: [ClusterNode.Draining] = []
        while hasRoom, let session = waiting.popLast() {
            underWay.insert(session.connection)
            next.append(session)
        }
        return next
    }

    /// It has gone, or is as before.
    mutating func isOver(_ connection: ConnectionID) { underWay.remove(connection) }

    /// None of them is known any more.
    mutating func forgetUnderWay() { underWay = [] }

    mutating func stays(_ connection: ConnectionID) {
        underWay.remove(connection)
        staying.insert(connection)
    }

    /// Somebody may have them now.
    mutating func tryAgain() { staying = [] }
}

extension ClusterHandler where Sockets: ~Copyable {
    mutating func drain(_ whenDone: @escaping @Sendable () -> Void) {
        guard draining == nil else { return whenDone() }
        draining = Draining(whenDone: whenDone)
        inputs.append(.drain([]))
        drainMore()
    }

    /// Gives more of them away, where some have gone.
    mutating func drainMore() {
        guard var draining else { return }
        if !draining.staying.isEmpty, node.mayDrain { draining.tryAgain() }
        if draining.wantsMore { draining.add(sessionsInRooms()) }
        let next = draining.next()
        if !next.isEmpty { inputs.append(.drain(next)) }
        // Whoever is on its way here has to go on from here.
        if draining.isEmpty, !node.isTaking, let whenDone = draining.whenDone {
            draining.whenDone = nil
            whenDone()
        }
        self.draining = draining
    }

    /// Whoever is in no room, and about to be in none, has nothing to come back for.
    private func sessionsInRooms() -> [ClusterNode.Draining] {
        commons.sessions.all.compactMap { session in
            session.conversation.withLock { conversation in
                let place = conversation.rooms.first?.place
                guard place != nil || !conversation.outstanding.isEmpty else { return nil }
                return ClusterNode.Draining(session.connection, room: place?.digest)
            }
        }
    }
}
