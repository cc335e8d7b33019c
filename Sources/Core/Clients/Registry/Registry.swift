package import Bytes
package import Identifiers

/// The registered clients, wherever they are kept: the rules stand in the extensions of this
/// protocol, and a driver gives transactions over rows.
///
/// What a call has acknowledged is kept, and so is the line about it in the audit log: both come in
/// one transaction. Safe to call from any thread. Every change takes who makes it and when, in
/// seconds since the Unix epoch.
package protocol Registry: Sendable {
    /// All that `body` sees is of one moment.
    func read<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value

    /// One transaction: all of `body` is kept when this returns, or nothing of it ever.
    func write<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value

    /// As `write`, for marks of tokens, which no follower sees and of which the log has no line:
    /// who writes some need not wait for others.
    func writeMarks<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value

    /// Notices what is changed from now on, by whomever.
    func watch() -> any RegistryWatch

    /// Leaves everything in order: nothing is asked of it any more.
    func finish()
}

extension Registry {
    package func writeMarks<Value>(
        _ body: (any RegistryRows) throws -> Value
    ) throws(RegistryFailure) -> Value {
        try write(body)
    }

    /// A random name, which a registry has wherever it is copied to.
    package func identity() throws(RegistryFailure) -> ByteText {
        try read { try $0.identity() }
    }
}

/// The rows of a registry, within a transaction. Whatever they throw, the transaction turns it into
/// a `RegistryFailure`.
package protocol RegistryRows: SealedKeyRows {
    func client(_ id: ClientID) throws -> Client?
    /// Of all clients, oldest first.
    func clientIDs() throws -> [ClientID]
    /// Puts a client where none of its id is or one is; those who follow the registry see it.
    func put(_ client: Client) throws
    func removeClient(_ id: ClientID) throws
    /// How many were registered over HTTP with this client's token.
    func count(registeredBy registrar: ClientID) throws -> Int
    /// Those who list an origin.
    func holders(of origin: ByteText) throws -> [OriginHolder]

    func revocation(_ kind: RevocationRecord.Kind, _ name: String) throws -> Revocation?
    /// Puts one where none of its kind and name is. Where one is, it gets the second, the end and
    /// the actor of this one. Those who follow see it.
    func put(_ revocation: RevocationRecord) throws
    /// Takes out what this one says as well, and for as long.
    func removeRevocations(coveredBy revocation: Revocation) throws
    /// Drops up to so many of those that ended before a second, notes that second for those who
    /// follow, and returns how many they were.
    func purgeRevocations(endedBefore second: Int64, limit: Int) throws -> Int
    /// How many count against a share.
    func revocationCount(of share: RevocationShare.Holder) throws -> Int
    /// How many count against all shares of a kind, and how many such shares there are.
    func revocationTotals(of kind: RevocationShare) throws -> (count: Int, holders: Int)

    func isTokenUsed(_ id: String) throws -> Bool
    /// False where it was marked before.
    func markTokenUsed(_ id: String, until end: Int64) throws -> Bool
    /// Drops up to so many marks that ended before a second, and returns how many they were.
    func purgeUsedTokens(endedBefore second: Int64, limit: Int) throws -> Int

    /// Adds a line, whose `id` is the registry's to give.
    func append(_ entry: AuditEntry) throws
    /// Up to `limit` lines after the one with this id, oldest first.
    func auditEntries(after id: Int64, limit: Int) throws -> [AuditEntry]
    /// The last lines, oldest first.
    func latestAuditEntries(limit: Int) throws -> [AuditEntry]

    /// A random name, which a registry has wherever it is copied to.
    func identity() throws -> ByteText
    /// Grows with each change of a client and each revocation.
    func revision() throws -> Int64
    /// The revision at which a client was removed last.
    func removalRevision() throws -> Int64
    /// The clients put after a revision, with the origins of those that are enabled.
    func entries(since revision: Int64) throws -> [ClientIndex.Entry]
    /// The revocations put after a revision, in the order in which they were.
    func revocations(since revision: Int64) throws -> [Revocation]
    func revocationCount() throws -> Int
    /// Every revocation that ended before this second has been dropped.
    func revocationsPurgedBefore() throws -> Int64
}

/// Somebody who notices that a registry has changed. Not for several threads at once.
package protocol RegistryWatch: Sendable {
    /// How long may pass between two looks.
    var pollMilliseconds: Int { get }

    /// When the next look is worth it, asked after one.
    mutating func wakeup() -> RegistryWakeup

    /// Has `body` look, unless nothing was written since it looked last. Where what was seen then
    /// is not continued by what there is now, all that is known of it is void: `onLoss` is called
    /// as soon as that is known, once, and `body` is not told that it is continued until it has
    /// read all there is.
    mutating func look<Value>(
        onLoss: () -> Void, _ body: (any RegistryRows, _ isContinued: Bool) throws -> Value?
    ) throws(RegistryFailure) -> Value?
}

/// When there may be something new in a registry, beside when its time has come.
package enum RegistryWakeup: Equatable, Sendable {
    /// Nobody tells.
    case never
    case atOnce
    /// As soon as this descriptor can be read from. It may be closed by the next look.
    case readable(Int32)
}

/// A client that lists an origin.
package struct OriginHolder: Sendable {
    package let id: ClientID
    /// Whether it registered itself, over HTTP.
    package let isRegistered: Bool

    package init(id: ClientID, isRegistered: Bool) {
        self.id = id
        self.isRegistered = isRegistered
    }
}

/// A row says what no row of ours does: to leave it out would be to change who may come in.
package struct UnreadableRow: Error { package init() {} }
