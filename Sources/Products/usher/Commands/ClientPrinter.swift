import Clients
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
            printJSON(.object(object))
        } else {
            say("client_id:     \(client.clientID)")
            say("client_secret: \(secret)")
            for line in endings(client) { say(line) }
            say("Keep the secret now: it is not shown again.")
        }
    }

    func printTable(_ clients: [Client]) {
        if json {
            printJSON(.array(clients.map { .object(details($0)) }))
            return
        }
        guard !clients.isEmpty else {
            say("No clients yet. Register one: usher client add NAME")
            return
        }
        let rows =
            [["CLIENT_ID", "NAME", "STATE", "ROOMS", "ORIGINS"]]
            + clients.map { client in
                [
                    client.clientID, client.name, client.isEnabled ? "enabled" : "disabled",
                    client.rooms.map(\.text).joined(separator: " "),
                    client.origins.joined(separator: " "),
                ]
            }
        for row in rows { say(padded(row, like: rows)) }
    }

    func printDetails(_ client: Client) {
        if json {
            printJSON(.object(details(client)))
            return
        }
        say("client_id: \(client.clientID)")
        say("name:      \(client.name)")
        say("state:     \(client.isEnabled ? "enabled" : "disabled")")
        say("rooms:     \(client.rooms.map(\.text).joined(separator: " "))")
        say("origins:   \(client.origins.isEmpty ? "-" : client.origins.joined(separator: " "))")
        say("scopes:    \(client.scopes.joined(separator: " "))")
        say("created:   \(Clock.text(client.createdAt))")
        for (index, secret) in client.secrets.enumerated() {
            let end = secret.expiresAt.map { "ends \(Clock.text($0))" } ?? "no end"
            say("secret \(index + 1):  made \(Clock.text(secret.createdAt)), \(end)")
        }
    }

    func printDone(_ what: String, _ clientID: String) {
        if json {
            printJSON(["client_id": .string(clientID), "state": .string(what)])
        } else {
            say("\(clientID) is \(what).")
        }
    }

    private func endings(_ client: Client) -> [String] {
        client.secrets.compactMap(\.expiresAt).map {
            "The previous secret stays good until \(Clock.text($0))."
        }
    }

    private func details(_ client: Client) -> JSONObject {
        [
            "client_id": .string(client.clientID),
            "name": .string(client.name),
            "enabled": .bool(client.isEnabled),
            "rooms": .array(client.rooms.map { .string($0.text) }),
            "origins": .array(client.origins.map { .string($0) }),
            "scope": .string(client.scopes.joined(separator: " ")),
            "created_at": .number(JSONNumber(client.createdAt)),
            "secrets": .array(
                client.secrets.map { secret in
                    [
                        "created_at": .number(JSONNumber(secret.createdAt)),
                        "expires_at": secret.expiresAt.map { .number(JSONNumber($0)) } ?? .null,
                    ]
                }),
        ]
    }

    private func printJSON(_ value: JSONValue) {
        say(String(decoding: value.serialized(), as: UTF8.self))
    }

    private func padded(_ row: [String], like rows: [[String]]) -> String {
        row.indices.map { column in
            let width = rows.map { $0[column].count }.max() ?? 0
            let isLast = column == row.count - 1
            let padding = String(repeating: " ", count: isLast ? 0 : width - row[column].count)
            return row[column] + padding
        }.joined(separator: "  ")
    }
}
