import Bytes
import COpenSSL
import Cluster
import Cryptography
import Foundation
import StrictJSON
import Testing

@testable import NATSBus

/// What a node shows the servers (docs/decisions/0037).
@Suite(.enabled(if: NATSProcess.program != nil, NATSProcess.comment))
struct CredentialTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("usher-credentials-\(UUID().uuidString)", isDirectory: true)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    }

    private func file(_ text: String, mode: Int = 0o600) throws -> String {
        let path = folder.path + "/" + UUID().uuidString
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    /// Whether the server takes what is in a file of this content.
    private func isTaken(_ server: NATSProcess, _ text: String?) async throws -> Bool {
        let path = try text.map { try file($0) }
        // A busy server refuses whoever it gave too little time for a login.
        for _ in 0..<3 {
            let node = try TestNode(
                TestNode.configuration([server]) { $0.credentialsFile = path })
            let fault = try await node.outcome()
            #expect(try fault == nil || fault == .refused(server.server))
            if fault == nil { return true }
        }
        return false
    }

    @Test("A user with a password, in each of its forms, and no other (0037)")
    func users() async throws {
        let server = try await NATSProcess.started(
            #"authorization { user: "us\"er", password: "pa:ss\\word=" }"#)
        #expect(try await isTaken(server, #"us"er:pa:ss\word="# + "\n"))
        #expect(try await isTaken(server, "user=us\"er\r\npassword=pa:ss\\word=\n"))
        #expect(try await !isTaken(server, #"us"er:pa:ss\word"#))
        #expect(try await !isTaken(server, "a token"))
        #expect(try await !isTaken(server, nil))
        try FileManager.default.removeItem(at: folder)
    }

    @Test("A token, and no other (0037)")
    func tokens() async throws {
        let server = try await NATSProcess.started(#"authorization { token: "to\"ken" }"#)
        #expect(try await isTaken(server, "to\"ken\n"))
        #expect(try await !isTaken(server, "to\"kem\n"))
        try FileManager.default.removeItem(at: folder)
    }

    private static let published = [
        "usher.c.>", "$KV.usher-c.>", "$JS.API.STREAM.*.KV_usher-c",
        "$JS.API.STREAM.MSG.GET.KV_usher-c", "$JS.API.CONSUMER.CREATE.KV_usher-c.>",
    ]

    /// One whose user may do so much.
    private func server(
        _ subjects: [String], hearing heard: String = "usher.c.>"
    ) async throws -> NATSProcess {
        let publish = subjects.map { "\"\($0)\"" }.joined(separator: ", ")
        return try await NATSProcess.started(
            """
            authorization { users: [ { user: u, password: p, permissions: {
                publish: [ \(publish) ], subscribe: [ "\(heard)" ] } } ] }
            """)
    }

    @Test(
        "A user needs no more than what is the cluster's, and what it lacks is told by name (0037)")
    func permissions() async throws {
        let subjects = Self.published
        #expect(Subjects(cluster: try #require(ClusterName("c"))).published == subjects)
        let path = try file("u:p")
        let good = try await server(subjects)
        let node = try await TestNode.start([good], "c") { $0.credentialsFile = path }
        let revision = try await node.put(.node(1), "one")
        _ = try await node.wait { $0.events.contains(.watchedAll) ? true : nil }
        node.bus.tell([.listen(Incarnation(raw: 1)), .heartbeat([1]), .purge(.node(1), revision)])
        try await node.waitUntilAbsent(.node(1))
        #expect(node.heard.now.notices.count == 2, "\(node.heard.now.notices)")
        node.bus.stop()
        let bad = try await server(subjects.filter { !$0.hasPrefix("$KV") })
        let other = try TestNode(
            TestNode.configuration([bad], "c") { $0.credentialsFile = path })
        let fault = try #require(await other.outcome())
        #expect("\(fault)".contains("$KV.usher-c."), "\(fault)")
        // A refusal names the very subject, which is another one each time.
        #expect(other.heard.now.notices.count { $0.code.description == "bus_forbidden" } <= 1)
        let deaf = try await server(subjects.filter { !$0.contains("CONSUMER") })
        let third = try await TestNode.start([deaf], "c") { $0.credentialsFile = path }
        let told = try await third.wait { state in
            state.notices.compactMap {
                if case .forbidden(let text) = $0 { text } else { nil }
            }.first
        }
        #expect(told.contains("publish to $JS.API.CONSUMER.CREATE.KV_usher-c.>"), "\(told)")
        // The watch is asked for again and again.
        try await Task.sleep(for: .seconds(8))
        #expect(third.heard.now.notices.count { $0.code.description == "bus_forbidden" } == 1)
        third.bus.stop()
        // Who can't hear the others would take them for dead.
        let alone = try await server(subjects, hearing: "usher.c.inbox.>")
        let fourth = try await TestNode.start([alone], "c") { $0.credentialsFile = path }
        let lost = try await fourth.wait { state in
            state.notices.compactMap {
                if case .disconnected(let fault) = $0 { fault.code } else { nil }
            }.first
        }
        #expect(lost == "nats_not_permitted")
        fourth.bus.stop()
        let mute = try await server(subjects, hearing: "other.>")
        let fifth = try TestNode(
            TestNode.configuration([mute], "c") { $0.credentialsFile = path })
        #expect(try await fifth.outcome()?.code == "nats_not_permitted")
        try FileManager.default.removeItem(at: folder)
    }

    @Test("A user's seed, and no other (0037)")
    func seeds() async throws {
        let (good, bad) = (NKey(.user), NKey(.user))
        let server = try await NATSProcess.started(
            "authorization { users: [ { nkey: \(good.publicKey) } ] }")
        #expect(UserSeed.publicKey(of: ByteText(good.seedText)) == good.publicKey)
        #expect(try await isTaken(server, good.seedText + "\n"))
        #expect(try await !isTaken(server, bad.seedText + "\n"))
        try FileManager.default.removeItem(at: folder)
    }

    @Test("A file of a user's JWT and seed, and no other (0037)")
    func credentialFiles() async throws {
        let (owner, system, account) = (NKey(.operator), NKey(.account), NKey(.account))
        let (user, stranger) = (NKey(.user), NKey(.user))
        let limits: JSONObject = [
            "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
            "wildcards": true, "conn": -1, "leaf": -1,
        ]
        var withStorage = limits
        for name: ByteText in ["mem_storage", "disk_storage", "streams", "consumer"] {
            withStorage[name] = -1
        }
        func jwt(_ key: NKey, _ limits: JSONObject) -> String {
            owner.jwt(of: key, ["type": "account", "version": 2, "limits": .object(limits)])
        }
        let server = try await NATSProcess.started(
            """
            operator: \(owner.jwt(of: owner, ["type": "operator", "version": 2]))
            system_account: \(system.publicKey)
            resolver: MEMORY
            resolver_preload: {
                \(system.publicKey): \(jwt(system, limits))
                \(account.publicKey): \(jwt(account, withStorage))
            }
            """)
        let permissions: JSONValue = [
            "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1,
        ]
        func file(_ signer: NKey, _ user: NKey, _ seed: NKey) -> String {
            """
            -----BEGIN NATS USER JWT-----
            \(signer.jwt(of: user, permissions))
            ------END NATS USER JWT------

            -----BEGIN USER NKEY SEED-----
            \(seed.seedText)
            ------END USER NKEY SEED------

            """
        }
        #expect(try await isTaken(server, file(account, user, user)))
        #expect(try await !isTaken(server, file(stranger, user, user)))
        #expect(try await !isTaken(server, file(account, user, stranger)))
        try FileManager.default.removeItem(at: folder)
    }

    @Test(
        "A file that others may read is refused, and so is what is none; no text is repeated (0037)"
    )
    func files() throws {
        func fault(_ path: String, allowsGroup: Bool = false) -> NATSFault? {
            do throws(NATSFault) {
                _ = try NATSCredentials.read(path, allowsGroup: allowsGroup)
                return nil
            } catch {
                return error
            }
        }
        for mode in [0o640, 0o604, 0o644] {
            #expect(fault(try file("secret", mode: mode))?.code == "nats_credentials")
        }
        #expect(fault(try file("secret", mode: 0o640), allowsGroup: true) == nil)
        #expect(fault(try file("secret", mode: 0o644), allowsGroup: true) != nil)
        let seed = NKey(.user).seedText
        let faults = [
            fault(try file("")), fault(try file(" \n\n")), fault(folder.path),
            fault(folder.path + "/none"), fault(try file("secret\nsecret")),
            fault(try file("se\u{1}cret")), fault(try file("user=secret")),
            fault(try file(String(repeating: "secret", count: 5000))),
            fault(try file(seed.dropLast() + (seed.hasSuffix("A") ? "B" : "A"))),
        ]
        for fault in faults {
            let text = try #require(fault).description
            #expect(!text.contains("secret") && !text.contains(seed.prefix(20)), "\(text)")
        }
        try FileManager.default.removeItem(at: folder)
    }
}

/// A key as NATS has them, and what is signed with it.
struct NKey {
    enum Kind: UInt8 {
        case account = 0
        case `operator` = 0x70
        case user = 0xA0
    }

    private let kind: Kind
    private let bytes: [UInt8]

    init(_ kind: Kind) {
        self.kind = kind
        bytes = SecureRandom.bytes(32)
    }

    private func withKey<Result>(_ body: (OpaquePointer?) -> Result) -> Result {
        let key = unsafe EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, bytes, 32)
        defer { unsafe EVP_PKEY_free(key) }
        return unsafe body(key)
    }

    var publicKey: String {
        unsafe withKey { key in
            var point = [UInt8](repeating: 0, count: 32)
            var count = 32
            unsafe EVP_PKEY_get_raw_public_key(key, &point, &count)
            return UserSeed.encode([kind.rawValue] + point)
        }
    }

    /// Two bytes of what it is: a seed, and whose.
    var seedText: String {
        UserSeed.encode([18 << 3 | kind.rawValue >> 5, kind.rawValue << 3] + bytes)
    }

    private func sign(_ text: String) -> [UInt8] {
        unsafe withKey { key in
            let context = unsafe EVP_MD_CTX_new()
            defer { unsafe EVP_MD_CTX_free(context) }
            var signature = [UInt8](repeating: 0, count: 64)
            var count = 64
            let text = Array(text.utf8)
            unsafe EVP_DigestSignInit_ex(context, nil, nil, nil, nil, key, nil)
            unsafe EVP_DigestSign(context, &signature, &count, text, text.count)
            return signature
        }
    }

    /// What this one says of another key.
    func jwt(of other: NKey, _ claims: JSONValue) -> String {
        let all: JSONValue = [
            "jti": .string(UUID().uuidString), "iat": 1_700_000_000, "iss": .string(publicKey),
            "name": "test", "sub": .string(other.publicKey), "nats": claims,
        ]
        let header = Array(#"{"typ":"JWT","alg":"ed25519-nkey"}"#.utf8)
        let signed = Base64URL.encode(header) + "." + Base64URL.encode(all.serialized())
        return signed + "." + Base64URL.encode(sign(signed))
    }
}
