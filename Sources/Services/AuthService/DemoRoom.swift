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

    init(_ body: [UInt8]) throws(OAuthRefusal) {
        let object = try Self.object(body)
        guard let room = object["room"]?.string, !room.utf8.contains(UInt8(ascii: "*")),
            let pattern = try? RoomPattern(room.string),
            Self.all.contains(where: { $0.covers(pattern) })
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
            id.utf8.allSatisfy(isIDByte)
        else { throw .invalidRequest("id must be 16 to 64 characters of A-Z, a-z, 0-9, - and _") }
        return id
    }

    private static func isIDByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
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
