import Admission
import AdmissionSupport
import Bytes
import HTTPMessages
import Relay
import StrictJSON
import Testing

extension Hub {
    /// `POST /signal/check` with this form.
    fileprivate func check(_ form: String) -> (status: Int, error: String?, text: String) {
        let response = admission.check(
            HTTPRequest(
                method: "POST", path: Admission.checkPath,
                headers: HeaderFields([("Content-Type", "application/x-www-form-urlencoded")]),
                body: Array(form.utf8), peerAddress: "192.0.2.1"),
            refusal: service.refusal)
        let said = try? JSONValue.parse(response.body).object
        return (
            response.status, said?["error"]?.string?.string,
            said?["error_description"]?.string?.string ?? ""
        )
    }
}

@Suite("What is asked of the rooms before a connection is in one", .inEachHome)
struct RoomPlacesTests {
    @Test("Tokens for one and the same room share an affinity, tokens for many rooms have none")
    func affinity() throws {
        let hub = Hub()
        func affinity(_ rooms: [String]) throws -> Int? {
            let token = try hub.world.token(rooms: rooms)
            return hub.service.affinity(of: try #require(hub.admission(token: token)))
        }
        let lobby = try affinity(["lobby"])
        #expect(lobby == (try affinity(["lobby"])))
        #expect(try #require(lobby) >= 0)
        #expect(try affinity(["lobby*"]) == nil)
        #expect(try affinity(["a", "b"]) == nil)
    }

    @Test("A room that the token does not grant: 403, and the member is named")
    func forbidden() throws {
        let hub = Hub()
        let token = try hub.world.token(rooms: ["lobby", "team-*"])
        for room in ["lobby", "team-1", ""] {
            #expect(hub.check("token=\(token)&room=\(room)").status == 200)
        }
        for room in ["lobby2", "Lobby", "team", "lo%62by%00", "%F0%9F%98%80"] {
            let answer = hub.check("token=\(token)&room=\(room)")
            #expect(answer.status == 403 && answer.error == "room_forbidden")
            #expect(answer.text.contains("room"))
        }
    }

    @Test("A full room: 409, where none in it may be the asker's own from before")
    func full() throws {
        let hub = Hub(RelayConfiguration(membersPerRoomMax: 2))
        func ask(_ subject: String?, room: String = "R") throws -> String? {
            let token = try hub.world.token(subject: subject)
            return hub.check("token=\(token)&room=\(room)").error
        }
        let ann = try hub.connect(subject: "a:ann")
        ann.join("R", id: "ann")
        #expect(try ask("a:cid") == nil)
        try hub.connect().join("R", id: "bob")
        #expect(try ask("a:cid") == "room_full")
        #expect(try ask("a:cid", room: "S") == nil)
        // May take its own place over, or resume.
        #expect(try ask("a:ann") == nil)
        #expect(try ask(nil) == "room_full")
        let token = try hub.world.token(subject: "a:cid")
        #expect(hub.check("token=\(token)&room=R").status == 409)
    }

    @Test("Nobody's name takes a place over, but a lost session may be resumed")
    func fullOfLost() throws {
        let hub = Hub(RelayConfiguration(membersPerRoomMax: 1))
        let ann = try hub.connect()
        ann.join("R", id: "ann")
        let asked = "token=\(try hub.world.token())&room=R"
        #expect(hub.check(asked).error == "room_full")
        ann.close()
        #expect(hub.check(asked).status == 200)
        hub.wait(seconds: 40)
        #expect(hub.check(asked).status == 200)
    }
}
