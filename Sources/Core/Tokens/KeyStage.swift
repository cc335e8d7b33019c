/// Where a signing key is in its life.
package enum KeyStage: String, Sendable, CaseIterable {
    /// In the key set, so that verifiers learn it before it signs.
    case published
    case signing
    /// Verifies what it signed until that has run out.
    case retired
}
