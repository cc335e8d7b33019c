package import Identifiers

/// Why a registry did not do what it was asked for. The description says what to do.
package enum RegistryFailure: Error, Equatable, Sendable, CustomStringConvertible {
    /// It could not be asked or told, as its driver says.
    case unavailable(RegistryTrouble)
    case clientUnknown(id: ClientID)
    case clientExists(id: ClientID)
    /// The value of a change is out of range.
    case refused(reason: String)
    /// A client over HTTP lists an origin that another client has.
    case originTaken(String)
    /// Its registrar has registered as many clients as it may.
    case registrationsFull(max: Int)
    /// A client's share of these is used up. Revoking more than these always helps.
    case revocationsFull(RevocationShare, max: Int)

    /// Stable across releases; it goes to the log, never to the client.
    package var code: String {
        switch self {
        case .unavailable(let trouble): trouble.code
        case .clientUnknown: "client_unknown"
        case .clientExists: "client_exists"
        case .refused: "registry_change_refused"
        case .originTaken: "origin_taken"
        case .registrationsFull: "registry_registrations_full"
        case .revocationsFull: "registry_revocations_full"
        }
    }

    package var description: String {
        switch self {
        case .unavailable(let trouble): trouble.description
        case .refused(let reason): reason
        case .clientUnknown(let id): "no client \(id): usher client list shows those there are"
        case .clientExists(let id): "a client \(id) exists already"
        case .originTaken(let origin): "the origin \(origin) is another client's"
        case .registrationsFull(let max):
            "\(max) clients of one registrar are registered already, which is all it may have: "
                + "remove some (usher client remove), or use another registrar"
        case .revocationsFull(let share, let max):
            "\(max) revocations of \(share.rawValue) are live already, this client's share: "
                + "revoke all tokens of "
                + (share == .subjects ? "the client" : "the subject or of the client")
                + " instead, which takes the place of theirs"
        }
    }
}

extension RegistryFailure {
    /// What is wrong with the registry, without where it lies; nil where the code says it all.
    package var detail: String? {
        guard case .unavailable(let trouble) = self else { return nil }
        return trouble.detail
    }
}

/// Why a registry cannot be used, as its driver knows it.
package struct RegistryTrouble: Equatable, Sendable {
    /// Stable across releases.
    package let code: String
    /// What is wrong, where, and what to do.
    package let description: String
    package let detail: String?

    package init(code: String, description: String, detail: String? = nil) {
        self.code = code
        self.description = description
        self.detail = detail
    }
}
