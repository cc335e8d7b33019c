import Bytes
import Clients
import Identifiers
import StrictJSON
import Tokens

/// Prints clients: tables for people, one JSON value for programs.
struct ClientPrinter {
    let json: Bool

    /// The one place where a secret is shown.
    func printSecret(_ secret: String, of client: Client) {
        if json {
            var object = details(client)
            object["client_secret"] = .string(secret)
            sayJSON(.object(object))
        } else {
            say("client_id:     \(client.clientID)")
            say("client_secret: \(secret)")
            for line in endings(client) { say(line) }
            say("Keep the secret now: it is not shown again.")
        }
    }

    func printTable(_ clients: [Client]) {
        if json {
            sayJSON(.array(clients.map { .object(details($0)) }))
            return
        }
        guard !clients.isEmpty else {
            say("No clients yet. Register one: usher client add NAME")
            return
        }
        let rows =
            [["CLIENT_ID", "NAME", "STATE", "LEGACY", "ROOMS", "ORIGINS"]]
            + clients.map { client in
                [
                    client.clientID.string, client.name, client.isEnabled ? "enabled" : "disabled",
                    client.legacySecret == nil ? "-" : "hs256",
                    client.rooms.map(\.text).joined(separator: " "),
                    client.origins.joined(separator: " "),
                ]
            }
        for line in TextTable(rows: rows).lines { say(line) }
    }

    func printDetails(_ client: Client) {
        if json {
            sayJSON(.object(details(client)))
            return
        }
        say("client_id: \(client.clientID)")
        say("name:      \(client.name)")
        say("state:     \(client.isEnabled ? "enabled" : "disabled")")
        say("rooms:     \(client.rooms.map(\.text).joined(separator: " "))")
        say(
            "origins:   \(client.origins.isEmpty ? "-" : client.origins.joined(separator: " "))"
        )
        say("scopes:    \(client.scopes.joined(separator: " "))")
        say("lifetime:  tokens of up to \(client.lifetimeSecondsMax) s")
        for key in client.assertionKeys {
            say("key:       \(key.algorithm.rawValue) \(key.keyID)")
        }
        if client.legacySecret != nil {
            say("legacy:    HS256 tokens of its backend's open its rooms")
        }
        if !client.introspects.isEmpty {
            let names = client.introspects.map(\.string).joined(separator: " ")
            say("may ask:   about tokens of \(names)")
        }
        if let registration = client.registration {
            let method = registration.authenticationMethod.rawValue
            say("by:        \(registration.registrar), over HTTP, with \(method)")
        }
        say("created:   \(Clock.text(client.createdAt))")
        for (index, secret) in client.secrets.enumerated() {
            let end = secret.expiresAt.map { "ends \(Clock.text($0))" } ?? "no end"
            say("secret \(index + 1):  made \(Clock.text(secret.createdAt)), \(end)")
        }
    }

    /// `closed` is how many connections ended by it, where that is known.
    func printDone(_ what: String, _ clientID: ClientID, closed: Int? = nil) {
        if json {
            var object: JSONObject = ["client_id": .string(clientID.text), "state": .string(what)]
            if let closed { object["closed"] = .number(Int64(closed)) }
            sayJSON(.object(object))
        } else {
            say("\(clientID) is \(what).")
            if let closed { say(Closed.text(closed)) }
        }
    }

    private func endings(_ client: Client) -> [String] {
        client.secrets.compactMap(\.expiresAt).map {
            "The previous secret stays good until \(Clock.text($0))."
        }
    }

    private func details(_ client: Client) -> JSONObject {
        [
            "client_id": .string(client.clientID.text),
            "name": .string(client.name),
            "enabled": .bool(client.isEnabled),
            "rooms": .array(client.rooms.map { .string($0.text) }),
            "origins": .array(client.origins.map { .string($0) }),
            "scope": .string(client.scopes.joined(separator: " ")),
            "lifetime_seconds_max": .number(client.lifetimeSecondsMax),
            "assertion_keys": .array(client.assertionKeys.map(\.jwk)),
            "legacy_hs256": .bool(client.legacySecret != nil),
            "introspects": .array(client.introspects.map { .string($0.text) }),
            "registrar": client.registration.map { .string($0.registrar.text) } ?? .null,
            "created_at": .number(client.createdAt),
            "secrets": .array(
                client.secrets.map { secret in
                    [
                        "created_at": .number(secret.createdAt),
                        "expires_at": secret.expiresAt.map { .number($0) } ?? .null,
                    ]
                }),
        ]
    }
}
