import Bytes
import Identifiers
import Tokens

/// What the audit log says about changes of clients, for people: grants by their values, never a
/// secret or its digest, keys by their ids. A name may hold anything, so it comes last.
enum AuditDetails {
    static func added(_ client: Client) -> String {
        [
            list("rooms", client.rooms.map(\.text)), list("origins", client.origins.map(\.string)),
            list("scopes", client.scopes.map(\.string)),
            text("lifetime", String(client.lifetimeSecondsMax)),
            list("keys", client.assertionKeys.map(\.keyID)),
            client.legacySecret.map { _ in "legacy secret set" },
            client.introspects.isEmpty
                ? nil : list("introspects", client.introspects.map(\.string)),
            client.registration.map { method($0.authenticationMethod, $0.grantTypes) },
            text("name", client.name),
        ].compactMap { $0 }.joined(separator: "; ")
    }

    static func changed(_ update: ClientUpdate) -> String {
        [
            update.rooms.map { list("rooms", $0.map(\.text)) },
            update.origins.map { list("origins", $0.map(\.string)) },
            update.scopes.map { list("scopes", $0.map(\.string)) },
            update.lifetimeSecondsMax.map { text("lifetime", String($0)) },
            update.assertionKeys.map { list("keys", $0.map(\.keyID)) },
            update.legacySecret.map { "legacy secret " + ($0.isRemoval ? "removed" : "set") },
            update.introspects.map { list("introspects", $0.map(\.string)) },
            update.registered.map { method($0.authenticationMethod, $0.grantTypes) },
            update.registered.flatMap { secrets($0.secrets) },
            update.name.map { text("name", $0) },
        ].compactMap { $0 }.joined(separator: "; ")
    }

    static func rotated(_ rotation: SecretRotation) -> String {
        let end = rotation.previousExpiresAt.map { "ends at \($0)" } ?? "ended"
        return "the previous secret \(end)" + (rotation.endedEarly ? "; an older one ended" : "")
    }

    static func removed(_ client: Client) -> String { text("name", client.name) }

    static func revoked(_ revocation: Revocation) -> String {
        switch revocation {
        case .token: ""
        case .subject(_, let second, _), .client(_, let second, _): "issued until \(second)"
        }
    }

    private static func method(
        _ method: AuthenticationMethod, _ grantTypes: [GrantType]
    ) -> String {
        text("method", method.rawValue) + "; " + list("grants", grantTypes.map(\.rawValue))
    }

    private static func secrets(_ change: RegisteredChange.Secrets) -> String? {
        switch change {
        case .kept: nil
        case .issued: "secret issued"
        case .dropped: "secrets dropped"
        }
    }

    private static func text(_ name: String, _ value: String) -> String { "\(name) \(value)" }

    private static func list(_ name: String, _ values: [String]) -> String {
        text(name, values.isEmpty ? "-" : values.joined(separator: " "))
    }
}
