import Identifiers
import Locking
import Tokens

/// The last template of each client, for a bounded number of clients.
final class TemplateCache: Sendable {
    private static let clientsMax = 1024
    private let templates = Lock<[ClientID: ClaimsTemplate]>([:])

    /// A template that fits; made with libjwt where there is none yet.
    func template(for claims: TokenClaims) throws(TokenIssuingError) -> ClaimsTemplate {
        let known = templates.withLock { $0[claims.clientID] }
        if let known, known.fits(claims) { return known }
        let skeleton = ClaimsTemplate.skeleton(of: claims)
        let payload = try ClaimsBuilder.payload(of: skeleton)
        guard let template = ClaimsTemplate(payload: payload, for: claims) else {
            throw .buildingFailed
        }
        templates.withLock { templates in
            if templates.count >= Self.clientsMax { templates.removeAll(keepingCapacity: true) }
            templates[claims.clientID] = template
        }
        return template
    }
}
