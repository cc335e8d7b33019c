/// Why a registry did not do what it was asked for, as those see it who answer requests.
package enum RegistryFailure: Error, Equatable, Sendable {
    /// It could not be asked or told. The code is stable and goes to the log, never to the client.
    case unavailable(code: String)
    /// The client is gone.
    case clientUnknown
    /// Another client has this origin.
    case originTaken(String)
    /// Its registrar has registered as many clients as it may.
    case registrationsFull
    /// One client has taken up its share of revocations, or all have together.
    case revocationsFull
}
