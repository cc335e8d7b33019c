import Cluster
import Rooms
import Signalling
import TestSupport

/// What a relay makes of what its node says.
extension ModelNet {
    mutating func relay(_ effect: ClusterNode.Effect, at host: Int) {
        switch effect {
        case .room(let place, let room, let elsewhere):
            hosts[host].views[place.digest] =
                room.members.isEmpty ? nil : .init(room: room, elsewhere: elsewhere)
        case .tell(let connection, _, let news, let sdp):
            tell(connection, news, sdp, at: host)
        case .admitted(let connection, _):
            marks.insert(.admitted)
            admitted.insert(connection)
            hosts[host].clients[connection]?.isAdmitted = true
            checkAdmission(of: connection, at: host)
        case .refused(let connection, _, let error): refuse(connection, error, at: host)
        case .left: break
        case .ended(let connection, _, let reason):
            if reason == .replaced { marks.insert(.replaced) }
            if reason != .replaced, !isGone(hosts[host].node.incarnation) {
                faults.append("\(connection.raw) was taken out of a living node's members")
            }
            dismiss(host, connection)
            hosts[host].following.append(.sessionEnded(connection, reason))
        case .deliver(let payload): deliver(payload, at: host)
        case .answered(let ticket, let isKept): answered(ticket, isKept, at: host)
        case .kick(let connection):
            let wasHere = hosts[host].clients[connection] != nil
            if wasHere { leave(host, connection, .kicked) }
            hosts[host].events.append((later(), .kicked(connection, wasHere: wasHere)))
        case .kickAnswered(let ticket, let outcome):
            if kicks[ticket]?.isAnswered != false { faults.append("a kick was answered twice") }
            kicks[ticket]?.isAnswered = true
            if case .closed = outcome { marks.insert(.kicked) }
        case .listHere(let number, let cursor, _, let other):
            listHere(number, cursor, for: other, at: host)
        case .listedPage(let ticket, let node, let rooms): listed(ticket, node, rooms)
        case .listDone(let ticket, let silent, _): listDone(ticket, silent)
        case .hasRoom: break
        case .standing(let standing): stand(standing, at: host)
        default: move(effect, at: host)
        }
    }

    private mutating func stand(_ standing: NodeStanding, at host: Int) {
        switch standing {
        case .joining: break
        case .member:
            checkNames()
            checkFormats(host)
            becameMember(host)
        case .cutOff: marks.insert(.cutOff)
        case .lost:
            marks.insert(.lost)
            for id in hosts[host].clients.keys.sorted() { leave(host, id, .lost) }
        case .condemned:
            marks.insert(.condemned)
            let incarnation = hosts[host].node.incarnation
            if unlisted.contains(incarnation), fallen[incarnation] == nil {
                marks.insert(.unlisted)
            }
            // It may have been for so long that nobody would know.
            let silence = Int64(now - hosts[host].reachedAt) * Self.stepMilliseconds
            if !isGone(incarnation), silence < Timing.model.keysKeptFor * 38 / 100 {
                faults.append("\(incarnation.raw) ends, and is not dead")
            }
            for id in hosts[host].clients.keys { dismiss(host, id) }
            forgetResumes(host)
            hosts[host].views = [:]
            hosts[host].events.append((later(), .reborn))
        case .left: end(host)
        case .refused(let why):
            switch why {
            case .nameTaken: marks.insert(.nameTaken)
            case .differs: marks.insert(.differs)
            case .formatTooNew:
                marks.insert(.tooOld)
                if store.format <= hosts[host].reads { faults.append("no format is too new") }
                // Whoever sees to it begins the right version.
                hosts[host].nextReads = 2
            }
            end(host)
        }
    }

    private mutating func end(_ host: Int) {
        if !hosts[host].clients.isEmpty { faults.append("a node ends that has members") }
        forgetResumes(host)
        hosts[host].isRunning = false
        hosts[host].hasEnded = true
        // One of the first three is begun anew, if nobody has its place.
        let name = hosts[host].name
        let isReplaced = hosts.contains { $0.isRunning && $0.name == name }
        if host < 3, !isReplaced { hosts[host].restartAt = now + 20 }
    }

    private mutating func tell(
        _ connection: ConnectionID, _ news: RoomNews, _ sdp: [UInt8]?, at host: Int
    ) {
        if transit[connection] != nil { faults.append("\(connection.raw) is told, and not here") }
        switch news {
        case .firstToJoin: marks.insert(.first)
        case .state(_, let others): if !others.isEmpty { marks.insert(.present) }
        case .joined(let other):
            marks.insert(.joined)
            // Of those who came while it was on its way.
            let isNew = hosts[host].clients[connection]?.moves == 0
            if isNew { checkSDP(sdp, of: other.connection, at: host) }
        case .left(let other, let reason):
            marks.insert(.left)
            // One that was refused may have been written all the same.
            if isOrderly, isUnharmed, reason == .lost, admitted.contains(other.connection) {
                faults.append("somebody was lost in good order")
            }
        }
        hosts[host].clients[connection]?.hear(news)
    }

    private mutating func checkSDP(_ sdp: [UInt8]?, of joiner: ConnectionID, at host: Int) {
        let hasSome = joiner.raw % 2 == 0
        if let sdp {
            if sdp != Array("\(joiner.raw)".utf8) || !hasSome { faults.append("a false sdp") }
            if hosts[host].clients[joiner] == nil { marks.insert(.sdpTold) }
        } else if hasSome {
            if hosts[host].clients[joiner] != nil { faults.append("an sdp was lost at home") }
            // Its home is dead, or was silent for too long.
            marks.insert(.sdpUntold)
            let isThere = hosts.indices.contains { hosts[$0].clients[joiner] != nil }
            if isSmooth, isThere { faults.append("the sdp of \(joiner.raw) was lost") }
        }
    }

    /// A refusal must be right, or have been shortly before the join was asked for.
    private mutating func refuse(_ connection: ConnectionID, _ error: SignalError, at host: Int) {
        guard let client = hosts[host].clients[connection] else { return }
        dismiss(host, connection)
        hosts[host].following.append(.sessionEnded(connection, .closed))
        if error == .temporarilyUnavailable {
            marks.insert(.turnedAway)
            let isMember = hosts[host].node.standing == .member
            let waited = Int64(now - client.since) * Self.stepMilliseconds
            if waited >= Timing.model.joinWait - 2 * Self.stepMilliseconds {
                marks.insert(.givenUp)
            } else if isMember, !hosts[host].isLeaving {
                faults.append("a member turns away")
            }
            return
        }
        marks.insert(.refused)
        let key = StoreKey.room(client.place.digest)
        let versions = (store.buried + [store.keys]).flatMap { $0[key] ?? [] }
        let isRight = versions.contains { version in
            guard var room = version.document?.room,
                (version.end ?? .max) > client.since - ModelStore.staleness
            else { return false }
            do throws(SignalError) {
                _ = try room.join(client.member, membersMax: Self.membersMax)
                return false
            } catch let other {
                return other == error
            }
        }
        if !isRight { faults.append("\(connection.raw) was refused for nothing: \(error)") }
    }

    /// Whoever was there when it joined has been told of it.
    private mutating func checkAdmission(of connection: ConnectionID, at host: Int) {
        guard let room = hosts[host].clients[connection]?.place.digest else { return }
        // Not of one that was given back to a new bucket, whose revisions say nothing of its join.
        let first = store.keys[.room(room)]?.first { version in
            version.document?.changes.contains {
                $0.connection == connection && $0.reason == nil
            } ?? false
        }
        guard let first, let document = first.document else { return }
        for other in hosts where other.isRunning && !isGone(other.node.incarnation) {
            let isThere = other.clients.keys.contains {
                document.home(of: $0) == other.node.incarnation
            }
            if isThere, other.node.epoch == store.epoch, let known = other.node.revision(of: room),
                known < first.revision
            {
                faults.append("\(connection.raw) admitted before \(other.name) knew of it")
            }
        }
    }

    // MARK: Payloads

    private mutating func deliver(_ incoming: IncomingPayload, at host: Int) {
        guard let number = UInt64(String(decoding: incoming.event, as: UTF8.self)),
            let payload = payloads[number], payload.sender == incoming.sender,
            payload.place == incoming.room
        else {
            faults.append("a payload that nobody sent")
            return
        }
        let members = hosts[host].views[incoming.room.digest]?.room.members.map(\.connection) ?? []
        let targets = incoming.targets.filter { target in
            hosts[host].clients[target] != nil && members.contains(target)
        }
        for target in targets {
            if payload.targets[target] == nil { faults.append("\(number) was not for them") }
            hosts[host].clients[target]?.hear(payload: number, from: incoming.sender)
            payloads[number]?.delivered.insert(target)
            marks.insert(payload.target == nil ? .broadcast : .delivered)
        }
        hosts[host].following.append(
            .delivered(incoming.receipt, isTaken: !targets.isEmpty))
    }

    private mutating func answered(_ number: UInt64, _ isKept: Bool, at host: Int) {
        guard let payload = payloads[number], payload.isKept == nil,
            payload.senderHome == hosts[host].node.incarnation
        else {
            faults.append("\(number) was answered twice, or elsewhere")
            return
        }
        payloads[number]?.isKept = isKept
        marks.insert(isKept ? .kept : .unknownTarget)
        if isKept, payload.target != nil, payload.delivered.isEmpty {
            faults.append("\(number) was kept by nobody")
        }
        // One that was taken out may be, before its own node hears so.
        let isHeard = hosts[host].clients[payload.sender] != nil && !isOut(payload)
        if let target = payload.target, !isKept, store.buried.isEmpty, isHeard,
            isThere(target) || isUnharmed && isOnItsWay(target)
        {
            // With its bucket a join may go of which only others knew; then it joins once more.
            faults.append("\(number) is for nobody, and \(target.raw) was there all the time")
        }
        let gone = hosts[host].node.gone
        guard let target = payload.target, !isKept, let home = payload.targets[target],
            let client = hosts[host].clients[payload.sender],
            lost.contains(target) || gone.contains(home) && !isThere(target)
        else { return }
        // It went on to a living node before, and left there just now.
        if !lost.contains(target), let end = ends[target], end != home, !gone.contains(end) {
            return
        }
        // Whoever hears that it is for nobody has heard before that its node is gone.
        marks.insert(.deadTarget)
        if client.member.isV1, client.others[target] != nil {
            faults.append("\(number) is for nobody, and \(target.raw) is there")
        }
    }
}
