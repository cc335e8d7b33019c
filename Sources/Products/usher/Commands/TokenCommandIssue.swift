import ArgumentParser
import Bytes
import Clients
import Cryptography
import Identifiers
import StrictJSON
import TokenIssuing
import Tokens

extension TokenCommand {
    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign a token within a client's grant and print it.",
            discussion: """
                It is what the client itself could get from the token endpoint. Whoever has the \
                token can use it until it ends: print it into a file or a pipe.

                EXAMPLES
                  usher token issue c_… --subject alice --name Alice --rooms 'match-*'
                  usher token issue c_… --scope session --subject alice --expires-in 3600 --json
                  usher token issue c_… --scope client:register > initial-token.txt
                """)

        @Argument(help: "The client_id it is issued to.", transform: { ClientID($0) }) var clientID:
            ClientID
        @Option(help: "Room or pattern it opens; may be repeated. (default: all granted)")
        var rooms: [String] = []
        @Option(help: "Scope; may be repeated. (default: all but session, client:register)")
        var scope: [String] = []
        @Option(help: "The client's own name for its user. (default: the client itself)")
        var subject: String?
        @Option(help: "What people see.") var name: String?
        @Option(help: "Seconds it lives, up to the client's limit. (default: 600)")
        var expiresIn: Int64?
        @OptionGroup var service: ServiceOptions

        func run() throws {
            try report {
                let here = try service.service()
                let (issuer, audience) = (try here.issuer(), try here.audience())
                let registry = try here.registry()
                let client = try registry.existing(id: clientID)
                guard client.isEnabled else {
                    throw CommandFailure(
                        "\(clientID) is disabled: usher client enable \(clientID) lets it in again")
                }
                let claims = try IssueRequest(
                    rooms: rooms, scopes: scope, subject: subject, name: name,
                    expiresIn: expiresIn
                ).claims(for: client, issuer: issuer, audience: audience, now: Clock.now())
                let token = try TokenIssuer(key: here.signingKey()).issue(claims)
                // Noted before it is out: a token that nobody can account for must not exist.
                try registry.appendAudit(
                    action: "token.issue", target: clientID.string,
                    details: Self.details(of: claims),
                    by: .atTerminal(), at: claims.issuedAt)
                show(token, claims)
            }
        }

        private func show(_ token: String, _ claims: TokenClaims) {
            guard service.json else { return say(token) }
            sayJSON([
                "access_token": .string(token), "token_type": "Bearer",
                "expires_in": .number(claims.expiresAt - claims.issuedAt),
                "expires_at": .number(claims.expiresAt),
                "scope": .string(claims.scopes.joined(separator: " ")),
                "rooms": .strings(claims.rooms.map(\.text)), "iss": .string(claims.issuer),
                "aud": .strings(claims.audience), "sub": .string(claims.subject.text),
                "client_id": .string(claims.clientID.text), "jti": .string(claims.tokenID),
            ])
        }

        private static func details(of claims: TokenClaims) -> String {
            "jti \(claims.tokenID), sub \(claims.subject), "
                + "scope \(claims.scopes.joined(separator: " ")), "
                + "until \(Clock.text(claims.expiresAt))"
        }
    }
}

/// What `token issue` was asked for.
struct IssueRequest {
    static let lifetimeSecondsDefault: Int64 = 600

    let rooms: [String]
    let scopes: [String]
    let subject: String?
    let name: String?
    let expiresIn: Int64?

    /// - Throws: `SettingError` naming the flag that asks for what is malformed or not granted.
    func claims(
        for client: Client, issuer: String, audience: String, now: Int64
    ) throws(SettingError) -> TokenClaims {
        let scopes = try grantedScopes(of: client)
        let isSession = scopes.contains(Client.sessionScope)
        if isSession, subject == nil {
            throw SettingError(
                place: "--subject", value: "", expected: "whose session it is to be")
        }
        let subject = try label(subject, "--subject")
        let lifetime = try lifetime(for: client)
        return TokenClaims(
            issuer: issuer, audience: [audience],
            subject: Subject(subject.map { ByteText($0) }, of: client.clientID),
            clientID: client.clientID, issuedAt: now, expiresAt: now + lifetime,
            tokenID: Base64URL.encode(SecureRandom.bytes(16)), scopes: scopes.map(\.string),
            rooms: try grantedRooms(of: client), name: try label(name, "--name"),
            kind: isSession ? .session : .access)
    }

    private func lifetime(for client: Client) throws(SettingError) -> Int64 {
        let longest = client.lifetimeSecondsMax
        guard let expiresIn else { return min(Self.lifetimeSecondsDefault, longest) }
        guard (1...longest).contains(expiresIn) else {
            throw SettingError(
                place: "--expires-in", value: String(expiresIn),
                expected: "1 to \(longest) seconds, as \(client.clientID) is allowed")
        }
        return expiresIn
    }

    private func label(_ text: String?, _ flag: String) throws(SettingError) -> String? {
        guard let text else { return nil }
        guard TextRules.isLabel(ByteText(text)) else {
            throw SettingError(
                place: flag, value: Printable.text(text),
                expected: "1 to \(TextRules.bytesMax) bytes of UTF-8 without control characters")
        }
        return text
    }

    private func grantedRooms(of client: Client) throws(SettingError) -> [RoomPattern] {
        var patterns: [RoomPattern] = []
        for text in rooms {
            guard let pattern = try? RoomPattern(text) else {
                throw SettingError(
                    place: "--rooms", value: Printable.text(text),
                    expected: "1 to 256 bytes without white space, \"*\" only as last character")
            }
            if !patterns.contains(pattern) { patterns.append(pattern) }
        }
        do throws(GrantRefusal) {
            return try client.grant.rooms(patterns.isEmpty ? nil : patterns)
        } catch {
            guard case .room(let pattern) = error else { return [] }
            throw notGranted("--rooms", pattern.text, client, client.rooms.map(\.text))
        }
    }

    private func grantedScopes(of client: Client) throws(SettingError) -> [ByteText] {
        var asked: [ByteText] = []
        for scope in scopes.flatMap({ ByteText($0).split(separator: UInt8(ascii: " ")) })
        where !asked.contains(scope) {
            asked.append(scope)
        }
        do throws(GrantRefusal) {
            return try client.grant.scopes(scopes.isEmpty ? nil : asked)
        } catch {
            guard case .scope(let scope) = error else {
                throw notGranted("--scope", "", client, client.scopes.map(\.string))
            }
            throw notGranted("--scope", scope.string, client, client.scopes.map(\.string))
        }
    }

    private func notGranted(
        _ flag: String, _ value: String, _ client: Client, _ granted: [String]
    ) -> SettingError {
        SettingError(
            place: flag, value: Printable.text(value),
            expected: "what \(client.clientID) is granted: \(granted.joined(separator: " "))")
    }
}
