import Bytes
import HTTPMessages
import StrictJSON

/// The JSON body of a registration, and what it must not say.
enum RegistrationBody {
    static let bytesMax = 16_384
    private static let depthMax = 8

    /// What the server alone decides. Nobody registers with these, and nobody sends them back
    /// (RFC 7592 §2.2).
    static let decidedHere: [ByteText] = [
        "registration_access_token", "registration_client_uri", "client_secret_expires_at",
        "client_id_issued_at",
    ]

    /// - Throws: `invalid_request` for what is no JSON object of at most 16 KiB with each name
    ///   once; `invalid_client_metadata` for one that names what is decided here.
    static func object(of request: HTTPRequest) throws(OAuthRefusal) -> JSONObject {
        let object = try JSONBody.object(of: request, bytesMax: bytesMax, depthMax: depthMax)
        try refuse(decidedHere, in: object)
        return object
    }

    /// Refuses members that somebody may think to decide, and does not.
    static func refuse(_ names: [ByteText], in object: JSONObject) throws(OAuthRefusal) {
        for name in names where object[name] != nil {
            throw .invalidMetadata("\(name): decided by the server; leave it out")
        }
    }
}
