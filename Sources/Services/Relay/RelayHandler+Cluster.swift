internal import Admission
internal import Cluster
internal import Identifiers
internal import Locking
internal import Rooms
internal import Sessions
internal import Signalling
internal import WebSocket

// What a loop asks of the other nodes of a cluster, through the thread of the bus, and does when
// that answers. A socket is held while its connection waits to be let in, to have left, or for room
// in a line; only its own loop holds and releases it, so that one wait's end can't end another.
extension RelayHandler {
    // MARK: Rooms

    /// Asks for a v1 session to be let in; it is a member once that is answered.
    mutating func ask(
        _ member: RoomMember, _ join: JoinRoom, _ key: RoomKey, _ envelope: V1Envelope,
        _ text: Span<UInt8>, _ session: V1Session, _ conversation: inout Conversation,
        _ line: BusLine, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) -> Outcome {
        guard conversation.index(of: key) == nil else { return .done }
        try admit(key, roomsJoined: conversation.rooms.count, line)
        let place = commons.place(of: key, session.clientID)
        conversation.outstanding.change = RoomChange(
            isJoin: true, [place], AskedMessage(envelope, text))
        hold(session, &loop)
        line.tell(.join(member, place, sdp: join.sdp(in: text)))
        return .asked
    }

    /// Has a session leave rooms; `message` is acknowledged when all are left.
    func ask(
        toLeave rooms: [Conversation.JoinedRoom], _ message: AskedMessage?, _ session: V1Session,
        _ conversation: inout Conversation, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard !rooms.isEmpty, let line = commons.line else { return }
        let places = rooms.compactMap(\.place)
        conversation.outstanding.change = RoomChange(isJoin: false, places, message)
        hold(session, &loop)
        for room in rooms {
            guard let place = room.place else { continue }
            ask(toLeave: place, session.connection, room.membership, .left, line)
        }
    }

    private func hold(_ session: V1Session, _ loop: inout some SocketOutput & ~Copyable) {
        if let socket = session.socket { loop.hold(socket) }
    }

    /// The same as the first for a classic connection, which hears nothing of it.
    mutating func ask(
        _ member: RoomMember, _ join: JoinRoom, _ key: RoomKey, _ text: Span<UInt8>, _ slot: Int,
        _ line: BusLine, _ loop: inout some SocketOutput & ~Copyable
    ) throws(SignalError) {
        guard let clientID = connections[slot].admission?.clientID else { return }
        let place = commons.place(of: key, clientID)
        guard !connections[slot].places.contains(place) else { return }
        try admit(key, roomsJoined: connections[slot].places.count, line)
        connections[slot].joining = place
        loop.hold(connections[slot].socket)
        line.tell(.join(member, place, sdp: join.sdp(in: text)))
    }

    private func admit(
        _ key: RoomKey, roomsJoined: Int, _ line: BusLine
    ) throws(SignalError) {
        let roomsMax = commons.configuration.roomsPerConnectionMax
        guard roomsMax == 0 || roomsJoined < roomsMax else { throw .tooManyRooms }
        guard line.admitsJoins else { throw .temporarilyUnavailable }
    }

    /// Has a connection leave; it is deaf in that room from now on, and others hear of it later.
    func ask(
        toLeave place: RoomPlace, _ connection: ConnectionID, _ membership: Membership,
        _ reason: LeaveReason, _ line: BusLine
    ) {
        commons.rooms.noteLeaving(connection, membership)
        line.tell(.leave(connection, place, reason))
    }

    /// A session has ended: what it waited for concerns nobody any more, but a join that is asked
    /// for may still come about.
    func abandonOutstanding(
        of session: V1Session, _ conversation: inout Conversation, _ reason: LeaveReason
    ) {
        guard let line = commons.line else { return }
        let outstanding = conversation.outstanding
        conversation.outstanding = Outstanding()
        if let change = outstanding.change, change.isJoin {
            for place in change.rooms { line.tell(.leave(session.connection, place, reason)) }
        }
        switch outstanding.stage {
        case .home, .arriving: break
        case .settling, .lifted, .settled: line.tell(.ended(session.connection, reason))
        }
        if let resume = outstanding.resume { line.tell(.takeUp(resume)) }
    }

    // MARK: Payloads

    /// Passes what a connection says on to members at other nodes.
    func send(
        _ event: borrowing Event, of text: Span<UInt8>, to target: OutgoingPayload.Target,
        in place: RoomPlace, from sender: ConnectionID, _ socket: SocketID, ticket: UInt64?
    ) {
        commons.line?.send(
            OutgoingPayload(
                room: place, sender: sender, target: target, event: event.bytes(of: text),
                ticket: ticket), from: socket)
    }

    /// The same for a v1 session. Where it wants to be told, it is when the others have answered.
    func send(
        _ event: borrowing Event, of text: Span<UInt8>, to target: OutgoingPayload.Target,
        in place: RoomPlace, from session: V1Session, _ envelope: V1Envelope,
        _ conversation: inout Conversation
    ) -> Outcome {
        guard let socket = session.socket else { return .done }
        var ticket: UInt64?
        if envelope.ack != nil, let line = commons.line {
            let number = line.makeTicket()
            ticket = number
            conversation.outstanding.payloads[number] = AskedMessage(envelope, text)
        }
        send(
            event, of: text, to: target, in: place, from: session.connection, socket,
            ticket: ticket)
        return ticket == nil ? .done : .asked
    }

    /// Has a connection wait where it says more than the bus takes.
    mutating func waitIfBehind(_ slot: Int, _ loop: inout some SocketOutput & ~Copyable) {
        guard let line = commons.line, line.isTight,
            let clientID = connections[slot].admission?.clientID,
            line.isBehind(RoomPlace.share(of: clientID))
        else { return }
        let socket = connections[slot].socket
        connections[slot].isWaitingForRoom = true
        loop.hold(socket)
        line.tell(.catchUp(socket, connections[slot].connection))
    }

    // MARK: Answers

    mutating func told(
        _ answer: ClusterAnswer, _ loop: inout some SocketOutput & ~Copyable
    ) {
        if case .closeAll(let code, let endsSessions) = answer.kind {
            return closeAll(code, endsSessions ? .ended(.lost) : .kept, &loop)
        }
        guard let slot = slot(of: answer.socket), !connections[slot].isEnding else { return }
        switch answer.kind {
        case .admitted(let place, let membership):
            connections[slot].joining = nil
            connections[slot].places.append(place)
            connections[slot].memberships.append(membership)
            figures.note(.joinRoom)
        case .refused:
            connections[slot].joining = nil
            connections[slot].refusedMessages &+= 1
        case .expelled(let reason):
            return end(
                slot, .restarting, reason: "taken out by another node", .ended(reason), &loop)
        case .full:
            connections[slot].isWaitingForRoom = true
            loop.hold(answer.socket)
        case .hasRoom: connections[slot].isWaitingForRoom = false
        case .resume(let waiting): resume(again: waiting, mayAsk: true, slot, &loop)
        case .unresumable(let waiting): resume(again: waiting, mayAsk: false, slot, &loop)
        case .letGo(let isDraining): return letGo(slot, isDraining: isDraining, &loop)
        case .goOn, .closeAll: break
        }
        goOn(slot, &loop)
    }

    /// A session goes to another node, and its client to any.
    private mutating func letGo(
        _ slot: Int, isDraining: Bool, _ loop: inout some SocketOutput & ~Copyable
    ) {
        guard isDraining else {
            return end(
                slot, .replaced, reason: "the session was resumed elsewhere", .kept, &loop)
        }
        // Whoever waits to go on with a session is told nothing that could be that one's.
        if let session = connections[slot].session, !connections[slot].isResuming {
            tell(composer.draining(withinSeconds: Self.drainSeconds), to: session, &loop)
            pump(slot, session, &loop)
        }
        end(slot, .restarting, reason: "this node is about to end", .kept, &loop)
    }

    /// Over how long clients spread their return, where other nodes have their sessions.
    private static var drainSeconds: Int { 2 }

    /// Hands on what a connection has said, unless it still waits for something.
    private func goOn(_ slot: Int, _ loop: inout some SocketOutput & ~Copyable) {
        let connection = connections[slot]
        guard !connection.isEnding, !connection.isWaitingForRoom, !connection.isResuming,
            connection.joining == nil
        else { return }
        let isWaiting = connection.session?.conversation.withLock {
            $0.outstanding.change != nil
        }
        if isWaiting != true { loop.release(connection.socket) }
    }

    private mutating func resume(
        again waiting: WaitingResume, mayAsk: Bool, _ slot: Int,
        _ loop: inout some SocketOutput & ~Copyable
    ) {
        connections[slot].isResuming = false
        connections[slot].asked = nil
        guard let session = connections[slot].session else { return }
        resume(waiting.resume, waiting.message, slot, session, mayAsk: mayAsk, &loop)
    }

    private mutating func closeAll(
        _ code: CloseCode, _ fate: Fate, _ loop: inout some SocketOutput & ~Copyable
    ) {
        for slot in connections.indices where connections[slot].admission != nil {
            end(slot, code, reason: "this node has lost the others", fate, &loop)
        }
    }
}

extension JoinRoom {
    fileprivate func sdp(in text: Span<UInt8>) -> [UInt8]? {
        sdp.map { range in
            [UInt8](capacity: range.count) { part in
                for index in range { part.append(text[index]) }
            }
        }
    }
}
