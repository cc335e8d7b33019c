import Clients
import StrictJSON
import Tokens

/// What the demo's page asks for: `{"room": "demo-…", "name": "…"}`.
struct DemoRoom {
    /// Every room of the demo.
    static let all: [RoomPattern] = (try? RoomPattern("demo-*")).map { [$0] } ?? []

    let room: RoomPattern
    let name: String?

    init(_ body: [UInt8]) throws(OAuthRefusal) {
        let object = try Self.object(body)
        guard let room = object["room"]?.string, !room.utf8.contains(UInt8(ascii: "*")),
            let pattern = try? RoomPattern(room), Self.all.contains(where: { $0.covers(pattern) })
        else {
            throw .invalidRequest(
                "room must be a name of at most 256 bytes that starts with demo-, without "
                    + "white space and asterisk")
        }
        self.room = pattern
        name = try Self.name(object["name"])
    }

    private static func object(_ body: [UInt8]) throws(OAuthRefusal) -> JSONObject {
        do {
            guard let object = try JSONValue.parse(body).object else {
                throw OAuthRefusal.invalidRequest("the body must be a JSON object")
            }
            return object
        } catch let error as OAuthRefusal {
            throw error
        } catch {
            throw .invalidRequest("the body is not JSON: \(error)")
        }
    }

    private static func name(_ value: JSONValue?) throws(OAuthRefusal) -> String? {
        guard let value, value != .null, value != "" else { return nil }
        guard let name = value.string, TextRules.isLabel(name) else {
            throw .invalidRequest(
                "name must be a text of 1 to \(TextRules.bytesMax) bytes without control "
                    + "characters")
        }
        return name
    }
}
