import Bytes
import Clients
import Identifiers
import RegistrySupport
import Testing
import Tokens

/// Whose an origin is.
@Suite struct OriginTests {
    /// Lives as long as one test.
    private let folder: RegistryFolder
    private let registry: any Registry

    init() throws {
        folder = try RegistryFolder()
        registry = try folder.open()
    }

    private func registered(_ name: String, _ origins: [ByteText]) throws -> Client {
        let registration = ClientRegistration(
            tokenDigest: [UInt8](repeating: 6, count: 32), registrar: "c_reg",
            authenticationMethod: .secretPost, grantTypes: [.clientCredentials])
        return try NewClient(name: name, origins: origins).client(
            clientID: "c_\(name)", secretDigest: [UInt8](repeating: 1, count: 32),
            registration: registration, atSecondsSinceEpoch: 1)
    }

    private func origins(_ id: ClientID) throws -> [ByteText]? {
        try registry.client(id: id)?.origins
    }

    @Test("A client over HTTP gets no origin that another has, new or changed")
    func taken() throws {
        try registry.add(try Client.sample("own", origins: ["https://a"]), by: .server)
        try registry.add(try registered("x", ["https://b"]), by: .client("c_reg"))
        for origin: ByteText in ["https://a", "https://b"] {
            let refusal = RegistryFailure.originTaken(origin.string)
            #expect(throws: refusal) {
                try registry.add(try registered("y", ["https://c", origin]), by: .client("c_reg"))
            }
        }
        #expect(try registry.client(id: "c_y") == nil)
        let actor = Actor.client("c_x")
        #expect(throws: RegistryFailure.originTaken("https://a")) {
            try registry.update(
                id: "c_x", ClientUpdate(origins: ["https://b", "https://a"]), by: actor)
        }
        try registry.update(
            id: "c_x", ClientUpdate(origins: ["https://d", "https://b"]), by: actor)
        #expect(try origins("c_x") == ["https://d", "https://b"])
    }

    @Test("An operator gives an origin to whom they like, and it is taken from the self-registered")
    func given() throws {
        let root = Actor.commandLine(user: "root")
        try registry.add(try registered("x", ["https://a", "https://b"]), by: .client("c_reg"))
        let revision = try registry.snapshot(id: "c_x").revision
        try registry.add(try Client.sample("own", origins: ["https://a"]), by: root)
        #expect(try origins("c_x") == ["https://b"])
        #expect(try registry.snapshot(id: "c_x").revision > revision)
        try registry.add(try Client.sample("other", origins: ["https://a"]), by: root)
        #expect(try origins("c_own") == ["https://a"])
        try registry.update(id: "c_other", ClientUpdate(origins: ["https://b"]), by: root)
        #expect(try origins("c_x") == [])
        let lines = try registry.auditEntries(after: 0, limit: 20).filter { $0.target == "c_x" }
        #expect(
            lines.map(\.details).suffix(2) == [
                "origin https://a taken for c_own", "origin https://b taken for c_other",
            ])
        #expect(lines.last?.actor == "cli:root")
    }

    /// As those of before it was refused had them: two clients, one origin.
    private func addSharers() throws {
        let root = Actor.commandLine(user: "root")
        try registry.add(try registered("x", []), by: .client("c_reg"))
        try registry.add(try Client.sample("own", origins: ["https://a"]), by: root)
        try registry.update(
            id: "c_x", ClientUpdate(origins: ["https://b", "https://a"]), by: root)
    }

    @Test("An operator's update takes what the client had already, even where nothing else changes")
    func takenAnew() throws {
        try addSharers()
        let root = Actor.commandLine(user: "root")
        try registry.update(id: "c_own", ClientUpdate(name: "new"), by: root)
        #expect(try origins("c_x") == ["https://b", "https://a"], "no origin was named")
        let same = try ClientUpdate(origins: ["https://a"])
        try registry.update(id: "c_own", same, by: root)
        #expect(try origins("c_x") == ["https://b"])
        #expect(try origins("c_own") == ["https://a"])
        let lines = try registry.auditEntries(after: 0, limit: 20)
        #expect(lines.last?.target == "c_x")
        #expect(lines.last?.details == "origin https://a taken for c_own")
        let revision = try registry.snapshot(id: "c_own").revision
        try registry.update(id: "c_own", same, by: root)
        #expect(try registry.auditEntries(after: 0, limit: 20) == lines)
        #expect(try registry.snapshot(id: "c_own").revision == revision, "nothing was written")
    }

    @Test("Clients that registered themselves hold no origin of the service's own")
    func ofTheService() throws {
        try addSharers()
        try registry.keepOrigins(["https://a", "wss://a"], at: 5)
        #expect(try origins("c_x") == ["https://b"])
        #expect(try origins("c_own") == ["https://a"], "an operator's may")
        let lines = try registry.auditEntries(after: 0, limit: 20)
        #expect(lines.last?.details == "origin https://a taken for the service")
        try registry.keepOrigins(["https://a", "wss://a"], at: 5)
        #expect(try registry.auditEntries(after: 0, limit: 20) == lines)
    }

    @Test("What a client over HTTP has already it keeps, whoever has it beside")
    func kept() throws {
        let root = Actor.commandLine(user: "root")
        try registry.add(try registered("x", []), by: .client("c_reg"))
        try registry.add(try Client.sample("own", origins: ["https://a"]), by: root)
        try registry.update(id: "c_x", ClientUpdate(origins: ["https://a"]), by: root)
        let name = try ClientUpdate(name: "new", origins: ["https://a"])
        try registry.update(id: "c_x", name, by: .client("c_x"))
        #expect(try origins("c_x") == ["https://a"])
    }
}
