package import Bytes
package import Identifiers
package import Tokens

/// A registered client: an application's backend that may ask for tokens.
package struct Client: Equatable, Sendable {
    /// `c_` and 22 characters of base64url; chosen by us, public, never a credential by itself
    /// (RFC 6749 §2.2).
    package let clientID: ClientID
    /// What operators call it. Not unique.
    package let name: String
    /// The rooms that its tokens may carry.
    package let rooms: [RoomPattern]
    /// Web origins whose pages may connect with a token out of a cookie, each
    /// `scheme://host[:port]`.
    package internal(set) var origins: [ByteText]
    /// The scopes that its tokens may carry (RFC 6749 §3.3).
    package let scopes: [ByteText]
    /// The clients about whose tokens it may ask beside its own (RFC 7662); `*` is all of them.
    package let introspects: [ClientID]
    /// Seconds since the Unix epoch.
    package let createdAt: Int64
    /// A disabled client gets no tokens, and its sockets are closed.
    package var isEnabled: Bool
    /// Oldest first, at most `ClientSecret.liveMax`; the last is the current one.
    package var secrets: [ClientSecret]
    /// The longest that a token of its may live, in seconds: 1 to `lifetimeSecondsCeiling`.
    package let lifetimeSecondsMax: Int64
    /// Keys with which it may prove itself in place of a secret (`private_key_jwt`, RFC 7523 §2.2),
    /// each good for its own algorithm alone.
    package let assertionKeys: [PublicKey]
    /// What it has beside if it was registered over HTTP; nil when an operator added it.
    package let registration: ClientRegistration?
    private var hiddenLegacySecret: SecretBytes?

    /// The secret under which tokens of the first implementation are taken (`LegacySecret`); nil:
    /// none are. Printing a client does not print it.
    package internal(set) var legacySecret: [UInt8]? {
        get { hiddenLegacySecret?.bytes }
        set { hiddenLegacySecret = newValue.map(SecretBytes.init) }
    }
    /// SHA-256 of the token by which the client manages its registration (RFC 7592 §1.2).
    package var registrationTokenDigest: [UInt8]? { registration?.tokenDigest }

    /// No token of anybody's lives longer (RFC 6750 §5.3).
    package static let lifetimeSecondsCeiling: Int64 = 3600

    package init(
        clientID: ClientID, name: String, rooms: [RoomPattern], origins: [ByteText],
        scopes: [ByteText], createdAt: Int64, isEnabled: Bool = true, secrets: [ClientSecret],
        lifetimeSecondsMax: Int64 = Client.lifetimeSecondsCeiling, assertionKeys: [PublicKey] = [],
        legacySecret: [UInt8]? = nil, registration: ClientRegistration? = nil,
        introspects: [ClientID] = []
    ) {
        self.clientID = clientID
        self.introspects = introspects
        self.name = name
        self.rooms = rooms
        self.origins = origins
        self.scopes = scopes
        self.createdAt = createdAt
        self.isEnabled = isEnabled
        self.secrets = secrets
        self.lifetimeSecondsMax = lifetimeSecondsMax
        self.assertionKeys = assertionKeys
        self.registration = registration
        hiddenLegacySecret = legacySecret.map(SecretBytes.init)
    }
}

extension Client {
    /// In place of an id: every client.
    package static let everyClient: ClientID = "*"

    /// Whether it may ask what a token of that client says.
    package func mayIntrospect(tokensOf id: ClientID) -> Bool {
        clientID == id || introspects.contains { $0 == Client.everyClient || $0 == id }
    }
}

/// The form of a client id: `c_` and 16 random bytes in base64url.
extension ClientID {
    /// Random bytes that an id is made of.
    package static let randomBytes = 16
    /// No id of ours is longer; what is longer names no client.
    package static let bytesMax = 64

    /// Whether it can be an id of anybody: what is not is never looked up.
    ///
    /// ASCII only, as `make` writes them.
    package var isPlausible: Bool {
        (1...Self.bytesMax).contains(text.count) && text.isASCII
            && utf8.span.isPrintable(from: 0x21)
    }

    /// Makes an id out of `randomBytes` bytes from a cryptographic source.
    package static func make(fromRandom random: [UInt8]) -> ClientID {
        precondition(random.count == randomBytes, "A client id is made of 16 random bytes")
        return "c_\(Base64URL.encode(random))"
    }
}
