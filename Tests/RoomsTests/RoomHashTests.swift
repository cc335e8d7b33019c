import Identifiers
import Rooms
import Testing

@Suite struct RoomHashTests {
    private let hash = RoomHash(key: 0x0F0E_0D0C_0B0A_0908_0706_0504_0302_0100)

    @Test(
        "The hash is SipHash-2-4, as its authors' test vectors have it",
        arguments: [
            (0, 0x726F_DB47_DD0E_0E31), (1, 0x74F8_39C5_93DC_67FD), (2, 0x0D6C_8009_D9A9_4F5A),
            (7, 0xAB02_00F5_8B01_D137), (8, 0x93F5_F579_9A93_2462), (15, 0xA129_CA61_49BE_45E5),
            (63, 0x958A_324C_EB06_4572),
        ] as [(UInt8, UInt64)])
    func vectors(count: UInt8, expected: UInt64) {
        #expect(hash.value(of: Array(0..<count)) == expected)
    }

    @Test("A key's hash goes by client, name and the secret key, and by nothing else")
    func keys() {
        let lobby = RoomKey(clientID: "a", room: "lobby", hash)
        #expect(lobby == RoomKey(clientID: "a", room: "lobby", hash))
        #expect(lobby.hash == RoomKey(clientID: "a", room: "lobby", hash).hash)
        let others = [
            RoomKey(clientID: "b", room: "lobby", hash),
            RoomKey(clientID: "a", room: "lobbz", hash),
            RoomKey(clientID: "al", room: "obby", hash),
            RoomKey(clientID: "a", room: "lobby", RoomHash(key: 1)),
        ]
        #expect(Set(others.map(\.hash)).count == 4 && !others.map(\.hash).contains(lobby.hash))
    }

    @Test("Names are compared byte for byte, not by Unicode's canonical equivalence")
    func canonicalEquivalence() {
        #expect("e\u{301}" == "\u{e9}")
        #expect(
            RoomKey(clientID: "a", room: "e\u{301}", hash)
                != RoomKey(clientID: "a", room: "\u{e9}", hash))
    }

    @Test("Names that differ in their last digits are spread over all tables")
    func spread() {
        var counts = Array(repeating: 0, count: 64)
        for number in 0..<6400 {
            let key = RoomKey(clientID: "client", room: "room-\(number)", hash)
            counts[Int(key.hash % 64)] += 1
        }
        #expect(counts.allSatisfy { (50...150).contains($0) })
    }
}
