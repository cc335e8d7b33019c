/// Tells a client by its secret.
///
/// One SHA-256 of what was presented and always `ClientSecret.liveMax` comparisons, whether or not
/// the client exists: how long an answer takes tells nobody which clients there are.
package struct SecretCheck: Sendable {
    private let sha256: @Sendable ([UInt8]) -> [UInt8]
    private let constantTimeEqual: @Sendable ([UInt8], [UInt8]) -> Bool
    private let dummy = [UInt8](repeating: 0, count: 32)

    /// `constantTimeEqual` must take a time that does not depend on where two byte strings differ.
    package init(
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        constantTimeEqual: @escaping @Sendable ([UInt8], [UInt8]) -> Bool
    ) {
        self.sha256 = sha256
        self.constantTimeEqual = constantTimeEqual
    }

    /// Whether a secret is a live one of this client's; nil where the id that came with it names
    /// none. Whether the client may use it is another matter.
    package func isRight(
        _ secret: String, of client: Client?, atSecondsSinceEpoch now: Int64
    ) -> Bool {
        let presented = ClientSecretText.digest(of: secret, sha256: sha256)
        var isRight = false
        for index in 0..<ClientSecret.liveMax {
            let known = liveDigest(index, of: client, now)
            let isEqual = constantTimeEqual(presented, known ?? dummy)
            isRight = (isEqual && known != nil) || isRight
        }
        return isRight
    }

    private func liveDigest(_ index: Int, of client: Client?, _ now: Int64) -> [UInt8]? {
        guard let client, index < client.secrets.count else { return nil }
        let secret = client.secrets[index]
        return secret.isLive(atSecondsSinceEpoch: now) ? secret.digest : nil
    }
}
