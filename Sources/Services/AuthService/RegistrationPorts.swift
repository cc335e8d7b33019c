package import Clients
package import Identifiers
package import Tokens

/// What the registration of clients over HTTP needs of the world, beside `AuthPorts`. All closures
/// may be called from any thread. But for `tokenDigest`, which strangers ask for, they go to the
/// registry itself, past every cache: who has just written must read what they wrote.
package struct RegistrationPorts: Sendable {
    package typealias TokenDigest =
        @Sendable (_ clientID: ClientID) throws(RegistryFailure) -> [UInt8]?
    package typealias Add = @Sendable (Client, Actor) throws(RegistryFailure) -> Void
    package typealias Update =
        @Sendable (_ clientID: ClientID, ClientUpdate, Actor) throws(RegistryFailure) -> Client
    package typealias Remove =
        @Sendable (_ clientID: ClientID, Actor) throws(RegistryFailure) -> Void

    /// SHA-256 of the registration access token of a client; nil where there is none. It takes as
    /// long for an id that is nobody's as for any other.
    package let tokenDigest: TokenDigest
    /// A client by its id; nil where there is none.
    package let client: AuthPorts.Lookup
    package let add: Add
    /// The client from now on.
    package let update: Update
    package let remove: Remove
    /// Whether signatures can be checked with a key at all: its point lies on its curve.
    package let isUsable: @Sendable (PublicKey) -> Bool

    package init(
        tokenDigest: @escaping TokenDigest, client: @escaping AuthPorts.Lookup,
        add: @escaping Add, update: @escaping Update, remove: @escaping Remove,
        isUsable: @escaping @Sendable (PublicKey) -> Bool
    ) {
        self.tokenDigest = tokenDigest
        self.client = client
        self.add = add
        self.update = update
        self.remove = remove
        self.isUsable = isUsable
    }
}
