import Bytes
import Testing

@testable import usher

/// docs/configuration.md, "Cluster".
@Suite struct ClusterPlaceTests {
    private func place(
        _ flags: [ByteText: [String]]
    ) throws(SettingError) -> ClusterPlace? {
        try ClusterPlace(Settings(SettingValues(flags: flags, environment: [:])))
    }

    @Test("Without a server there is no cluster, and nothing of one may be set")
    func none() throws {
        #expect(try place([:]) == nil)
        #expect(try place(["node-name": ["a"], "cluster-name": ["b"]]) == nil)
        for name: ByteText in ["cluster-credentials", "cluster-ca"] {
            let error = #expect(throws: SettingError.self) { try place([name: ["/file"]]) }
            #expect(error?.place == "--\(name)" && error?.expected.contains("--cluster") == true)
        }
    }

    @Test("Servers stand in flags or, by commas, in the variable")
    func servers() throws {
        let servers = ["nats://a:4222", "tls://b"]
        let place = try #require(try place(["cluster": servers, "node-name": ["n"]]))
        #expect(place.servers == servers)
        #expect((place.name, place.nodeName) == ("usher", "n"))
        let joined = try self.place(["cluster": ["nats://a:4222,tls://b"], "node-name": ["n"]])
        #expect(joined?.servers == servers)
        let values = try SettingValues(
            flags: [:], environment: ["USHER_CLUSTER": "nats://a:4222,tls://b"])
        #expect(try ClusterPlace(Settings(values))?.servers == servers)
    }

    @Test(
        "What is no server, or holds a password, is refused by name",
        arguments: [
            "a:4222", "http://a", "nats://", "nats://a/b", "nats://a b",
            "nats://a?x", "nats://é", "nats://a,", "nats://a,,nats://b",
        ])
    func badServer(text: String) throws {
        let error = #expect(throws: SettingError.self) { try place(["cluster": [text]]) }
        #expect(error?.place == "--cluster")
    }

    @Test("A password in a URL is refused, and not repeated")
    func password() throws {
        let error = #expect(throws: SettingError.self) {
            try place(["cluster": ["nats://a,nats://user:secret@b"], "node-name": ["n"]])
        }
        #expect(error?.place == "--cluster")
        #expect(error?.description.contains("secret") == false)
        #expect(error?.expected.contains("--cluster-credentials") == true)
    }

    @Test(
        "Names stand in subjects and in names of files",
        arguments: ["", ".a", "a/b", "a b", "a*", "a>", "é", String(repeating: "a", count: 65)])
    func badName(text: String) throws {
        for name: ByteText in ["cluster-name", "node-name"] {
            let error = #expect(throws: SettingError.self) {
                try place(["cluster": ["nats://a"], name: [text]])
            }
            #expect(error?.place == "--\(name)")
        }
        #expect(!ClusterPlace.isName("a.b", bytesMax: 32, allowsDots: false))
    }
}
