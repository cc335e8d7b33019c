import Access
import ArgumentParser
import Bytes
import Clients
import Cryptography
import Identifiers
import KeyFollowing
import SigningKeys
import StrictJSON
import Tokens
import UsherVerifier

extension TokenCommand {
    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Refuse a token from now on, or all that a user or a client has.",
            discussion: """
                Without --client the token comes on stdin. A running service follows within a \
                second and closes the sockets that were opened with what is revoked. Tokens \
                issued later are good again: disable a client to keep it out. With --all a \
                client's legacy secret is removed, since its HS256 tokens bear no date.

                With --table it is refused by a relay that runs as a function, whoever issued \
                it, and a token on stdin is taken at its word; what it opened is closed at once \
                where --gateway names the stage's own address, and otherwise with the next \
                message. Legacy secrets stand in USHER_LEGACY_SECRETS there.

                EXAMPLES
                  usher token revoke < token.txt
                  usher token revoke --client c_… --subject alice
                  usher token revoke --client c_… --all
                  usher token revoke --table usher --region eu-central-1 < token.txt
                """)

        @Option(help: "The client whose tokens are meant.", transform: { ClientID($0) }) var client:
            ClientID?
        @Option(help: "With --client: the tokens of this user of the client's.")
        var subject: String?
        @Flag(help: "With --client: all tokens of the client.") var all = false
        @OptionGroup var home: TableOptions
        @OptionGroup var gateway: GatewayOptions
        @OptionGroup var options: KeyOptions

        func validate() throws {
            try home.check(excludes: options.places.given + [("--keys", options.keys)])
            try gateway.check(with: home)
            if client == nil, subject != nil || all {
                throw ValidationError("--subject and --all need --client CLIENT_ID")
            }
            if client != nil, (subject != nil) == all {
                throw ValidationError(
                    "--client needs either --subject SUBJECT or --all beside it")
            }
        }

        func run() throws {
            try report {
                let now = Clock.now()
                if let relay = try home.relay(gateway: gateway.gateway) {
                    return try revoke(at: relay, now)
                }
                let opened = try options.places.place().open(mustExist: true)
                guard let revocation = try revocation(opened, now) else {
                    return doneExpired()
                }
                try opened.revoke(revocation, by: .atTerminal(), at: now)
                show(revocation)
            }
        }

        private func revocation(_ opened: any Registry, _ now: Int64) throws -> Revocation? {
            guard let client else { return try ofToken(opened, now) }
            _ = try opened.existing(id: client)
            guard let subject else { return .allOf(clientID: client, now: now) }
            try Self.check(subject: subject)
            return .allOf(user: ByteText(subject), of: client, now: now)
        }

        static func check(subject: String) throws(SettingError) {
            guard TextRules.isLabel(ByteText(subject)) else {
                throw SettingError(
                    place: "--subject", value: Printable.text(subject),
                    expected: "1 to \(TextRules.bytesMax) bytes without control characters")
            }
        }

        /// Only what our own keys have signed, or a client's legacy secret: another's token cannot
        /// be revoked here, and saying that it was would be a lie. Nil where it has ended.
        private func ofToken(_ opened: any Registry, _ now: Int64) throws -> Revocation? {
            let token = try TokenInput.read()
            let claims = try ownClaims(of: token) ?? legacyClaims(of: token, opened, now)
            let revocation = Revocation.of(claims)
            return revocation.expiresAt > now ? revocation : nil
        }

        /// Nil where its algorithm is none of our keys'.
        private func ownClaims(of token: String) throws -> TokenClaims? {
            let known = try options.store().load().verification
            // Issuer and audience are not looked at: a token of before they changed counts too.
            let verifier = try Verifier(
                issuer: "any", audience: "any", algorithms: [.es256, .rs256, .eddsa],
                keys: .keys(known))
            let payload: [UInt8]
            do throws(TokenRejection) {
                payload = try verifier.verifySignature(ofCompactJWS: Array(token.utf8))
            } catch {
                if error == .algorithmNotAllowed { return nil }
                throw failure(error)
            }
            guard let claims = try? TokenClaims(reading: payload.span, kind: .access) else {
                throw CommandFailure("its claims are not those of a token of ours")
            }
            return claims
        }

        private func legacyClaims(
            of token: String, _ opened: any Registry, _ now: Int64
        ) throws(CommandFailure) -> TokenClaims {
            do throws(TokenFault) {
                let legacy = try LegacyToken(verifying: token) { id in
                    (try? opened.client(id: id))?.legacy
                }
                return legacy.claims(
                    issuer: "any", audience: "any", shownAt: now, sha256: Digest.sha256)
            } catch {
                throw failure(TokenRejection(error))
            }
        }

        func failure(_ rejection: TokenRejection) -> CommandFailure {
            CommandFailure("\(rejection.code): \(RejectionText.text(rejection))")
        }

        /// `closed` is how many connections ended by it, where that is known.
        func show(_ revocation: Revocation, closed: Int? = nil) {
            switch revocation {
            case .token(let id, _, _):
                done(
                    "revoked", "The token \(Printable.text(id)) is revoked.",
                    ["jti": .string(id)], closed)
            case .subject(let subject, let before, _):
                done(
                    "revoked",
                    "All tokens of \(Printable.text(subject.string)) issued until now are revoked.",
                    ["sub": .string(subject.text), "issued_before": .number(before)], closed)
            case .client(let id, let before, _):
                done(
                    "revoked", "All tokens of \(id) issued until now are revoked.",
                    ["client_id": .string(id.text), "issued_before": .number(before)], closed)
            }
        }

        func doneExpired() {
            done("expired", "It has ended already: there is nothing to revoke.", [:], nil)
        }

        private func done(_ state: String, _ text: String, _ members: JSONObject, _ closed: Int?) {
            guard options.json else {
                say(text)
                if let closed { say(Closed.text(closed)) }
                return
            }
            var object = members
            object["state"] = .string(state)
            if let closed { object["closed"] = .number(Int64(closed)) }
            sayJSON(.object(object))
        }
    }
}
