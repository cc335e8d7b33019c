/// Why a registry did not do what it was asked for, as those see it who answer requests.
package enum RegistryFailure: Error, Equatable, Sendable {
    /// It could not be asked or told.
    case unavailable(code: String)
    /// The client is gone.
    case clientUnknown
    /// Another client has this origin.
    case originTaken(String)
    /// Its registrar has registered as many clients as it may.
    case registrationsFull
    /// One client has taken up its share of revocations, or all have together.
    case revocationsFull

    /// Stable across releases; it goes to the log, never to the client.
    package var code: String {
        switch self {
        case .unavailable(let code): code
        case .clientUnknown: "client_unknown"
        case .originTaken: "origin_taken"
        case .registrationsFull: "registry_registrations_full"
        case .revocationsFull: "registry_revocations_full"
        }
    }
}
