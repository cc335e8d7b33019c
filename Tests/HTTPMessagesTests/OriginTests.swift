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
            ("", "origin_unsupported_scheme"), ("null", "origin_unsupported_scheme"),
            ("*", "origin_unsupported_scheme"),
            ("a.example", "origin_unsupported_scheme"), ("ftp://a", "origin_unsupported_scheme"),
            ("https:/a", "origin_unsupported_scheme"), ("https://a/", "origin_unwanted_part"),
            ("https://a/p", "origin_unwanted_part"), ("https://a?q", "origin_unwanted_part"),
            ("https://a#f", "origin_unwanted_part"), ("https://u@a", "origin_unwanted_part"),
            ("https://", "origin_invalid_host"), ("https://*.example", "origin_invalid_host"),
            ("https://a..b", "origin_invalid_host"), ("https://-a", "origin_invalid_host"),
            ("https://a.", "origin_invalid_host"),
            ("https://bücher.example", "origin_invalid_host"),
            ("https://a b", "origin_invalid_host"),
            ("https://1.2.3", "origin_invalid_host"), ("https://256.1.1.1", "origin_invalid_host"),
            ("https://[::1", "origin_invalid_host"), ("https://[1.2.3.4]", "origin_invalid_host"),
            ("https://:80", "origin_invalid_host"),
            ("https://a:", "origin_invalid_port"), ("https://a:0", "origin_invalid_port"),
            ("https://a:65536", "origin_invalid_port"),
            ("https://a:080", "origin_invalid_port"), ("https://a:8o", "origin_invalid_port"),
            ("https://a:1:2", "origin_invalid_port"),
            ("file://a", "origin_unsupported_scheme"), ("apps://a", "origin_unsupported_scheme"),
            ("wss://a/", "origin_unwanted_part"), ("ws://*", "origin_invalid_host"),
            ("app://", "origin_invalid_host"), ("app://a b", "origin_invalid_host"),
            ("app://*", "origin_invalid_host"), ("app://é", "origin_invalid_host"),
            ("app://[::1]", "origin_invalid_host"), ("capacitor://a/", "origin_unwanted_part"),
            ("app://a:0", "origin_invalid_port"),
        ])
    func refused(text: String, code: String) {
        let error = #expect(throws: OriginError.self) { try Origin.validate(ByteText(text)) }
        #expect(error?.code == code)
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
