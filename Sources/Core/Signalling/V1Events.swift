package import Identifiers

// The events of the v1 dialect (docs/protocol.md §3). Each has an empty body;
// `EventHistory.append` closes those that bear a number, and `tail` the two that don't.
extension EventComposer {
    /// What `welcome` tells of the service; in each limit 0 means none.
    package struct Welcome: Equatable, Sendable {
        package let messageBytesMax: Int
        package let roomsMax: Int
        package let pingIntervalSeconds: Int
        /// How many messages may wait for their `ack`; not told where nil.
        package let messagesInFlight: Int?

        package init(
            messageBytesMax: Int, roomsMax: Int, pingIntervalSeconds: Int,
            messagesInFlight: Int? = nil
        ) {
            self.messagesInFlight = messagesInFlight
            self.messageBytesMax = messageBytesMax
            self.roomsMax = roomsMax
            self.pingIntervalSeconds = pingIntervalSeconds
        }
    }

    /// `welcome`, the first event of every connection; it bears no number.
    ///
    /// Times are in seconds since the epoch: `expiresAt` when the receiver's token ends, `now` the
    /// server's, `iceServersExpireAt` when credentials among the `iceServers`, a JSON array of
    /// RTCIceServer, end. The secret is for a resume of its session.
    package mutating func welcome(
        _ connection: ConnectionID, _ secret: SessionSecret, expiresAt: Int64, now: Int64,
        iceServers: String, iceServersExpireAt: Int64? = nil, _ welcome: Welcome
    ) -> Event {
        var event = begin(#"{"type":"welcome","data":{"connectionId":""#)
        event.append(connection)
        event.append(#"","session":""#, secret.text)
        event.append(#"","expiresAt":"#, String(expiresAt))
        event.append(#","iceServers":"#, iceServers)
        if let iceServersExpireAt {
            event.append(#","iceServersExpireAt":"#, String(iceServersExpireAt))
        }
        event.append(#","limits":{"maxMessageBytes":"#, String(welcome.messageBytesMax))
        event.append(#","maxRooms":"#, String(welcome.roomsMax))
        event.append(#","pingIntervalSeconds":"#, String(welcome.pingIntervalSeconds))
        if let messagesInFlight = welcome.messagesInFlight {
            event.append(#","messagesInFlight":"#, String(messagesInFlight))
        }
        event.append(#"},"serverTime":"#, String(now))
        return event
    }

    /// `resumed`; it bears no number, for the replay of all up to event `seq` follows it.
    package mutating func resumed(
        _ connection: ConnectionID, _ secret: SessionSecret, seq: UInt64
    ) -> Event {
        var event = begin(#"{"type":"resumed","data":{"connectionId":""#)
        event.append(connection)
        event.append(#"","session":""#, secret.text)
        event.append(#"","seq":"#, String(seq))
        return event
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
    package mutating func roomState(room: RoomName, _ members: [PresentMember]) -> Event {
        var event = begin(#"{"type":"room_state","data":{"roomId":"#)
        event.append(quoted: room.string)
        event.append(#","polite":"#, members.allSatisfy(\.isReceiverPolite) ? "true" : "false")
        event.append(#","members":["#)
        var isFirst = true
        for member in members {
            if !isFirst { event.append(",") }
            isFirst = false
            event.append(#"{"connectionId":""#)
            event.append(member.connection)
            event.append(#"","peerId":"#)
            event.append(member.peerID)
            event.append(#","name":"#)
            event.append(quoted: member.name)
            event.append(#","polite":"#, member.isReceiverPolite ? "true}" : "false}")
        }
        event.append("]")
        return event
    }

    /// `someone_left`, for those who are still in the room.
    package mutating func someoneLeft(
        room: RoomName, _ connection: ConnectionID, _ peerID: PeerID, _ reason: LeaveReason
    ) -> Event {
        var event = begin(#"{"type":"someone_left","data":{"roomId":"#)
        event.append(quoted: room.string)
        event.append(#","connectionId":""#)
        event.append(connection)
        event.append(#"","peerId":"#)
        event.append(peerID)
        event.append(#","reason":""#, reason.rawValue)
        event.append("\"")
        return event
    }

    /// `ack`, with the value of the message's `ack` as it was sent.
    package mutating func ack(_ ack: Range<Int>, of message: Span<UInt8>) -> Event {
        var event = begin(#"{"type":"ack","data":{"ack":"#)
        event.append(ack, of: message)
        return event
    }

    package mutating func pong() -> Event { begin(#"{"type":"pong","data":{"#) }

    /// `error`, with the message's `action` and `ack` as they were sent, or null. A `bad_request`
    /// tells the `complaint`, where there is one.
    package mutating func error(
        _ error: SignalError, _ complaint: MessageComplaint? = nil, action: Range<Int>?,
        ack: Range<Int>?, of message: Span<UInt8>
    ) -> Event {
        let told = error == .badRequest ? complaint : nil
        var event = begin(#"{"type":"error","data":{"code":""#)
        event.append(error.code, #"","message":""#)
        event.append((told?.message ?? error.message).description, #"","action":"#)
        event.append(action, of: message)
        event.append(#","ack":"#)
        event.append(ack, of: message)
        return event
    }

    /// `expiresAt` is in seconds since the epoch.
    package mutating func tokenExpiring(expiresAt: Int64) -> Event {
        var event = begin(#"{"type":"token_expiring","data":{"expiresAt":"#)
        event.append(String(expiresAt))
        return event
    }

    package mutating func draining(withinSeconds seconds: Int) -> Event {
        var event = begin(#"{"type":"draining","data":{"reconnectWithinSeconds":"#)
        event.append(String(seconds))
        return event
    }
}
