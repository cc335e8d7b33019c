internal import Bytes
internal import StrictJSON

// The events of the v1 dialect (PROTOCOL §3). Each has an empty body; `EventHistory.append` closes
// those that bear a number, and `tail` the two that don't.
extension EventComposer {
    /// What `welcome` tells of the service; in each limit 0 means none.
    package struct Welcome: Equatable, Sendable {
        package let messageBytesMax: Int
        package let roomsMax: Int
        package let pingIntervalSeconds: Int

        package init(messageBytesMax: Int, roomsMax: Int, pingIntervalSeconds: Int) {
            self.messageBytesMax = messageBytesMax
            self.roomsMax = roomsMax
            self.pingIntervalSeconds = pingIntervalSeconds
        }
    }

    /// `welcome`, the first event of every connection; it bears no number.
    ///
    /// - Parameters:
    ///   - connection: The receiver's own.
    ///   - secret: For a resume of its session.
    ///   - expiresAt: When its token ends, in seconds since the epoch.
    ///   - now: The server's time, in seconds since the epoch.
    ///   - iceServers: A JSON array of RTCIceServer.
    ///   - iceServersExpireAt: When credentials among them end, in seconds since the epoch; nil
    ///     where none do.
    ///   - welcome: The rest.
    package mutating func welcome(
        _ connection: ConnectionID, _ secret: SessionSecret, expiresAt: Int64, now: Int64,
        iceServers: String, iceServersExpireAt: Int64? = nil, _ welcome: Welcome
    ) {
        begin(#"{"type":"welcome","data":{"connectionId":""#)
        connection.append(to: &head)
        append(#"","session":""#, secret.text)
        append(#"","expiresAt":"#, String(expiresAt))
        append(#","iceServers":"#, iceServers)
        if let iceServersExpireAt {
            append(#","iceServersExpireAt":"#, String(iceServersExpireAt))
        }
        append(#","limits":{"maxMessageBytes":"#, String(welcome.messageBytesMax))
        append(#","maxRooms":"#, String(welcome.roomsMax))
        append(#","pingIntervalSeconds":"#, String(welcome.pingIntervalSeconds))
        append(#"},"serverTime":"#, String(now))
    }

    /// `resumed`; it bears no number, for the replay of all up to event `seq` follows it.
    package mutating func resumed(
        _ connection: ConnectionID, _ secret: SessionSecret, seq: UInt64
    ) {
        begin(#"{"type":"resumed","data":{"connectionId":""#)
        connection.append(to: &head)
        append(#"","session":""#, secret.text)
        append(#"","seq":"#, String(seq))
    }

    /// What `room_state` tells of one other member.
    package struct PresentMember: Equatable, Sendable {
        package let connection: ConnectionID
        package let peerID: PeerID
        /// What people see; null on the wire when nil.
        package let name: String?
        /// Whether the receiver is the polite side of perfect negotiation towards this one.
        package let isReceiverPolite: Bool

        package init(
            connection: ConnectionID, peerID: PeerID, name: String?, isReceiverPolite: Bool
        ) {
            self.connection = connection
            self.peerID = peerID
            self.name = name
            self.isReceiverPolite = isReceiverPolite
        }
    }

    /// `room_state`: who is in the room beside the receiver, in this order. The outer `polite` says
    /// whether it is that towards all of them.
    package mutating func roomState(room: String, _ members: [PresentMember]) {
        begin(#"{"type":"room_state","data":{"roomId":"#)
        JSONText.appendQuoted(room, to: &head)
        append(#","polite":"#, members.allSatisfy(\.isReceiverPolite) ? "true" : "false")
        append(#","members":["#)
        var isFirst = true
        for member in members {
            if !isFirst { head.append(UInt8(ascii: ",")) }
            isFirst = false
            append(#"{"connectionId":""#)
            member.connection.append(to: &head)
            append(#"","peerId":"#)
            head.append(contentsOf: member.peerID.quoted)
            append(#","name":"#)
            append(quoted: member.name)
            append(#","polite":"#, member.isReceiverPolite ? "true}" : "false}")
        }
        head.append(UInt8(ascii: "]"))
    }

    /// `someone_left`, for those who are still in the room.
    package mutating func someoneLeft(
        room: String, _ connection: ConnectionID, _ peerID: PeerID, _ reason: LeaveReason
    ) {
        begin(#"{"type":"someone_left","data":{"roomId":"#)
        JSONText.appendQuoted(room, to: &head)
        append(#","connectionId":""#)
        connection.append(to: &head)
        append(#"","peerId":"#)
        head.append(contentsOf: peerID.quoted)
        append(#","reason":""#, reason.rawValue)
        head.append(UInt8(ascii: "\""))
    }

    /// `ack`, with the value of the message's `ack` as it was sent.
    package mutating func ack(_ ack: Range<Int>, of message: Span<UInt8>) {
        begin(#"{"type":"ack","data":{"ack":"#)
        append(message, ack)
    }

    package mutating func pong() { begin(#"{"type":"pong","data":{"#) }

    /// `error`, with the message's `action` and `ack` as they were sent, or null. A `bad_request`
    /// tells the `complaint`, where there is one.
    package mutating func error(
        _ error: SignalError, _ complaint: MessageComplaint? = nil, action: Range<Int>?,
        ack: Range<Int>?, of message: Span<UInt8>
    ) {
        let told = error == .badRequest ? complaint : nil
        begin(#"{"type":"error","data":{"code":""#)
        append(error.code, #"","message":""#)
        append((told?.message ?? error.message).description, #"","action":"#)
        append(action, of: message)
        append(#","ack":"#)
        append(ack, of: message)
    }

    /// - Parameter expiresAt: Seconds since the epoch.
    package mutating func tokenExpiring(expiresAt: Int64) {
        begin(#"{"type":"token_expiring","data":{"expiresAt":"#)
        append(String(expiresAt))
    }

    package mutating func draining(withinSeconds seconds: Int) {
        begin(#"{"type":"draining","data":{"reconnectWithinSeconds":"#)
        append(String(seconds))
    }

    /// A payload for every other member of a room: as `delivered`, but whole, so that it outlives
    /// the message. Its body is empty.
    package mutating func delivered(
        whole payload: PayloadLayout, of message: Span<UInt8>, from sender: ConnectionID
    ) {
        delivered(
            type: payload.type, leading: payload.leading, members: payload.members, of: message,
            from: sender)
        append(message, payload.members)
    }

    private mutating func append(_ one: String, _ other: String = "") {
        head.append(contentsOf: one.utf8)
        head.append(contentsOf: other.utf8)
    }

    private mutating func append(_ range: Range<Int>?, of message: Span<UInt8>) {
        if let range { append(message, range) } else { append("null") }
    }
}
