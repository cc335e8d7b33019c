internal import Access
package import Admission
package import Identifiers
internal import Locking
internal import Rooms
package import Signalling
internal import Tokens

// What is asked of the rooms before a connection is in one.
extension Relay {
    /// Where the token is for one room, that room's loop, modulo their number, so that its
    /// members share one; else none is better than another.
    package func affinity(of admission: SocketAdmission) -> Int? {
        guard admission.rooms.count == 1, let room = admission.rooms[0].room else { return nil }
        return commons.key(clientID: admission.clientID, room: room).affinity
    }

    /// Why whoever holds this token could not join a room now; nil where it could.
    package func refusal(of room: RoomName, for grant: TokenGrant) -> SignalError? {
        guard grant.covers(room: room) else { return .roomForbidden }
        return isFull(room, for: grant) ? .roomFull : nil
    }

    /// Whether the room has no place for whoever holds this token: none either that may be its own
    /// from before, to be resumed or taken over. In a cluster, of what this node knows: of rooms
    /// that it has members in.
    private func isFull(_ room: RoomName, for grant: TokenGrant) -> Bool {
        let membersMax = commons.configuration.membersPerRoomMax
        guard membersMax > 0 else { return false }
        let key = commons.key(clientID: grant.token.clientID, room: room)
        let members = commons.rooms.members(of: key)
        return members.count >= membersMax && !members.contains { mayMakeRoom($0, for: grant) }
    }

    private func mayMakeRoom(_ member: RoomMember, for grant: TokenGrant) -> Bool {
        guard case .v1(let subject) = member.route else { return false }
        switch (subject, grant.namedSubject) {
        case (let subject?, let own?): return subject == own
        // Who is nobody by name takes over no place, but may resume what was lost.
        case (nil, nil): return isAway(member.connection)
        default: return false
        }
    }

    private func isAway(_ connection: ConnectionID) -> Bool {
        guard let session = commons.sessions.session(connection) else { return false }
        return session.socket == nil
    }
}
