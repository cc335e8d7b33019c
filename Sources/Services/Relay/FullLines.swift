internal import Cluster
internal import Signalling
internal import WebSocket

/// Who says more than a line to another node takes: what such a connection asks for waits here, in
/// its order, until there is room; and so does its socket.
struct FullLines {
    private struct Sender {
        var socket: SocketID
        let over: Incarnation
        var notes: [ClusterNote]
    }

    private var senders: [ConnectionID: Sender] = [:]
    /// By the line, in the order of coming.
    private var queues: [Incarnation: [ConnectionID]] = [:]
    var heldCount: Int { senders.count }
    /// How many payloads wait.
    private(set) var payloads = 0

    func isHeld(_ connection: ConnectionID) -> Bool { senders[connection] != nil }

    /// Has what a connection asks for wait behind what already does.
    mutating func hold(_ note: ClusterNote, of connection: ConnectionID) -> Bool {
        guard !senders.isEmpty, senders[connection] != nil else { return false }
        senders[connection]?.notes.append(note)
        if note.isPayload { payloads += 1 }
        return true
    }

    /// Whether something that waits is for this connection.
    func holdsPayload(for connection: ConnectionID) -> Bool {
        guard payloads > 0 else { return false }
        return senders.values.contains { $0.notes.contains { $0.isPayload(for: connection) } }
    }

    /// A connection that waits speaks over another socket than before.
    mutating func moves(_ connection: ConnectionID, to socket: SocketID) -> Bool {
        guard let sender = senders[connection], sender.socket != socket else { return false }
        senders[connection]?.socket = socket
        return true
    }

    /// A payload has found no room.
    mutating func refuse(
        _ payload: OutgoingPayload, from socket: SocketID, over other: Incarnation
    ) {
        let first = ClusterNote.send(payload, from: socket)
        senders[payload.sender] = Sender(socket: socket, over: other, notes: [first])
        payloads += 1
        queues[other, default: []].append(payload.sender)
    }

    /// Whoever waits for this line, which has room.
    mutating func senders(
        over other: Incarnation
    ) -> [(connection: ConnectionID, socket: SocketID)] {
        (queues.removeValue(forKey: other) ?? []).compactMap { connection in
            senders[connection].map { (connection, $0.socket) }
        }
    }

    /// What waited of a connection, which is to be told again.
    mutating func release(_ connection: ConnectionID) -> [ClusterNote] {
        let notes = senders.removeValue(forKey: connection)?.notes ?? []
        payloads -= notes.count { $0.isPayload }
        return notes
    }

    mutating func removeAll() { self = FullLines() }
}

extension ClusterNote {
    var isPayload: Bool { if case .send = self { true } else { false } }

    fileprivate func isPayload(for connection: ConnectionID) -> Bool {
        guard case .send(let payload, _) = self else { return false }
        return switch payload.target {
        case .member(let member, _): member == connection
        case .members(let members): members.contains(connection)
        }
    }
}
