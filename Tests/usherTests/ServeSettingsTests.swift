import Bytes
import SigningKeys
import SocketLoop
import Testing

@testable import usher

private func settings(
    _ flags: [ByteText: [String]], half: ServedHalf = .both
) throws(SettingError) -> ServeSettings {
    try ServeSettings(
        half: half, SettingValues(flags: flags, environment: [:]), defaultData: "/d")
}

@Suite struct ServeSettingsTests {
    @Test("Without a setting, the service listens on loopback with the documented limits")
    func defaults() throws {
        let settings = try settings([:])
        #expect(settings.listen == Endpoint("127.0.0.1:8080"))
        #expect(settings.operatorListen == Endpoint("127.0.0.1:9090"))
        guard case .folder(let keys) = settings.keys else {
            Issue.record("the keys are in no folder")
            return
        }
        #expect(keys.path == "/d/keys")
        #expect(settings.sockets.messageBytesMax == 131_072)
        #expect(settings.limits.maxMembers == 64)
        #expect(settings.limits.maxRooms == 16)
        #expect(settings.access.edgeCookie == "__Host-usher_session")
        #expect(!settings.access.demo)
    }

    @Test("With a master key the signing keys are in the registry, and in no folder beside it")
    func masterKey() throws {
        let sealed = try settings(["master-key-file": ["/m"], "keys-group-access": ["true"]])
        guard case .registry("/m", allowsGroup: true) = sealed.keys else {
            Issue.record("the keys are in no registry")
            return
        }
        let flags: [ByteText: [String]] = ["master-key-file": ["/m"], "keys": ["/k"]]
        let error = #expect(throws: SettingError.self) { try settings(flags) }
        #expect(error?.place == "--keys")
        #expect(error?.expected.contains("--master-key-file") == true)
    }

    @Test(
        "A wrong value is named with what was expected",
        arguments: [
            ("listen", "8080"), ("listen", "localhost:8080"), ("listen", "127.0.0.1:99999"),
            ("listen", "::1:8080"), ("operator", "x"), ("max-rooms", "-1"), ("max-rooms", "many"),
            ("max-rooms", "1.5"), ("message-burst", "0"), ("query-token", "yes"),
            ("signing-algorithm", "none"), ("signing-algorithm", "HS256"),
            ("signing-algorithm", "es256"), ("trusted-proxy", "10.0.0.0/33"),
            ("trusted-proxy", "proxy"), ("edge-cookie", "a b"), ("edge-cookie", "a=b"),
            ("edge-cookie", ""), ("signal-path", "dev"), ("signal-path", "/a?b"),
            ("log-level", "loud"), ("issuer", "meet.example"), ("issuer", "http://meet.example"),
            ("issuer", "https://meet.example/?a"), ("issuer", "https://user@meet.example"),
            ("issuer", "https://MEET.example"), ("issuer", "https://meet.example:70000"),
        ])
    func wrongValues(name: String, value: String) {
        let error = #expect(throws: SettingError.self) { try settings([ByteText(name): [value]]) }
        #expect(error?.place == "--" + name)
        #expect(error?.value == value)
        #expect(error?.expected.isEmpty == false)
    }

    @Test(
        "An issuer is https, or http on loopback (RFC 8414 §2)",
        arguments: [
            "https://meet.example", "https://meet.example:8443/usher", "http://127.0.0.1:8080",
            "http://localhost", "http://[::1]:8080",
        ])
    func issuers(issuer: String) throws {
        #expect(try settings(["issuer": [issuer]]).access.issuer == issuer)
    }

    @Test("A port that others reach needs a proxy that ends TLS, or a plain word")
    func exposure() throws {
        let open: [ByteText: [String]] = ["listen": ["0.0.0.0:8080"]]
        #expect(throws: SettingError.self) { try settings(open) }
        let proxied = open.merging(["trusted-proxy": ["10.0.0.0/8"]]) { $1 }
        #expect(try settings(proxied).access.trustedProxies.count == 1)
        let plain = open.merging(["allow-plain-http": ["true"]]) { $1 }
        #expect(try settings(plain).access.allowPlainHTTP)
        let demo = plain.merging(["demo": ["true"]]) { $1 }
        #expect(throws: SettingError.self) { try settings(demo) }
        #expect(try settings(demo.merging(["demo-public": ["true"]]) { $1 }).access.demo)
    }

    @Test("The signalling half must know whose tokens it takes")
    func halves() throws {
        #expect(throws: SettingError.self) { try settings([:], half: .signal) }
        let signal = try settings(["issuer": ["https://meet.example"]], half: .signal)
        #expect(signal.operatorListen.port == 9091)
        #expect(signal.listen.port == 8081)
    }

    @Test(
        "An endpoint's URL is one that a browser on this machine can open",
        arguments: [
            ("127.0.0.1:80", "http://127.0.0.1:80"), ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:80", "http://[::1]:80"), ("[::1]:80", "http://[::1]:80"),
        ])
    func urls(text: String, url: String) {
        #expect(Endpoint(text)?.url(isTLS: false) == url)
        let overTLS = url.replacing("http://", with: "https://")
        #expect(Endpoint(text)?.url(isTLS: true) == overTLS)
    }
}
