/// The reference: docs/protocol.md §2 and §3 said plainly, with whole lists and no locks.
struct ModelRooms {
    let roomsMax: Int
    let membersMax: Int
    /// How many events are kept for a client that is away.
    let keptMax: Int
    let graceSeconds: Int64
    /// Members in the order of joining, by `client/room`.
    private(set) var members: [String: [ModelParty]] = [:]
    /// How often somebody left for which reason.
    private(set) var departures: [String: Int] = [:]
    private var groups = 0
    private var departed = 0
    private var group: Int?

    init(roomsMax: Int, membersMax: Int, keptMax: Int, graceSeconds: Int64) {
        self.roomsMax = roomsMax
        self.membersMax = membersMax
        self.keptMax = keptMax
        self.graceSeconds = graceSeconds
    }

    private func key(_ party: ModelParty, _ room: String) -> String {
        "\(party.token.client)/\(room)"
    }

    func others(_ party: ModelParty, _ room: String) -> [ModelParty] {
        members[key(party, room), default: []].filter { $0 !== party }
    }

    /// - Parameters:
    ///   - party: The receiver.
    ///   - event: What it is told.
    ///   - sender: Whose doing it is; messages of one sender keep their order.
    /// - Returns: Whether it is certain to be delivered, should the receiver be there.
    @discardableResult
    func tell(_ party: ModelParty, _ event: ModelEvent, of sender: String) -> Bool {
        guard party.isV1 else {
            party.expected[sender, default: []].append(event)
            return true
        }
        guard party.doom == nil, !party.hasEnded else { return false }
        party.log.append(.init(event: event, group: group))
        guard party.isAway, party.log.count - party.sent > keptMax else { return true }
        party.doom = .overfull
        return false
    }

    // MARK: Messages

    mutating func join(
        _ party: ModelParty, _ room: String, peerID: String
    ) -> (error: String?, events: [ModelEvent]) {
        let key = key(party, room)
        let present = members[key, default: []]
        if !party.token.granted.contains(room) { return ("room_forbidden", []) }
        if present.contains(where: { $0 === party }) { return (nil, []) }
        if party.rooms.count >= roomsMax { return ("too_many_rooms", []) }
        let twin = present.first { party.isV1 && $0.isV1 && $0.peerID(in: room) == peerID }
        if let twin {
            let isSame = twin.token.subject == party.token.subject
            guard isSame, twin.token.subject != nil || twin.isUnclaimed else {
                return ("peer_id_taken", [])
            }
        }
        if present.count - (twin == nil ? 0 : 1) >= membersMax { return ("room_full", []) }
        if let twin {
            remove(twin, room, reason: "replaced")
            twin.doom = .replaced
        }
        let others = members[key, default: []]
        for other in others {
            tell(
                other,
                .joined(
                    connection: party.connection, peerID: peerID, name: "N\(peerID)",
                    own: other.peerID(in: room) ?? ""), of: party.connection)
        }
        members[key] = others + [party]
        party.rooms.append((room, peerID))
        let first: [ModelEvent] = others.isEmpty ? [.firstToJoin(room: room)] : []
        return (nil, first + (party.isV1 ? [state(party, room)] : []))
    }

    func state(_ party: ModelParty, _ room: String) -> ModelEvent {
        let all = members[key(party, room), default: []]
        let own = all.firstIndex { $0 === party } ?? 0
        let listed = all.enumerated().filter { $0.offset != own }.map { place, other in
            ModelMember(
                connection: other.connection, peerID: other.peerID(in: room) ?? "",
                name: "N\(other.peerID(in: room) ?? "")", polite: place < own)
        }
        return .roomState(room: room, polite: listed.allSatisfy(\.polite), members: Set(listed))
    }

    mutating func leave(_ party: ModelParty, _ room: String) {
        if party.peerID(in: room) != nil { remove(party, room, reason: "left") }
    }

    private mutating func remove(_ party: ModelParty, _ room: String, reason: String) {
        guard let peerID = party.peerID(in: room) else { return }
        party.rooms.removeAll { $0.room == room }
        departures[reason, default: 0] += 1
        let key = key(party, room)
        members[key]?.removeAll { $0 === party }
        if members[key]?.isEmpty == true { members[key] = nil }
        for other in members[key, default: []] where other.isV1 {
            let event = ModelEvent.left(
                room: room, connection: party.connection, peerID: peerID, reason: reason)
            tell(other, event, of: party.connection)
        }
    }

    /// - Returns: Whether the target shares a room and takes it.
    func send(_ party: ModelParty, to target: String, _ number: Int) -> Bool {
        for (room, _) in party.rooms {
            let all = members[key(party, room), default: []]
            guard let receiver = all.first(where: { $0.connection == target }) else { continue }
            let event = ModelEvent.payload(from: party.connection, number: number)
            if tell(receiver, event, of: party.connection) { return true }
        }
        return false
    }

    func broadcast(_ party: ModelParty, _ room: String, _ number: Int) -> Bool {
        guard party.peerID(in: room) != nil else { return false }
        for other in others(party, room) {
            tell(
                other, .payload(from: party.connection, number: number), of: party.connection)
        }
        return true
    }

    /// Another token counts from now on.
    mutating func accept(_ token: ModelToken, _ party: ModelParty) {
        party.token = token
        for (room, _) in party.rooms where !token.granted.contains(room) { leave(party, room) }
    }

    // MARK: Ends

    mutating func end(_ party: ModelParty, reason: String) {
        guard !party.hasEnded else { return }
        let rooms = party.rooms
        party.state = .ended
        for (room, _) in rooms { remove(party, room, reason: reason) }
    }

    /// A session's socket is gone.
    mutating func detach(_ party: ModelParty, now: Int64, loop: Int) {
        if party.doom == nil, party.log.count - party.sent > keptMax, !party.rooms.isEmpty {
            party.doom = .overfull
        }
        if let doom = party.doom {
            end(party, reason: doom == .replaced ? "replaced" : "lost")
        } else if party.rooms.isEmpty {
            end(party, reason: "lost")
        } else {
            party.state = .away(until: now + graceSeconds, loop: loop)
            departed += 1
            party.awayOrder = departed
        }
    }

    /// Sessions are there again, their clients away, in the order of going.
    func putBack(_ parties: [ModelParty], now: Int64) {
        for party in parties where party.isAway {
            // The loop that looks first keeps them.
            party.state = .away(until: now + graceSeconds, loop: -1)
            party.isUnclaimed = true
        }
    }

    /// Ends several at one moment, in an order that nobody promised.
    ///
    /// - Parameters:
    ///   - parties: Each with why it leaves its rooms.
    ///   - isEnded: Tells of a session that the first of them may have doomed.
    mutating func endTogether(
        _ parties: [(ModelParty, reason: String)], isEnded: (ModelParty) -> Bool
    ) {
        guard !parties.isEmpty else { return }
        groups += 1
        group = groups
        var affected: [ModelParty] = []
        for (party, reason) in parties {
            affected += party.rooms.flatMap { others(party, $0.room) }
            end(party, reason: reason)
        }
        while let doomed = affected.first(where: {
            $0.doom == .overfull && $0.isAway && isEnded($0)
        }) {
            affected += doomed.rooms.flatMap { others(doomed, $0.room) }
            end(doomed, reason: "lost")
        }
        let words = Set(affected.flatMap(\.log).filter { $0.group == groups }.map(\.event))
        for party in affected where party.hasEnded { party.lastWords.formUnion(words) }
        group = nil
    }
}
