internal import Cluster
internal import Sessions
internal import Signalling
internal import WebSocket

/// What a session has asked of a cluster and was not answered. Until it is, nobody resumes it, or
/// the client would say again what has arrived.
struct Outstanding: Sendable {
    /// By ticket: those whose sender waits for an `ack`. The others of them go on meanwhile.
    var payloads: [UInt64: AskedMessage] = [:]
    /// While there is one, the session's socket is held.
    var change: RoomChange?
    /// Who resumes the session when all is answered; from then on nobody else is heard.
    var resume: WaitingResume?
    var stage = Stage.home

    /// How far a session has come on its way from one node to another.
    enum Stage: Sendable {
        /// It is on none.
        case home
        /// Another node wants it: its socket is to let go of it.
        case settling
        /// That has, and all that was said over it has been told to the bus.
        case lifted
        /// Nothing of it is unanswered any more: it may go.
        case settled
        /// It has come from another node, and its rooms don't all have it here yet.
        case arriving
    }

    var isAnswered: Bool { payloads.isEmpty && change == nil }
    var isEmpty: Bool { isAnswered && stage == .home }

    func isJoining(_ place: RoomPlace) -> Bool {
        change.map { $0.isJoin && $0.rooms == [place] } ?? false
    }
}

/// Rooms that a session is about to join or leave.
final class RoomChange: Sendable {
    let isJoin: Bool
    let rooms: [RoomPlace]
    /// What is acknowledged when it has come about; nil where nothing is.
    let message: AskedMessage?

    init(isJoin: Bool, _ rooms: [RoomPlace], _ message: AskedMessage?) {
        self.isJoin = isJoin
        self.rooms = rooms
        self.message = message
    }

    /// What is left of it without this room; nil where nothing is.
    func without(_ place: RoomPlace) -> RoomChange? {
        let rest = rooms.filter { $0 != place }
        return rest.isEmpty ? nil : RoomChange(isJoin: isJoin, rest, message)
    }
}

/// The message by which a connection wants to go on with a session.
///
/// Not as it was written: that may be long.
package final class WaitingResume: Sendable, Equatable {
    let socket: SocketID
    let resume: Resume
    let message: AskedMessage

    init(_ socket: SocketID, _ resume: Resume, _ message: AskedMessage) {
        self.socket = socket
        self.resume = resume
        self.message = message
    }

    package static func == (one: WaitingResume, other: WaitingResume) -> Bool { one === other }
}

/// What a client wants to go on with that is not at this node, and waits for.
package final class AskedResume: Sendable {
    let connection: ConnectionID
    let claim: SessionClaim
    let home: Incarnation
    let resume: WaitingResume

    init(
        _ connection: ConnectionID, _ claim: SessionClaim, home: Incarnation,
        _ resume: WaitingResume
    ) {
        self.connection = connection
        self.claim = claim
        self.home = home
        self.resume = resume
    }
}

/// What is needed of a message to answer it later.
struct AskedMessage: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var action: Range<Int>?
    private(set) var ack: Range<Int>?

    init(_ envelope: V1Envelope, _ text: Span<UInt8>) {
        action = envelope.action.map { append($0, of: text) }
        ack = envelope.ack.map { append($0, of: text) }
    }

    private mutating func append(_ range: Range<Int>, of text: Span<UInt8>) -> Range<Int> {
        let start = bytes.count
        bytes.append(addingCapacity: range.count) { part in
            for index in range { part.append(text[index]) }
        }
        return start..<bytes.count
    }
}
