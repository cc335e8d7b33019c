import Bytes
import StrictJSON
import Testing

@testable import usher

/// `usher room list` for people (docs/cluster.md, "What all nodes have").
struct RoomCommandTests {
    private typealias List = RoomCommand.List

    @Test("What a list lacks is said, for each reason")
    func gap() {
        #expect(List.gap(in: ["silent": [], "truncated": false]) == nil)
        let gap = List.gap(in: ["silent": ["two", "three"], "truncated": true])
        #expect(gap?.contains("two, three: no answer") == true)
        #expect(gap?.contains("too many rooms") == true)
    }

    @Test("A room of which members are left out says how many")
    func hidden() {
        let rows = List.rows([
            [
                "client_id": "c", "room": "r",
                "members": [
                    [
                        "connectionId": "1", "peerId": "p", "name": .null, "dialect": "v1",
                        "seconds": 7, "node": "one",
                    ]
                ], "hiddenMembers": 3,
            ]
        ])
        #expect(
            rows == [
                ["c", "r", "1", "p", "", "v1", "one"], ["c", "r", "", "… and 3 more", "", "", ""],
            ])
    }
}
