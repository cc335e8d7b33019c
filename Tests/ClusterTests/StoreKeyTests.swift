import Bytes
import Cluster
import Identifiers
import Testing

@Suite("Keys of a cluster's bucket (docs/decisions/0036)")
struct StoreKeyTests {
    static let sample = RoomDigest(bytes: Array(0..<32))

    @Test(
        "Each is read as it is written",
        arguments: [
            (StoreKey.open, "open"),
            (.node(Incarnation(raw: 0xAB)), "node.00000000000000ab"),
            (.room(sample), "room.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"),
        ])
    func roundTrip(key: StoreKey, text: String) {
        #expect(ByteText(key.text) == ByteText(text))
        #expect(StoreKey(ByteText(text)) == key)
    }

    @Test(
        "Nothing else is read",
        arguments: [
            "", "Open", "open ", "node.", "node.00000000000000AB", "node.0000000000000ab",
            "node.00000000000000abc", "room.", "room.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh",
            "room.AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", "room.AAECAw", "lock.1",
            "node.٠٠٠٠٠٠٠٠",
        ])
    func nonsense(text: String) {
        #expect(StoreKey(ByteText(text)) == nil)
    }

    @Test("A room's digest is over client and room, which no other pair shares")
    func digest() {
        let digest = RoomDigest(of: "a", "b") { bytes in
            #expect(bytes == [0x61, 0xFF, 0x62])
            return Array(0..<32)
        }
        #expect(digest == Self.sample && digest.bytes == Array(0..<32))
        let other = RoomDigest(bytes: Array(0..<31) + [32])
        #expect(digest < other && !(other < digest) && digest != other)
    }
}
