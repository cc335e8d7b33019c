import Bytes
import Edge
import HTTPMessages
import StrictJSON
import Testing

/// The edge step (RFC 9700 §4.13: strip what a client must not set; RFC 6750 §2: one method).
@Suite struct EdgeStepTests {
    private let step = EdgeStep(cookieName: "__Host-usher_session")
    private let cookie: ByteText = "__Host-usher_session"

    private func apply(_ fields: [(ByteText, ByteText)]) throws -> EdgeResult {
        try step.apply(HeaderFields(fields))
    }

    @Test("The cookie becomes the only Authorization and is taken off; all else stays")
    func cookieBecomesAuthorization() throws {
        let result = try apply([
            ("Host", "h"), ("Cookie", "a=1; \(cookie)=x.y-z_~+/==; b=2"), ("Accept", "*/*"),
        ])
        #expect(result.fromCookie)
        #expect(
            result.headers
                == HeaderFields([
                    ("Host", "h"), ("Cookie", "a=1; b=2"), ("Accept", "*/*"),
                    ("Authorization", "Bearer x.y-z_~+/=="),
                ]))
    }

    @Test("A Cookie field that held nothing else goes")
    func emptyCookieFieldGoes() throws {
        let result = try apply([("cookie", "\(cookie)=t"), ("Cookie", "a=1")])
        #expect(
            result.headers == HeaderFields([("Cookie", "a=1"), ("Authorization", "Bearer t")]))
    }

    @Test("With the cookie, no Authorization of the client's is left, however many it sent")
    func clientAuthorizationIsReplaced() throws {
        let result = try apply([
            ("Authorization", "Bearer forged"), ("Cookie", "\(cookie)=real"),
            ("AUTHORIZATION", "Basic Zm9v"), ("authorization", ""),
        ])
        #expect(result.headers == HeaderFields([("Authorization", "Bearer real")]))
    }

    @Test(
        "Without the cookie, Authorization passes unchanged, whatever its scheme",
        arguments: ["Bearer t", "Basic Zm9v", "DPoP x", "", "nonsense"])
    func authorizationPasses(value: String) throws {
        let headers = HeaderFields([
            ("Authorization", ByteText(value)), ("Cookie", "other=1; \(cookie)x=2; x\(cookie)=3"),
        ])
        let result = try step.apply(headers)
        #expect(result == EdgeResult(headers: headers, fromCookie: false))
    }

    @Test("Where nobody knows yet who uses the cookie, a bad one is a part of the result")
    func prepared() throws {
        let bad = step.prepare(
            HeaderFields([
                ("Cookie", "a=1; \(cookie)=x; \(cookie)=y"), ("Authorization", "Bearer own"),
            ]))
        #expect(bad.refusal == .cookieRepeated(name: cookie))
        #expect(!bad.fromCookie)
        #expect(
            bad.headers == HeaderFields([("Cookie", "a=1"), ("Authorization", "Bearer own")]))
        let good = HeaderFields([("Cookie", "\(cookie)=x")])
        #expect(try step.prepare(good) == step.apply(good))
    }

    @Test("The cookie's name is case-sensitive")
    func nameCase() throws {
        let headers = HeaderFields([("Cookie", "__HOST-usher_session=t")])
        #expect(try !step.apply(headers).fromCookie)
    }

    @Test(
        "Names that a server behind us could read as Authorization or Cookie are taken off",
        arguments: ["Authorization_", "_authorization", "-Authorization", "Author_ization"])
    func lookalikes(name: String) throws {
        let name = ByteText(name)
        let without = try apply([(name, "Bearer forged"), ("Host", "h")])
        #expect(without.headers == HeaderFields([("Host", "h")]))
        let with = try apply([(name, "Bearer forged"), ("Cookie", "\(cookie)=t")])
        #expect(with.headers == HeaderFields([("Authorization", "Bearer t")]))
        let cookie = try apply([("Cookie_", "\(cookie)=forged"), ("Coo-kie", "a")])
        #expect(cookie == EdgeResult(headers: HeaderFields(), fromCookie: false))
    }

    @Test("Names that only contain Authorization are left alone")
    func otherNames() throws {
        let headers = HeaderFields([
            ("Proxy-Authorization", "a"), ("X-Authorization", "b"), ("Set-Cookie", "c"),
            ("Authorization-Info", "d"),
        ])
        #expect(try step.apply(headers).headers == headers)
    }

    @Test(
        "Two cookies of the name are refused, in one field or in two, equal or not",
        arguments: [
            ["n=a; n=b"], ["n=a; n=a"], ["n=a", "n=b"], ["n=a", "x=1; n="], ["n=; n="],
        ])
    func repeated(values: [String]) {
        let step = EdgeStep(cookieName: "n")
        #expect(throws: EdgeRefusal.cookieRepeated(name: "n")) {
            try step.apply(HeaderFields(values.map { ("Cookie", ByteText($0)) }))
        }
    }

    @Test("An empty cookie is refused", arguments: ["n=", "n= ", "a=1; n=;b"])
    func empty(value: String) {
        #expect(throws: EdgeRefusal.cookieEmpty(name: "n")) {
            try EdgeStep(cookieName: "n").apply(HeaderFields([("Cookie", ByteText(value))]))
        }
    }

    @Test(
        "A value that is no b64token is refused (RFC 6750 §2.1)",
        arguments: [
            "\"quoted\"", "a b", "a,b", "=", "==", "a=b", "a==b", "é", "a%20b", "a:b", "Bearer t",
            "<t>",
        ])
    func malformed(value: String) {
        #expect(throws: EdgeRefusal.cookieMalformed(name: "n")) {
            try EdgeStep(cookieName: "n").apply(HeaderFields([("Cookie", "n=\(value)")]))
        }
    }

    @Test("3584 bytes pass and one more does not", arguments: [(3584, true), (3585, false)])
    func size(count: Int, passes: Bool) throws {
        let headers = HeaderFields([("Cookie", "\(cookie)=\(String(repeating: "a", count: count))")]
        )
        if passes {
            #expect(try step.apply(headers).fromCookie)
        } else {
            #expect(throws: EdgeRefusal.cookieTooLong(name: cookie, bytesMax: 3584)) {
                try step.apply(headers)
            }
        }
    }

    @Test("Several Authorization fields without the cookie are refused")
    func repeatedAuthorization() {
        #expect(throws: EdgeRefusal.authorizationRepeated) {
            try apply([("Authorization", "Bearer a"), ("authorization", "Bearer a")])
        }
    }

    @Test("Every refusal is invalid_request, names the cookie and holds no value of it")
    func refusals() throws {
        let refusals: [EdgeRefusal] = [
            .cookieRepeated(name: "n1"), .cookieEmpty(name: "n1"), .cookieMalformed(name: "n1"),
            .cookieTooLong(name: "n1", bytesMax: 5), .authorizationRepeated,
        ]
        for refusal in refusals {
            let body = refusal.body.object
            #expect(body?["error"] == "invalid_request")
            let text = try #require(body?["error_description"]?.string?.string)
            #expect(refusal == .authorizationRepeated || text.contains("n1"))
            #expect(text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C })
        }
        #expect(Set(refusals.map(\.description)).count == refusals.count)
    }

    @Test("Applied twice, the step is as applied once")
    func idempotent() throws {
        let once = try apply([("Cookie", "a=1; \(cookie)=t"), ("Authorization", "x")])
        let twice = try step.apply(once.headers)
        #expect(twice.headers == once.headers && !twice.fromCookie)
    }
}
