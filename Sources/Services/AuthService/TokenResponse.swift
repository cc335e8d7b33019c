import Bytes
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

/// The success response of RFC 6749 §5.1, with `rooms` of ours; written piece by piece, since a
/// token request should cost little beside its signature.
enum TokenResponse {
    private static let headers = HeaderFields(
        [("Content-Type", "application/json")] + NoStore.fields)

    private static let opening = Array(#"{"access_token":""#.utf8)
    private static let beforeLifetime = Array(#"","token_type":"Bearer","expires_in":"#.utf8)
    private static let beforeScope = Array(#","scope":""#.utf8)
    private static let beforeRooms = Array(#"","rooms":["#.utf8)

    /// `extra` holds further members: a comma, then names and values as JSON.
    static func make(_ token: String, _ wish: TokenWish, extra: [UInt8] = []) -> HTTPResponse {
        var body: [UInt8] = []
        body.reserveCapacity(token.utf8.count + extra.count + 256)
        body += opening
        body.append(contentsOf: token.utf8)
        body += beforeLifetime
        body.append(decimal: wish.lifetimeSeconds)
        body += beforeScope
        // Neither tokens nor scopes hold what JSON would escape (RFC 6749 §3.3).
        for (index, scope) in wish.scopes.enumerated() {
            if index > 0 { body.append(UInt8(ascii: " ")) }
            body.append(contentsOf: scope.utf8)
        }
        body += beforeRooms
        for (index, room) in wish.rooms.enumerated() {
            if index > 0 { body.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(room.text, to: &body)
        }
        body.append(UInt8(ascii: "]"))
        body.append(contentsOf: extra)
        body.append(UInt8(ascii: "}"))
        return HTTPResponse(status: 200, headers: headers, body: body)
    }

    /// The further member `client_id`.
    static func clientID(_ id: ClientID) -> [UInt8] {
        var extra = Array(#","client_id":"#.utf8)
        JSONText.appendQuoted(id.string, to: &extra)
        return extra
    }
}
