import Bytes
import Clients

/// What a client that is registered over HTTP may be given.
///
/// Scopes mean something to everybody, so that nobody hands on what they do not hold. Rooms are
/// not bounded: each client's are its own, and none of them is another client's, its registrar's
/// included.
struct RegistrationBounds: Equatable {
    let scopes: [ByteText]
    let lifetimeSecondsMax: Int64

    /// What `registrar` may hand on: everything of its own but the right to register.
    init(of registrar: Client) {
        scopes = registrar.scopes.filter { $0 != Client.registrationScope }
        lifetimeSecondsMax = registrar.lifetimeSecondsMax
    }

    /// What a registered client may change its registration to: what it has already, and what its
    /// registrar may hand on today. One that is gone, disabled or no registrar any more hands on
    /// nothing.
    init(of client: Client, registrar: Client?) {
        let isRegistrar =
            registrar?.isEnabled == true
            && registrar?.scopes.contains(Client.registrationScope) == true
        let handedOn = isRegistrar ? registrar.map { RegistrationBounds(of: $0) } : nil
        let more = handedOn?.scopes.filter { !client.scopes.contains($0) } ?? []
        scopes = client.scopes + more
        lifetimeSecondsMax = max(client.lifetimeSecondsMax, handedOn?.lifetimeSecondsMax ?? 0)
    }

    /// - Throws: The refusal that names what lies outside.
    func check(_ new: NewClient) throws(OAuthRefusal) {
        for scope in new.scopes where !scopes.contains(scope) {
            throw .invalidMetadata(
                .scope, "\(OAuthText.quoted(scope)) is not the registrar's to hand on")
        }
        guard new.lifetimeSecondsMax <= lifetimeSecondsMax else {
            throw .invalidMetadata(
                .lifetime, "at most \(lifetimeSecondsMax) seconds are the registrar's to hand on")
        }
    }
}
