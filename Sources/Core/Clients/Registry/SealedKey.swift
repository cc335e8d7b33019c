package import Tokens

/// A signing key as a registry keeps it: sealed under a master key that is not there.
package struct SealedKey: Equatable, Sendable {
    /// What can be seen of it without opening it. Another key, or another stage, has another head.
    package struct Head: Equatable, Sendable {
        /// The RFC 7638 thumbprint.
        package let keyID: String
        package var stage: KeyStage
        /// When it entered the stage, in seconds since the Unix epoch.
        package var since: Int64
        package let masterKeyID: String

        package init(keyID: String, stage: KeyStage, since: Int64, masterKeyID: String) {
            self.keyID = keyID
            self.stage = stage
            self.since = since
            self.masterKeyID = masterKeyID
        }
    }

    package var head: Head
    package let algorithm: SignatureAlgorithm
    package let nonce: [UInt8]
    package let box: [UInt8]

    package init(head: Head, algorithm: SignatureAlgorithm, nonce: [UInt8], box: [UInt8]) {
        self.head = head
        self.algorithm = algorithm
        self.nonce = nonce
        self.box = box
    }
}

/// The rows of sealed keys, within a transaction.
package protocol SealedKeyRows {
    /// In one and the same order each time.
    func sealedKeyHeads() throws -> [SealedKey.Head]
    func sealedKeys() throws -> [SealedKey]
    /// Puts a key where none of its id is or one is.
    func put(_ key: SealedKey) throws
    func removeSealedKey(_ keyID: String) throws
}
