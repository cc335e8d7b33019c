import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

/// What a client says of itself when it is registered (RFC 7591 §2), read from JSON.
///
/// Members that are not listed are ignored, those of flows with a redirection such as
/// `redirect_uris` among them: there is no such flow. `null` is as good as absent (RFC 7592 §2.2).
struct RegistrationMetadata {
    /// What is read. Names of ours begin with `usher_`.
    enum Member: String, CaseIterable {
        case name = "client_name"
        case scope
        case grantTypes = "grant_types"
        case responseTypes = "response_types"
        case authenticationMethod = "token_endpoint_auth_method"
        case keys = "jwks"
        case keysURI = "jwks_uri"
        case rooms = "usher_rooms"
        case origins = "usher_origins"
        case lifetime = "usher_token_lifetime"
    }

    let authenticationMethod: AuthenticationMethod
    let grantTypes: [GrantType]
    private let name: ByteText?
    private let scopes: [ByteText]?
    private let keys: [PublicKey]
    private let rooms: [ByteText]
    private let origins: [ByteText]
    private let lifetimeSeconds: Int64?

    /// - Parameters:
    ///   - object: The body.
    ///   - sha256: For thumbprints of keys without `kid`.
    ///   - isUsable: Whether a key's point lies on its curve.
    /// - Throws: `invalid_client_metadata` naming the member (RFC 7591 §3.2.2).
    init(
        _ object: JSONObject, sha256: ([UInt8]) -> [UInt8], isUsable: (PublicKey) -> Bool
    ) throws(OAuthRefusal) {
        let members = RegistrationMembers(object)
        authenticationMethod =
            try members.choice(.authenticationMethod) ?? AuthenticationMethod.secretBasic
        grantTypes = try members.choices(.grantTypes) ?? [.clientCredentials]
        try Self.checkResponseTypes(members)
        name = try members.text(.name)
        scopes = try Self.scopes(members)
        rooms = try Self.rooms(members)
        origins = try members.texts(.origins) ?? []
        lifetimeSeconds = try members.integer(.lifetime)
        keys = try members.keys(sha256: sha256, isUsable: isUsable)
        guard authenticationMethod.usesSecret || !keys.isEmpty else {
            throw .invalidMetadata(
                .keys, "\(authenticationMethod.rawValue) needs at least one public key")
        }
    }

    /// The client that is asked for, within what it may be given. Where it gives no name, it is
    /// called by its id (RFC 7591 §2).
    ///
    /// Throws `invalid_client_metadata` naming the member.
    func client(
        _ clientID: ClientID, within bounds: RegistrationBounds, issuer: String
    ) throws(OAuthRefusal) -> NewClient {
        let new: NewClient
        do throws(RegistrationError) {
            new = try NewClient(
                name: name?.string ?? clientID.string, rooms: rooms.map(\.string), origins: origins,
                scopes: scopes ?? [],
                lifetimeSecondsMax: lifetimeSeconds ?? bounds.lifetimeSecondsMax,
                assertionKeys: keys)
        } catch {
            throw Self.refusal(of: error)
        }
        try bounds.check(new)
        for own in Origin.own(url: issuer) where new.origins.contains(own) {
            throw .invalidMetadata(.origins, "\(OAuthText.quoted(own)) is the issuer's own")
        }
        return new
    }

    private static func scopes(_ members: RegistrationMembers) throws(OAuthRefusal) -> [ByteText]? {
        guard let text = try members.text(.scope) else { return nil }
        guard let scopes = Scope.parse(text.string) else {
            throw .invalidMetadata(.scope, "expected scopes with single spaces between them")
        }
        return scopes.map { ByteText($0) }
    }

    /// None asked for means every room; an empty list must not.
    private static func rooms(_ members: RegistrationMembers) throws(OAuthRefusal) -> [ByteText] {
        guard let rooms = try members.texts(.rooms) else { return [] }
        guard !rooms.isEmpty else { throw .invalidMetadata(.rooms, "expected at least one room") }
        return rooms
    }

    /// None of the grants has one, and a registration must not contradict itself (RFC 7591 §2.1).
    private static func checkResponseTypes(_ members: RegistrationMembers) throws(OAuthRefusal) {
        guard let types = try members.texts(.responseTypes), !types.isEmpty else { return }
        throw .invalidMetadata(
            .responseTypes, "expected none: there is no authorization endpoint here")
    }

    private static func refusal(of error: RegistrationError) -> OAuthRefusal {
        let member: Member =
            switch error.member {
            case "name": .name
            case "rooms": .rooms
            case "origin": .origins
            case "lifetime": .lifetime
            case "key": .keys
            default: .scope
            }
        return .invalidMetadata(
            member, "\(OAuthText.quoted(error.value)): expected \(error.expected)")
    }
}

extension AuthPorts {
    /// Why the registry took no registration.
    func refusal(ofRegistration failure: RegistryFailure) -> OAuthRefusal {
        guard case .originTaken(let origin) = failure else { return unavailable(failure) }
        return .invalidMetadata(.origins, "\(OAuthText.quoted(origin)) is another client's")
    }
}

extension OAuthRefusal {
    /// RFC 7591 §3.2.2.
    static func invalidMetadata(
        _ member: RegistrationMetadata.Member, _ description: String
    ) -> OAuthRefusal {
        invalidMetadata("\(member.rawValue): \(description)")
    }

    static func invalidMetadata(_ description: String) -> OAuthRefusal {
        OAuthRefusal(
            status: 400, code: "invalid_client_metadata", description: description)
    }
}
