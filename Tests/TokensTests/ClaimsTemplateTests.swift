import Bytes
import Identifiers
import StrictJSON
import Testing
import Tokens

@Suite("Templates of payloads")
struct ClaimsTemplateTests {
    private func claims(_ change: (inout TokenClaims) -> Void = { _ in }) throws -> TokenClaims {
        var claims = TokenClaims(
            issuer: "i", audience: ["a"], subject: "s", clientID: "c", issuedAt: 1,
            expiresAt: 2, tokenID: "t", scopes: ["x"], rooms: [try RoomPattern("r")], name: "n")
        change(&claims)
        return claims
    }

    private static let built =
        Array(
            #"{"aud":"a","client_id":"c","exp":0,"iat":0,"iss":"i","jti":"-","name":"-","#.utf8)
        + Array(#""rooms":["r"],"scope":"x","sub":"-"}"#.utf8)

    @Test("What is open is filled in, and the rest stays byte for byte")
    func fills() throws {
        let template = try #require(ClaimsTemplate(payload: Self.built, for: claims()))
        let other = try claims {
            $0.subject = "\"exp\":0"
            $0.tokenID = "-"
            $0.issuedAt = 77
            $0.expiresAt = 253_402_300_799
            $0.rooms = [try? RoomPattern("q\"*"), try? RoomPattern("*")].compactMap { $0 }
            $0.name = "\u{1}ö"
        }
        let expected =
            #"{"aud":"a","client_id":"c","exp":253402300799,"iat":77,"iss":"i","jti":"-","#
            + #""name":"\u0001ö","rooms":["q\"*","*"],"scope":"x","sub":"\"exp\":0"}"#
        #expect(template.fits(other))
        #expect(String(decoding: template.payload(for: other), as: UTF8.self) == expected)
        #expect(
            try TokenClaims(reading: template.payload(for: other).span, kind: .access) == other)
    }

    @Test("Claims that differ in what is fixed do not fit")
    func fits() throws {
        let template = try #require(ClaimsTemplate(payload: Self.built, for: claims()))
        #expect(template.fits(try claims()))
        #expect(!template.fits(try claims { $0.issuer = "j" }))
        #expect(!template.fits(try claims { $0.audience = ["a", "b"] }))
        #expect(!template.fits(try claims { $0.clientID = "d" }))
        #expect(!template.fits(try claims { $0.scopes = [] }))
        #expect(!template.fits(try claims { $0.rooms = [] }))
        #expect(!template.fits(try claims { $0.name = nil }))
        #expect(!template.fits(try claims { $0.notBefore = 1 }))
    }

    @Test("A payload that lacks an open place makes no template")
    func incomplete() throws {
        let text = String(decoding: Self.built, as: UTF8.self)
        for bad in ["", "[]", text + "x", text.replacing("\"jti\":\"-\",", with: "")] {
            #expect(ClaimsTemplate(payload: Array(bad.utf8), for: try claims()) == nil)
        }
    }

    @Test("A skeleton has the shape of the claims and none of what is open")
    func skeleton() throws {
        let skeleton = ClaimsTemplate.skeleton(
            of: try claims {
                $0.notBefore = 5
                $0.rooms.append($0.rooms[0])
            })
        #expect(skeleton.issuer == "i" && skeleton.scopes == ["x"])
        #expect(skeleton.subject == "-" && skeleton.tokenID == "-" && skeleton.name == "-")
        #expect((skeleton.issuedAt, skeleton.notBefore, skeleton.expiresAt) == (0, 0, 0))
        #expect(skeleton.rooms.count == 1)
    }
}
