package import Access
package import Clients
import Cryptography
import Identifiers

extension Client {
    /// What decides about its legacy tokens; nil where it has none.
    package var legacy: LegacyClient? {
        guard let secret = legacySecret, let key = try? VerifyingKey(secret: secret) else {
            return nil
        }
        return LegacyClient(
            clientID: clientID, rooms: rooms, scopes: scopes,
            secretDigest: Digest.sha256(secret)
        ) { tag, input in key.isValid(signature: tag, over: input) }
    }
}
