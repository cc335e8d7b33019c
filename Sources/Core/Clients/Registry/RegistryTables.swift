package import Bytes

/// A registry that a copy is made of or into, row by row, past the rules for what may become of it.
package protocol CopiedRegistry: Sendable {
    /// All that `body` sees is of one moment, however long it takes.
    func readTables<Value>(
        _ body: (any RegistryTables) throws -> Value
    ) throws(RegistryFailure) -> Value

    /// One transaction, as `Registry.write`.
    func writeTables<Value>(
        _ body: (any RegistryTables) throws -> Value
    ) throws(RegistryFailure) -> Value
}

/// The tables of a registry, within a transaction.
package protocol RegistryTables {
    /// Up to `limit` rows after the one with a key (nil: from the first), in the order of keys.
    func page(
        of table: RegistryTable, after key: RegistryTable.Key?, limit: Int
    ) throws -> [RegistryTable.Row]
    func count(of table: RegistryTable) throws -> Int
    func insert(_ rows: [RegistryTable.Row], into table: RegistryTable) throws
    func remove(_ keys: [RegistryTable.Key], from table: RegistryTable) throws

    func moment() throws -> RegistryMoment
    /// The copy into this registry that was begun and not finished.
    func unfinishedCopy() throws -> UnfinishedCopy?
    /// Notes it: nobody opens the registry until it is finished.
    ///
    /// - Throws: `RegistryCopyFault.targetInUse` as failure, where that can be known.
    func begin(_ copy: UnfinishedCopy) throws
    /// Has the registry count on from a moment, for those who follow it too, and be open to all.
    func finish(at moment: RegistryMoment) throws
}

/// What a registry has beside its tables, and by which a change of it is noticed.
package struct RegistryMoment: Equatable, Sendable {
    /// A random name, that a registry has wherever it is copied to.
    package let identity: ByteText
    package let revision: Int64
    package let removalRevision: Int64
    package let revocationsPurgedBefore: Int64
    /// The id of the last line; 0 for none.
    package let auditEnd: Int64
    /// Marks make no revision.
    package let usedTokenCount: Int64

    package init(
        identity: ByteText, revision: Int64, removalRevision: Int64,
        revocationsPurgedBefore: Int64, auditEnd: Int64, usedTokenCount: Int64
    ) {
        self.identity = identity
        self.revision = revision
        self.removalRevision = removalRevision
        self.revocationsPurgedBefore = revocationsPurgedBefore
        self.auditEnd = auditEnd
        self.usedTokenCount = usedTokenCount
    }
}

/// The mark of a registry that is filled only in part.
package struct UnfinishedCopy: Equatable, Sendable {
    /// The identity of the registry that it is a copy of.
    package let source: ByteText
    /// A random number of whoever fills it.
    package let run: Int64

    package init(source: ByteText, run: Int64) {
        self.source = source
        self.run = run
    }
}
