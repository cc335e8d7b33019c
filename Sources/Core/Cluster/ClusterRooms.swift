/// The rooms of a node. One of which nothing is heard for a while rests (`RestingRoom`), until it
/// is changed: most rooms of a large node do.
struct ClusterRooms: Sendable {
    private struct Entry: Sendable {
        var view: RoomView
        /// Nil while it is awake.
        var resting: RestingRoom?
    }

    private var entries: [RoomDigest: Entry] = [:] { didSet { last = nil } }
    /// The one that was looked at last: most that is said in a room comes in a row.
    private var last: (room: RoomDigest, view: RoomView)?
    private var awake: [RoomDigest: ClusterRoom] = [:]
    /// Those that are awake, as they are looked at in turn.
    private var line = Ring<(room: RoomDigest, life: UInt64)>()
    /// Of the one that went to rest last.
    private var common: RestingRoom.Common?
    /// Nodes that died or left, as all rooms know: for good, as what happened last in a room may
    /// name one when its key is long gone.
    private(set) var dead: Set<Incarnation>

    init(dead: Set<Incarnation> = []) { self.dead = dead }

    // MARK: Looking

    var isEmpty: Bool { entries.isEmpty }
    /// In no order.
    var keys: some Collection<RoomDigest> { entries.keys }
    var restingCount: Int { entries.count - awake.count }

    func contains(_ room: RoomDigest) -> Bool { entries.index(forKey: room) != nil }
    func isResting(_ room: RoomDigest) -> Bool { entries[room]?.resting != nil }
    /// As of the last `refreshView`.
    func view(_ room: RoomDigest) -> RoomView? { entries[room]?.view }

    /// The same, for each of many.
    mutating func viewInRow(_ room: RoomDigest) -> RoomView? {
        if let last, last.room == room { return last.view }
        guard let view = view(room) else { return nil }
        last = (room, view)
        return view
    }

    // MARK: Changing

    /// To look at one that rests takes its time; to change it wakes it. `nil` takes none away:
    /// that is for `remove`.
    subscript(_ digest: RoomDigest) -> ClusterRoom? {
        get {
            if let room = awake[digest] { return room }
            guard let entry = entries[digest] else { return nil }
            return entry.resting?.woken(entry.view, dead: dead)
        }
        _modify {
            wake(digest)
            yield &awake[digest]
        }
    }

    mutating func add(_ room: ClusterRoom) {
        entries[room.place.digest] = Entry(view: RoomView(room))
        awake[room.place.digest] = room
        line.append((room.place.digest, room.life))
    }

    mutating func remove(_ room: RoomDigest) {
        entries[room] = nil
        awake[room] = nil
    }

    /// What payloads need of it has changed.
    mutating func refreshView(_ digest: RoomDigest) {
        guard let room = awake[digest] else { return }
        entries[digest]?.view = RoomView(room)
    }

    // MARK: Nodes

    /// All rooms know from now on that a node died.
    ///
    /// - Returns: Those that may have something to do about it, the ones at hand first.
    mutating func died(_ node: Incarnation) -> [RoomDigest] {
        dead.insert(node)
        let atHand = awake.keys.sorted()
        for room in atHand { awake[room]?.writer.dead = dead }
        return atHand + entries.filter { $0.value.resting?.mayName(node) == true }.keys.sorted()
    }

    // MARK: Rest

    /// It is about to be looked at more than once, and does not rest before `time`.
    mutating func wake(_ room: RoomDigest, until time: Int64) {
        wake(room)
        guard let restsAt = awake[room]?.restsAt, restsAt < time else { return }
        awake[room]?.restsAt = time
    }

    private mutating func wake(_ digest: RoomDigest) {
        guard awake.index(forKey: digest) == nil, let entry = entries[digest],
            let resting = entry.resting
        else { return }
        entries[digest]?.resting = nil
        let room = resting.woken(entry.view, dead: dead)
        awake[digest] = room
        line.append((digest, room.life))
    }

    /// Looks at as many of those that are awake, and has them rest where nothing happens in them.
    mutating func rest(_ most: Int, at now: Int64) {
        for _ in 0..<min(line.count, most) {
            let (digest, life) = line.removeFirst()
            guard awake[digest]?.life == life else { continue }
            guard let resting = resting(digest, at: now) else {
                line.append((digest, life))
                continue
            }
            common = resting.common
            entries[digest]?.resting = resting
            awake[digest] = nil
        }
        // What a burst took is given back.
        guard awake.capacity > 64, awake.count * 8 < awake.capacity else { return }
        awake = Dictionary(uniqueKeysWithValues: awake.map { ($0, $1) })
    }

    private func resting(_ digest: RoomDigest, at now: Int64) -> RestingRoom? {
        guard let restsAt = awake[digest]?.restsAt, restsAt <= now else { return nil }
        return awake[digest]?.forRest(at: now).flatMap { room in
            RestingRoom(room, common, dead: dead)
        }
    }
}
