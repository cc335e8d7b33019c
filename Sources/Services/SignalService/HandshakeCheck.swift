package import Bytes
package import HTTPMessages
internal import Locking
internal import Rooms
internal import Signalling
internal import Tokens

// `POST /signal/check`: what a handshake would be answered, for pages, whose browsers hide it from
// them (PROTOCOL §1).
extension SignalService {
    /// The path of `check`.
    package static let checkPath: ByteText = "/signal/check"
    package static let checkMethods: [ByteText] = ["POST"]

    /// Any page may ask, and read the answer: it depends on what stands in the form, and on the
    /// address. `Retry-After` is a field that pages would not see.
    private static let sharing: [(ByteText, ByteText)] = [
        ("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", "Retry-After"),
    ]

    /// Tells whether a handshake with this token, in the subprotocol, would be accepted, and a join
    /// of the room after it.
    ///
    /// It costs the address what a handshake costs, takes no place and uses no one-use token up.
    /// Cookies and `Authorization` count for nothing.
    package func check(_ request: HTTPRequest) -> HTTPResponse {
        let response: HTTPResponse
        do throws(AdmissionRefusal) {
            try checkHandshake(request)
            response = .json(200, Array("{}".utf8), headers: [("Cache-Control", "no-store")])
        } catch {
            response = error.response(realm: configuration.realm)
        }
        return Self.shared(response)
    }

    /// The same response as every page may read it.
    package static func shared(_ response: HTTPResponse) -> HTTPResponse {
        var response = response
        for (name, value) in sharing { response.headers.add(name, value) }
        return response
    }

    private func checkHandshake(_ request: HTTPRequest) throws(AdmissionRefusal) {
        guard Self.checkMethods.contains(request.method) else { throw .method }
        let address = try knock(request)
        let form = try CheckForm(request)
        guard let text = form.token else {
            throw .noToken("token is missing: send the access token in the form")
        }
        let token = PresentedToken(source: .subprotocol, text: text, mustMatchOrigin: false)
        let grant = TokenGrant(try claims(of: token, client: form.client, in: request))
        if let hit = ledger.limitHit(by: ConnectionPlace(of: grant, at: address)) {
            throw .limit(hit)
        }
        if let room = form.room { try checkRoom(room.string, for: grant) }
    }

    private func checkRoom(_ room: String, for grant: TokenGrant) throws(AdmissionRefusal) {
        guard grant.covers(room: room) else { throw .room(.roomForbidden) }
        guard !isFull(room, for: grant) else { throw .room(.roomFull) }
    }

    /// Whether the room has no place for whoever holds this token: none either that may be its own
    /// from before, to be resumed or taken over.
    private func isFull(_ room: String, for grant: TokenGrant) -> Bool {
        let membersMax = configuration.membersPerRoomMax
        guard membersMax > 0 else { return false }
        let key = commons.key(clientID: grant.token.clientID, room: room)
        let members = commons.rooms.members(of: key)
        return members.count >= membersMax && !members.contains { mayMakeRoom($0, for: grant) }
    }

    private func mayMakeRoom(_ member: RoomMember, for grant: TokenGrant) -> Bool {
        guard case .v1(let subject) = member.route else { return false }
        switch (subject, grant.namedSubject) {
        case (let subject?, let own?): return subject.utf8.elementsEqual(own.utf8)
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
