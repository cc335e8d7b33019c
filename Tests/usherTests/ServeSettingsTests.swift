import SocketLoop
import Testing

@testable import usher

private func settings(
    _ flags: [Setting: [String]], half: ServedHalf = .both
) throws(SettingError) -> ServeSettings {
    try ServeSettings(
        half: half, values: SettingValues(flags: flags, environment: [:]), defaultData: "/d")
}

@Suite struct ServeSettingsTests {
    @Test("Without a setting, the service listens on loopback with the documented limits")
    func defaults() throws {
        let settings = try settings([:])
        #expect(settings.listen == Endpoint("127.0.0.1:8080"))
        #expect(settings.operatorListen == Endpoint("127.0.0.1:9090"))
        #expect(settings.keys == "/d/keys")
        #expect(settings.sockets.messageBytesMax == 131_072)
        #expect(settings.admission.members == 64)
        #expect(settings.admission.rooms == 16)
        #expect(settings.edgeCookie == "__Host-usher_session")
        #expect(!settings.demo)
    }

    @Test(
        "A wrong value is named with what was expected",
        arguments: [
            (Setting.listen, "8080"), (.listen, "localhost:8080"), (.listen, "127.0.0.1:99999"),
            (.listen, "::1:8080"), (.operator, "x"), (.maxRooms, "-1"), (.maxRooms, "many"),
            (.maxRooms, "1.5"), (.messageBurst, "0"), (.queryToken, "yes"),
            (.signingAlgorithm, "none"), (.signingAlgorithm, "HS256"), (.signingAlgorithm, "es256"),
            (.trustedProxy, "10.0.0.0/33"), (.trustedProxy, "proxy"), (.edgeCookie, "a b"),
            (.edgeCookie, "a=b"), (.edgeCookie, ""), (.signalPath, "dev"), (.signalPath, "/a?b"),
            (.logLevel, "loud"), (.issuer, "meet.example"), (.issuer, "http://meet.example"),
            (.issuer, "https://meet.example/?a"), (.issuer, "https://user@meet.example"),
            (.issuer, "https://MEET.example"), (.issuer, "https://meet.example:70000"),
        ])
    func wrongValues(setting: Setting, value: String) {
        let error = #expect(throws: SettingError.self) { try settings([setting: [value]]) }
        #expect(error?.place == setting.flag)
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
        #expect(try settings([.issuer: [issuer]]).issuer == issuer)
    }

    @Test("A port that others reach needs a proxy that ends TLS, or a plain word")
    func exposure() throws {
        let open: [Setting: [String]] = [.listen: ["0.0.0.0:8080"]]
        #expect(throws: SettingError.self) { try settings(open) }
        let proxied = open.merging([.trustedProxy: ["10.0.0.0/8"]]) { $1 }
        #expect(try settings(proxied).trustedProxies.count == 1)
        let plain = open.merging([.allowPlainHTTP: ["true"]]) { $1 }
        #expect(try settings(plain).allowPlainHTTP)
        let demo = plain.merging([.demo: ["true"]]) { $1 }
        #expect(throws: SettingError.self) { try settings(demo) }
        #expect(try settings(demo.merging([.demoPublic: ["true"]]) { $1 }).demo)
    }

    @Test("The signalling half must know whose tokens it takes")
    func halves() throws {
        #expect(throws: SettingError.self) { try settings([:], half: .signal) }
        let signal = try settings([.issuer: ["https://meet.example"]], half: .signal)
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
