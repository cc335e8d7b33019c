import Access
import ArgumentParser
import Bytes
import Clients
import Identifiers
import SigningKeys
import StrictJSON
import Tokens
import UsherVerifier

extension TokenCommand {
    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check a token as the service itself would; exit 0 or 1.",
            discussion: """
                Reads the token on stdin and checks form, signature (by the keys of --keys), \
                issuer, audience, times, and in the registry whether it is revoked and its client \
                is enabled. On 1, stderr names the reason by its stable code.

                EXAMPLES
                  usher token verify < token.txt
                  usher token verify --issuer https://meet.example --json < token.txt
                """)

        @OptionGroup var service: ServiceOptions

        func run() throws {
            try report {
                let here = try service.service()
                let verifier = try Verifier(
                    issuer: try here.issuer(), audience: try here.audience(),
                    algorithms: [.es256, .rs256, .eddsa],
                    keys: .keys(try here.keys().verification))
                let token = try TokenInput.read()
                let claims: TokenClaims
                do throws(TokenRejection) {
                    claims = try verifier.verify(
                        token, atSecondsSinceEpoch: Clock.now(), accepting: [.access, .session]
                    ).claims
                } catch {
                    throw reject(error.code, RejectionText.text(error))
                }
                try checkRegistry(claims, here)
                show(claims, token, isRevocationChecked: here.settings.registry.isThere)
            }
        }

        private func checkRegistry(_ claims: TokenClaims, _ here: ServiceUnderCommand) throws {
            guard here.settings.registry.isThere else {
                return complain(
                    "there is no \(here.settings.registry): revocation was not checked")
            }
            let registry = try here.registry()
            guard let client = try registry.client(id: claims.clientID), client.isEnabled
            else {
                throw reject("client_not_enabled", "its client is disabled or removed")
            }
            let revoked = RevocationSet(try registry.revocations())
            if revoked.isRevoked(RevocableToken(claims)) {
                throw reject("token_revoked", "it was revoked")
            }
        }

        /// Says why on stdout for programs and on stderr for people; the code is the contract.
        private func reject(_ code: String, _ text: String) -> ExitCode {
            if service.json { sayJSON(["valid": false, "code": .string(code)]) }
            complain("\(code): \(text)")
            return ExitCode(1)
        }

        private func show(_ claims: TokenClaims, _ token: String, isRevocationChecked: Bool) {
            // It was verified, so it can be taken apart.
            guard let decoded = try? DecodedToken(token) else { return }
            if service.json {
                sayJSON([
                    "valid": true, "revocation_checked": .bool(isRevocationChecked),
                    "header": .object(decoded.header), "claims": .object(decoded.claims),
                ])
            } else {
                let end = TokenPrinter.Duration.text(max(0, claims.expiresAt - Clock.now()))
                say("The token is good for another \(end).")
                TokenPrinter(now: Clock.now()).show("header", decoded.header)
                TokenPrinter(now: Clock.now()).show("claims", decoded.claims)
            }
        }
    }
}

/// Why a token is rejected, for the person who holds it.
enum RejectionText {
    static func text(_ rejection: TokenRejection) -> String {
        switch rejection {
        case .tooLong: "it is longer than 8 KiB"
        case .notCompact: "it has not three parts with dots between"
        case .badEncoding: "a part of it is not strict base64url"
        case .badJSON: "its header or payload is not one strict JSON object"
        case .criticalHeader: "its header has crit, and no extension is understood"
        case .badHeader(let member): "the header member \(member) is missing or wrong"
        case .algorithmNotAllowed: "its alg is none that is accepted"
        case .unknownKey: "no key of this service has its kid: is --keys that of its issuer?"
        case .algorithmMismatch: "its alg is not that of the key its kid names"
        case .wrongType: "its typ is none of ours"
        case .badSignature: "its signature is not the key's over these bytes"
        case .missingClaim(let claim): "the claim \(claim) is missing"
        case .malformedClaim(let claim): "the claim \(claim) has the wrong form"
        case .wrongIssuer: "its iss is another: name the issuer you expect with --issuer"
        case .wrongAudience: "its aud is another: name the audience you expect with --audience"
        case .expired(let seconds): "it ended \(TokenPrinter.Duration.text(seconds)) ago"
        case .notYetValid(let seconds):
            "it begins in \(TokenPrinter.Duration.text(seconds)); compare the clocks"
        case .issuedInFuture(let seconds):
            "it was issued \(TokenPrinter.Duration.text(seconds)) from now; compare the clocks"
        case .senderConstrained: "it is bound to a key of its sender, so it is no bearer token"
        case .keysUnavailable: "there is no key to check it with"
        }
    }
}
