package import Bytes
package import HTTPMessages
package import Identifiers
package import Signalling
internal import Tokens

// `POST /signal/check`: what a handshake would be answered, for pages, whose browsers hide it from
// them (docs/protocol.md §1).
extension Admission {
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
    ///
    /// - Parameters:
    ///   - request: With the token, and perhaps a client and a room, in its form.
    ///   - refusal: Why a room is not to be had for who holds a token; nil where it is.
    /// - Returns: What to answer.
    package func check(
        _ request: HTTPRequest, refusal: (_ room: RoomName, _ grant: TokenGrant) -> SignalError?
    ) -> HTTPResponse {
        let response: HTTPResponse
        do throws(AdmissionRefusal) {
            try checkHandshake(request, refusal)
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

    private func checkHandshake(
        _ request: HTTPRequest, _ refusal: (RoomName, TokenGrant) -> SignalError?
    ) throws(AdmissionRefusal) {
        guard Self.checkMethods.contains(request.method) else { throw .method }
        let address = try knock(request)
        let form = try CheckForm(request)
        guard let text = form.token else {
            throw .noToken("token is missing: send the access token in the form")
        }
        let token = PresentedToken(source: .subprotocol, text: text, mustMatchOrigin: false)
        let grant = TokenGrant(
            try rules.claims(of: token, client: form.client, in: request))
        if let hit = ledger.limitHit(by: ConnectionPlace(of: grant, at: address)) {
            throw .limit(hit)
        }
        if let room = form.room, let error = refusal(room, grant) { throw .room(error) }
    }
}
