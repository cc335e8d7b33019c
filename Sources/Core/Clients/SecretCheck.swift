/// Tells a client by its secret.
///
/// One SHA-256 of what was presented and always `ClientSecret.liveMax` comparisons, whether or not
/// the client exists: how long an answer takes tells nobody which clients there are.
package struct SecretCheck: Sendable {
    package enum Outcome: Equatable, Sendable {
        case accepted
        /// The secret is right; the client may not use it.
        case disabled
        /// No such client, or a secret that is not one of its live ones.
        case refused
    }

    private let sha256: @Sendable ([UInt8]) -> [UInt8]
    private let constantTimeEqual: @Sendable ([UInt8], [UInt8]) -> Bool
    private let dummy = [UInt8](repeating: 0, count: 32)

    /// Takes the primitives from outside.
    ///
    /// - Parameters:
    ///   - sha256: The digest.
    ///   - constantTimeEqual: Whether two byte strings are equal, in a time that does not depend on
    ///     where they differ.
    package init(
        sha256: @escaping @Sendable ([UInt8]) -> [UInt8],
        constantTimeEqual: @escaping @Sendable ([UInt8], [UInt8]) -> Bool
    ) {
        self.sha256 = sha256
        self.constantTimeEqual = constantTimeEqual
    }

    /// Compares a presented secret with the live ones of a client.
    ///
    /// - Parameters:
    ///   - secret: The text as presented.
    ///   - client: nil when the presented id names no client.
    ///   - now: Seconds since the Unix epoch.
    /// - Returns: Whether the secret is a live one, and of a client that may use it.
    package func check(
        _ secret: String, of client: Client?, atSecondsSinceEpoch now: Int64
    ) -> Outcome {
        let presented = ClientSecretText.digest(of: secret, sha256: sha256)
        var isRight = false
        for index in 0..<ClientSecret.liveMax {
            let known = liveDigest(index, of: client, now)
            let isEqual = constantTimeEqual(presented, known ?? dummy)
            isRight = (isEqual && known != nil) || isRight
        }
        guard isRight, let client else { return .refused }
        return client.isEnabled ? .accepted : .disabled
    }

    private func liveDigest(_ index: Int, of client: Client?, _ now: Int64) -> [UInt8]? {
        guard let client, index < client.secrets.count else { return nil }
        let secret = client.secrets[index]
        return secret.isLive(atSecondsSinceEpoch: now) ? secret.digest : nil
    }
}
