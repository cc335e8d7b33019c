import Bytes
import Clients
import Identifiers
import Testing
import Tokens

@Suite struct NewClientTests {
    @Test("A client registered with a name alone gets all rooms of its own and may signal")
    func defaults() throws {
        let new = try NewClient(name: "Shop")
        #expect(new.rooms.map(\.text) == ["*"])
        #expect(new.scopes == ["signal"])
        #expect(new.origins == [])
    }

    @Test("What is given doubled is kept once, in order")
    func doubled() throws {
        let new = try NewClient(
            name: "Shop", rooms: ["b", "a*", "b"], origins: ["http://a", "http://a"],
            scopes: ["signal", "session", "signal"])
        #expect(new.rooms.map(\.text) == ["b", "a*"])
        #expect(new.origins == ["http://a"])
        #expect(new.scopes == ["signal", "session"])
    }

    @Test("A new client is enabled and has one secret without an end")
    func client() throws {
        let digest = [UInt8](repeating: 7, count: 32)
        let client = try NewClient(name: "Shop").client(
            clientID: "c_1", secretDigest: digest, atSecondsSinceEpoch: 50)
        #expect(client.isEnabled)
        #expect(client.createdAt == 50)
        #expect(client.secrets == [ClientSecret(digest: digest, createdAt: 50)])
    }

    @Test(
        "A wrong name is named with its value and what was expected",
        arguments: [
            "", "a\nb", String(repeating: "n", count: 257),
        ])
    func names(name: String) {
        let error = #expect(throws: RegistrationError.self) { try NewClient(name: name) }
        #expect(error?.member == "name")
        #expect(error?.expected.contains("1 to 256") == true)
    }

    @Test("A value in an error moves no cursor and fills no screen")
    func printable() {
        let error = RegistrationError(
            member: "name", value: "a\u{1B}[2J" + String(repeating: "x", count: 900),
            expected: "less")
        #expect(!error.description.unicodeScalars.contains("\u{1B}"))
        #expect(error.description.count < 600)
        #expect(error.description.hasSuffix(": expected less"))
    }

    @Test(
        "A wrong room pattern is named",
        arguments: [
            "", "two words", "a*b", "**", "a\u{0}", String(repeating: "r", count: 257),
        ])
    func rooms(room: String) {
        let error = #expect(throws: RegistrationError.self) {
            try NewClient(name: "Shop", rooms: ["good", room])
        }
        #expect(error?.member == "rooms")
        #expect(error?.description.contains(room.prefix(3).filter { $0 != "\0" }) == true)
    }

    @Test("A wrong scope is named (RFC 6749 §3.3)", arguments: ["", "a b", "a\"", "a\\", "ä"])
    func scopes(scope: String) {
        let error = #expect(throws: RegistrationError.self) {
            try NewClient(name: "Shop", scopes: [ByteText(scope)])
        }
        #expect(error?.member == "scope")
        #expect(error?.value == scope)
    }

    @Test("Rooms, origins and scopes are bounded in number", arguments: [32, 33])
    func number(count: Int) {
        let texts = (0..<count).map { "n\($0)" }
        let isGood = count <= NewClient.listMax
        #expect(((try? NewClient(name: "Shop", rooms: texts)) != nil) == isGood)
        #expect(
            ((try? NewClient(name: "Shop", scopes: texts.map { ByteText($0) })) != nil) == isGood)
        let origins = texts.map { ByteText("https://\($0).example") }
        #expect(((try? NewClient(name: "Shop", origins: origins)) != nil) == isGood)
    }

    @Test(
        "Room patterns together stay small enough for a token",
        arguments: [
            (5, false), (4, true),
        ])
    func bytes(count: Int, isGood: Bool) {
        let rooms = (0..<count).map { "\($0)" + String(repeating: "r", count: 255) }
        #expect(((try? NewClient(name: "Shop", rooms: rooms)) != nil) == isGood)
    }
}

@Suite struct ClientOriginTests {
    @Test(
        "An origin is kept in the form in which browsers send it",
        arguments: [
            ("https://app.example.org", "https://app.example.org"),
            ("HTTPS://App.example", "https://app.example"),
            ("https://app.example:443", "https://app.example"),
            ("http://localhost:3000", "http://localhost:3000"),
        ])
    func kept(origin: String, as expected: String) throws {
        #expect(
            try NewClient(name: "Shop", origins: [ByteText(origin)]).origins == [ByteText(expected)]
        )
    }

    @Test(
        "Anything that no browser would send as Origin is refused",
        arguments: ["", "null", "*", "app.example", "https://", "https://app.example/", "ftp://a"])
    func refused(origin: String) {
        let error = #expect(throws: RegistrationError.self) {
            try NewClient(name: "Shop", origins: [ByteText(origin)])
        }
        #expect(error?.member == "origin")
        #expect(error?.value == origin)
    }
}
