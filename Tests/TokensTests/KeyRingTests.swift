import Testing
import Tokens

@Suite("Key ring (RFC 8725 §3.1)")
struct KeyRingTests {
    private func ring() throws -> KeyRing<Int> {
        var ring = KeyRing<Int>()
        try ring.add(1, keyID: "a", algorithm: .es256)
        try ring.add(2, keyID: "b", algorithm: .rs256)
        return ring
    }

    private func header(_ algorithm: String, _ keyID: String) throws -> JOSEHeader {
        let json = Array(#"{"alg":"\#(algorithm)","kid":"\#(keyID)"}"#.utf8)
        return try JOSEHeader(reading: json.span)
    }

    @Test("A key is found by its kid")
    func found() throws {
        #expect(try ring().key(for: header("ES256", "a")) == 1)
        #expect(try ring().key(for: header("RS256", "b")) == 2)
    }

    @Test("An unknown kid gets no key, least of all a default one")
    func unknown() throws {
        let header = try header("ES256", "A")
        #expect(throws: TokenFault.unknownKey) { _ = try ring().key(for: header) }
    }

    @Test("No kid gets no key (docs/conformance.md, kid as input)")
    func nameless() throws {
        let header = try JOSEHeader(reading: Array(#"{"alg":"ES256"}"#.utf8).span)
        #expect(throws: TokenFault.badHeader(member: .keyID)) {
            _ = try ring().key(for: header)
        }
    }

    @Test("A key works with its one algorithm (CVE-2015-9235, CVE-2016-5431, CVE-2022-29217)")
    func confusion() throws {
        for name in ["HS256", "RS256", "EdDSA"] {
            let header = try header(name, "a")
            #expect(throws: TokenFault.algorithmMismatch) { _ = try ring().key(for: header) }
        }
    }

    @Test("No two keys have one kid")
    func duplicates() throws {
        var ring = try ring()
        #expect(throws: KeyFault.duplicateKeyID("a")) {
            try ring.add(3, keyID: "a", algorithm: .es256)
        }
        #expect(ring.count == 2)
    }
}
