import Bytes
import Cryptography
import Identifiers
import StrictJSON
import TestSupport
import Testing
import TokenIssuing
import Tokens

@Suite("Issuing tokens (RFC 9068)")
struct TokenIssuerTests {
    private static let key = try! SigningKey.generate(.es256)

    private func claims(_ change: (inout TokenClaims) -> Void = { _ in }) throws -> TokenClaims {
        var claims = TokenClaims(
            issuer: "https://a.example", audience: ["https://a.example"], subject: "c1",
            clientID: "c1", issuedAt: 1000, expiresAt: 1600, tokenID: "t1", scopes: ["signal"],
            rooms: [try RoomPattern("team-*"), try RoomPattern("lobby")])
        change(&claims)
        return claims
    }

    private func part(_ token: String, _ index: Int) throws -> [UInt8] {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        try #require(parts.count == 3)
        return try #require(Base64URL.decode(parts[index]))
    }

    private func payload(_ token: String) throws -> JSONObject {
        try #require(JSONValue.parse(part(token, 1)).object)
    }

    private func fault(
        _ change: (inout TokenClaims) -> Void
    ) throws -> TokenIssuingError? {
        let claims = try claims(change)
        do throws(TokenIssuingError) {
            _ = try TokenIssuer(key: Self.key).issue(claims)
            return nil
        } catch {
            return error
        }
    }

    @Test(
        "The header names algorithm, key and type, and nothing else (RFC 9068 §2.1)",
        arguments: [
            (TokenKind.access, "at+jwt"), (.session, "usher-session+jwt"),
        ])
    func header(_ kind: TokenKind, _ type: String) throws {
        let token = try TokenIssuer(key: Self.key).issue(claims { $0.kind = kind })
        #expect(
            try JSONValue.parse(part(token, 0)).object?.members.map(\.name).sorted()
                == ["alg", "kid", "typ"])
        let header = try #require(JSONValue.parse(part(token, 0)).object)
        #expect(header["alg"] == "ES256")
        #expect(header["typ"] == .string(type))
        #expect(header["kid"] == .string(Self.key.publicKey.keyID))
    }

    @Test("The claims are there as asked, in their JSON types (RFC 9068 §2.2)")
    func payload() throws {
        let token = try TokenIssuer(key: Self.key).issue(
            claims {
                $0.notBefore = 990
                $0.name = "Ann \"A\" \\ \u{1F600}"
                $0.scopes = ["signal", "chat"]
            })
        let payload = try payload(token)
        #expect(payload["iss"] == "https://a.example")
        #expect(payload["aud"] == "https://a.example")
        #expect(payload["sub"] == "c1")
        #expect(payload["client_id"] == "c1")
        #expect(payload["iat"]?.int64 == 1000)
        #expect(payload["nbf"]?.int64 == 990)
        #expect(payload["exp"]?.int64 == 1600)
        #expect(payload["jti"] == "t1")
        #expect(payload["scope"] == "signal chat")
        #expect(payload["rooms"] == ["team-*", "lobby"])
        #expect(payload["name"] == .string("Ann \"A\" \\ \u{1F600}"))
        #expect(payload.members.count == 11)
    }

    @Test("Several audiences are a list; no scope, rooms or name leave their claims out")
    func forms() throws {
        let payload = try payload(
            TokenIssuer(key: Self.key).issue(
                claims {
                    $0.audience = ["a", "b\"c"]
                    $0.scopes = []
                    $0.rooms = []
                }))
        #expect(payload["aud"] == ["a", "b\"c"])
        for name in ["scope", "rooms", "name", "nbf"] { #expect(payload[ByteText(name)] == nil) }
    }

    @Test("What is issued is read back the same", arguments: SignatureAlgorithm.allCases)
    func roundTrip(_ algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let claims = try claims {
            $0.name = "Zoë\u{7F}\t\u{2028}"
            $0.subject = "c1:a\u{FEFF}b/\\\"c"
            $0.rooms.append((try? RoomPattern("部\"屋\\*")) ?? $0.rooms[0])
        }
        let token = try TokenIssuer(key: key).issue(claims)
        let payload = try part(token, 1)
        #expect(try TokenClaims(reading: payload.span, kind: .access) == claims)
        let jws = try CompactJWS(splitting: Array(token.utf8).span)
        let input = Array(Array(token.utf8)[jws.signingInput])
        #expect(
            try VerifyingKey(key.publicKey).isValid(signature: part(token, 2), over: input))
    }

    @Test("Tokens of one client that differ in what they have come out as asked, in any order")
    func shapes() throws {
        let issuer = TokenIssuer(key: Self.key)
        var all: [TokenClaims] = []
        for bits in 0..<64 {
            all.append(
                try claims {
                    $0.subject = "c1:user \(bits) \"\\"
                    $0.tokenID = "t\(bits)"
                    $0.issuedAt = Int64(bits)
                    $0.expiresAt = Int64(bits) * 1_000_000
                    if bits & 1 != 0 { $0.name = "Name \(bits)\n" }
                    if bits & 2 != 0 { $0.notBefore = Int64(bits) + 7 }
                    if bits & 4 != 0 { $0.rooms = [] }
                    if bits & 8 != 0 { $0.audience = ["a", "b"] }
                    if bits & 16 != 0 { $0.scopes = [] }
                    if bits & 32 != 0 { $0.issuer = "caf\u{E9}" }
                })
            all.append(all[all.count / 2])
            var equivalent = all[all.count - 2]
            equivalent.issuer = "cafe\u{301}"
            all.append(equivalent)
        }
        var random = SeededGenerator(seed: 9)
        for claims in all + all.shuffled(using: &random) {
            let payload = try part(issuer.issue(claims), 1)
            let read = try TokenClaims(reading: payload.span, kind: .access)
            #expect(read == claims)
            #expect(read.issuer.utf8.elementsEqual(claims.issuer.utf8))
        }
    }

    @Test("What no verifier would take is not issued, and the claim is named")
    func unfit() throws {
        #expect(try fault { $0.issuer = "" } == .unfitClaim(.issuer))
        #expect(try fault { $0.audience = [] } == .unfitClaim(.audience))
        #expect(try fault { $0.audience = [""] } == .unfitClaim(.audience))
        #expect(try fault { $0.audience = ["a", ""] } == .unfitClaim(.audience))
        #expect(try fault { $0.subject = "a\u{0}b" } == .unfitClaim(.subject))
        #expect(try fault { $0.clientID = "" } == .unfitClaim(.clientID))
        #expect(try fault { $0.clientID = "caf\u{E9}" } == .unfitClaim(.clientID))
        #expect(try fault { $0.tokenID = "" } == .unfitClaim(.tokenID))
        #expect(try fault { $0.name = "" } == .unfitClaim(.name))
        #expect(try fault { $0.name = "a\u{0}" } == .unfitClaim(.name))
        #expect(try fault { $0.scopes = ["a b"] } == .unfitClaim(.scope))
        #expect(try fault { $0.scopes = ["a\"b"] } == .unfitClaim(.scope))
        #expect(try fault { $0.issuedAt = -1 } == .unfitClaim(.issuedAt))
        #expect(try fault { $0.notBefore = -1 } == .unfitClaim(.notBefore))
        #expect(try fault { $0.expiresAt = .max } == .unfitClaim(.expiresAt))
    }

    @Test("A token longer than 8 KiB is not issued: no verifier would look at it")
    func tooLong() throws {
        let rooms = try (0..<200).map { try RoomPattern("room-\($0)-of-a-rather-long-name-*") }
        let fault = try #require(try fault { $0.rooms = rooms })
        guard case .tooLong(let byteCount) = fault else {
            Issue.record("\(fault)")
            return
        }
        #expect(byteCount > CompactJWS.bytesMax)
        #expect(fault.description.contains("fewer rooms"))
    }

    @Test("Many threads issue with one issuer")
    func threads() async throws {
        let issuer = TokenIssuer(key: Self.key)
        let claims = try claims()
        let tokens = await withTaskGroup(of: [String].self) { group in
            for worker in 0..<8 {
                group.addTask {
                    (0..<100).compactMap { round in
                        var own = claims
                        own.tokenID = "\(worker).\(round)"
                        return try? issuer.issue(own)
                    }
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(tokens).count == 800)
        let identifiers = try tokens.map { try payload($0)["jti"]?.string?.string }
        #expect(Set(identifiers).count == 800)
    }

    @Test("Every error has a code and says what is wrong")
    func errors() {
        let errors: [TokenIssuingError] = [
            .unfitClaim(.name), .tooLong(byteCount: 9000), .buildingFailed,
            .signing(.signingFailed(.es256)),
        ]
        #expect(Set(errors.map(\.code)).count == errors.count)
        for error in errors { #expect(error.description.count > 15) }
    }
}
