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

    /// `extra` holds further members: a comma, then names and values as JSON.
    static func make(_ token: String, _ wish: TokenWish, extra: [UInt8] = []) -> HTTPResponse {
        var body: [UInt8] = []
        body.reserveCapacity(token.utf8.count + extra.count + 256)
        append(#"{"access_token":""#, to: &body)
        append(token, to: &body)
        append(#"","token_type":"Bearer","expires_in":"#, to: &body)
        append(String(wish.lifetimeSeconds), to: &body)
        append(#","scope":""#, to: &body)
        for (index, scope) in wish.scopes.enumerated() {
            if index > 0 { body.append(UInt8(ascii: " ")) }
            append(scope.string, to: &body)
        }
        append(#"","rooms":["#, to: &body)
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

    /// For texts that need no escapes: tokens, digits, and scopes, whose grammar has neither `"`
    /// nor `\`.
    private static func append(_ text: String, to body: inout [UInt8]) {
        body.append(contentsOf: text.utf8)
    }
}
