import Bytes
import HTTPMessages
import Testing

@Suite struct OriginTests {
    @Test(
        "Origins are put in the form in which browsers send them",
        arguments: [
            ("https://a.example", "https://a.example"), ("HTTPS://A.Example", "https://a.example"),
            ("https://a.example:443", "https://a.example"), ("http://a:80", "http://a"),
            ("http://a.example:443", "http://a.example:443"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("https://[2001:DB8::0:1]", "https://[2001:db8::1]"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://my_host", "http://my_host"),
            ("WSS://A.example:443", "wss://a.example"), ("ws://a.example:80", "ws://a.example"),
            ("wss://a.example:8443", "wss://a.example:8443"),
            ("Capacitor://localhost", "capacitor://localhost"), ("app://-", "app://-"),
            ("ionic://localhost:8080", "ionic://localhost:8080"), ("app://.", "app://."),
            ("app://My_App.example", "app://My_App.example"),
        ])
    func canonical(text: String, expected: String) throws {
        #expect(try Origin.validate(ByteText(text)) == ByteText(expected))
    }

    @Test(
        "What is no origin is refused with its reason",
        arguments: [
            ("", "scheme"), ("null", "scheme"),
            ("*", "scheme"),
            ("a.example", "scheme"), ("ftp://a", "scheme"),
            ("https:/a", "scheme"), ("https://a/", "part"),
            ("https://a/p", "part"), ("https://a?q", "part"),
            ("https://a#f", "part"), ("https://u@a", "part"),
            ("https://", "host"), ("https://*.example", "host"),
            ("https://a..b", "host"), ("https://-a", "host"),
            ("https://a.", "host"),
            ("https://bücher.example", "host"),
            ("https://a b", "host"),
            ("https://1.2.3", "host"), ("https://256.1.1.1", "host"),
            ("https://[::1", "host"), ("https://[1.2.3.4]", "host"),
            ("https://:80", "host"),
            ("https://a:", "port"), ("https://a:0", "port"),
            ("https://a:65536", "port"),
            ("https://a:080", "port"), ("https://a:8o", "port"),
            ("https://a:1:2", "port"),
            ("file://a", "scheme"), ("apps://a", "scheme"),
            ("wss://a/", "part"), ("ws://*", "host"),
            ("app://", "host"), ("app://a b", "host"),
            ("app://*", "host"), ("app://é", "host"),
            ("app://[::1]", "host"), ("capacitor://a/", "part"),
            ("app://a:0", "port"),
        ])
    func refused(text: String, fault: String) {
        let error = #expect(throws: OriginError.self) { try Origin.validate(ByteText(text)) }
        #expect(error?.fault == fault)
    }

    @Test(
        "Only exactly the same scheme, host and port is allowed; null and none are not",
        arguments: [
            ("https://a.example", true), ("http://127.0.0.1:8080", true),
            ("http://a.example", false),
            ("https://a.example:8443", false), ("https://b.a.example", false),
            ("https://a.example.evil", false),
            ("https://a.example:443", false), ("https://A.example", false),
            ("https://a.example/", false),
            ("app://My-App", true), ("app://my-app", false), ("App://My-App", false),
            ("app://My-App:1", false), ("wss://a.example", false),
            ("null", false), ("", false), ("https://a.example https://a.example", false),
        ])
    func allowed(origin: String, isAllowed: Bool) {
        let origin = ByteText(origin)
        let list: [ByteText] = [
            "https://a.example", "http://127.0.0.1:8080", "app://My-App", "null", "",
        ]
        #expect(Origin.isAllowed(origin: origin, allowed: list) == isAllowed)
        #expect(!Origin.isAllowed(origin: nil, allowed: list))
        #expect(!Origin.isAllowed(origin: origin, allowed: []))
    }

    @Test("A service's own origins are that of its pages and that of its sockets")
    func own() {
        #expect(Origin.own(url: "https://a.example/x") == ["https://a.example", "wss://a.example"])
        #expect(
            Origin.own(url: "http://127.0.0.1:8080")
                == ["http://127.0.0.1:8080", "ws://127.0.0.1:8080"])
        for bad in ["wss://a.example", "app://a", "a.example", ""] {
            #expect(Origin.own(url: bad).isEmpty)
            #expect(Origin.of(url: bad) == nil)
        }
    }

    @Test("A URL's origin is found")
    func ofURL() {
        #expect(Origin.of(url: "https://A.example/x?y#z")?.description == "https://a.example")
        #expect(Origin.of(url: "http://127.0.0.1:8080")?.description == "http://127.0.0.1:8080")
        #expect(Origin.of(url: "http://[::1]:1/x")?.port == 1)
        for bad in ["", "https", "https:", "mailto:a@b", "https:///x"] {
            #expect(Origin.of(url: bad) == nil)
        }
    }
}

extension OriginError {
    /// A word for each.
    fileprivate var fault: String {
        switch self {
        case .unsupportedScheme: "scheme"
        case .unwantedPart: "part"
        case .invalidHost: "host"
        case .invalidPort: "port"
        }
    }
}
