package import Identifiers

/// What a v1 client says besides what a classic one does (docs/protocol.md §3).
package enum V1Message: Equatable, Sendable {
    case joinRoom(JoinRoom)
    case sendPayload(SendPayload)
    /// `{"action":"leave-room","roomId":R}`
    case leaveRoom(room: RoomName)
    case broadcast(Broadcast)
    /// `{"action":"refresh-token","token":T}`; any text but the empty one.
    case refreshToken(String)
    case resume(Resume)
    case ping
}

/// `{"action":"broadcast","roomId":R,"payload":{"type":T,…}}`
package struct Broadcast: Equatable, Sendable {
    /// 1 to 256 bytes of UTF-8.
    package let room: RoomName
    package let payload: PayloadLayout
}

/// `{"action":"resume","session":S,"seq":N}`
package struct Resume: Equatable, Sendable {
    /// Nil for what can be no secret of ours.
    package let secret: SessionSecret?
    /// The number of the last event that the client has dealt with; 0 for none.
    package let seq: UInt64
}

/// One message of a v1 client: what it says, and what its answer must bear.
package struct V1Envelope: Equatable, Sendable {
    /// The message's `action` with its quotes, where it is a string of at most 64 bytes.
    package let action: Range<Int>?
    /// The value of `ack`; nil without one, and for one that may not be.
    package let ack: Range<Int>?
    package let content: Result<V1Message, SignalError>
    /// What makes it a `bad_request`, where that is so.
    package let complaint: MessageComplaint?

    init(action: Range<Int>?, ack: Range<Int>?, message: V1Message) {
        self.action = action
        self.ack = ack
        content = .success(message)
        // A `resume` that is acted on is the first message of its connection.
        if case .resume = message { complaint = .resumeTooLate } else { complaint = nil }
    }

    init(action: Range<Int>?, ack: Range<Int>?, refusal: MessageRefusal) {
        self.action = action
        self.ack = ack
        content = .failure(refusal.error)
        complaint = refusal.complaint
    }
}
