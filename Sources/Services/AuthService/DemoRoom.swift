import Bytes
import Clients
import StrictJSON
import Tokens

/// What the demo's page asks for: `{"room": "demo-…", "name": "…", "id": "…"}`.
struct DemoRoom {
    /// Every room of the demo.
    static let all: [RoomPattern] = (try? RoomPattern("demo-*")).map { [$0] } ?? []

    let room: RoomPattern
    let name: ByteText?
    /// A secret of the page's own, by which it is known again.
    let id: ByteText?

    init(_ object: JSONObject) throws(OAuthRefusal) {
        guard let text = object["room"]?.string, let pattern = try? RoomPattern(text.string),
            let room = pattern.room, Self.all.contains(where: { $0.covers(room: room) })
        else {
            throw .invalidRequest(
                "room must be a name of at most 256 bytes that starts with demo-, without "
                    + "white space and asterisk")
        }
        self.room = pattern
        name = try Self.name(object["name"])
        id = try Self.id(object["id"])
    }

    private static func id(_ value: JSONValue?) throws(OAuthRefusal) -> ByteText? {
        guard let value, value != .null else { return nil }
        guard let id = value.string, (16...64).contains(id.count),
            id.utf8.allSatisfy({ $0.isASCIILetterOrDigit || "-_".utf8.contains($0) })
        else { throw .invalidRequest("id must be 16 to 64 characters of A-Z, a-z, 0-9, - and _") }
        return id
    }

    private static func name(_ value: JSONValue?) throws(OAuthRefusal) -> ByteText? {
        guard let value, value != .null, value != "" else { return nil }
        guard let name = value.string, TextRules.isLabel(name) else {
            throw .invalidRequest(
                "name must be a text of 1 to \(TextRules.bytesMax) bytes without control "
                    + "characters")
        }
        return name
    }
}
