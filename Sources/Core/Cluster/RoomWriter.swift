package import Identifiers
package import Rooms
package import Signalling

/// What one node knows of one room that lies in a store, and what it wants to change there.
///
/// The store compares and sets: a write names the revision that it was made from, and is refused
/// where there is another. A read may be old. A value, without a store: each `Input` is answered
/// with `Effects`, to be performed in order; at most one request counts at a time.
///
/// What its members were told is kept apart from what is known of the store: however many versions
/// lie between, each member is told the difference, once (`RoomNews.between`).
package struct RoomWriter: Equatable, Sendable {
    package enum Input: Sendable {
        /// A connection of this node wants in; its token has been found to grant the room.
        case join(RoomMember, hasSDP: Bool = false)
        case leave(ConnectionID, LeaveReason)
        /// A session comes from another node, and is to be at home here.
        case adopt(Adoption)
        /// One that was lent is the other node's from now on, or nobody's.
        case givenUp(ConnectionID, isThere: Bool)
        /// Answers to the request of this number; those to older ones are passed over.
        case accepted(Revision, request: UInt64)
        case conflict(request: UInt64)
        /// Refused, lost or late: the write may have happened, or may still happen.
        case unknown(request: UInt64)
        case read(RoomDocument?, Revision, request: UInt64)
        case unreadable(request: UInt64)
        /// What lies there at this revision is no document.
        case garbage(Revision, request: UInt64)
        /// It is one that this node will not be able to read, nor may it write over it.
        case impassable(request: UInt64)
        /// The join of this number has waited long enough, if it still waits.
        case giveUp(join: UInt64)
        /// What was to be written is longer than a document may be.
        case tooLong(request: UInt64)
        /// It may ask again.
        case free
        /// Another node has this version, and says so.
        case announced(RoomDocument, Revision)
        /// Another node has all up to this version.
        case acknowledged(Revision, by: Incarnation)
        /// A node was declared dead.
        case died(Incarnation)
        /// A node died that may have written and told nobody, and by now writes no more.
        case recheck
        /// The bucket was made anew; nobody joins until `restored`.
        case renewed(BucketEpoch)
        /// All nodes that live have written their members back.
        case restored
    }

    package enum Effect: Equatable, Sendable {
        case read(request: UInt64)
        /// To be set if the key still is at this revision.
        case write(RoomDocument, from: Revision, request: UInt64)
        /// To be sent to these nodes, which acknowledge it.
        case announce(RoomDocument, Revision, to: Set<Incarnation>)
        /// A member of this node is told.
        case tell(ConnectionID, RoomNews)
        /// All nodes that the join concerns know of it: it is to be acknowledged.
        case admitted(ConnectionID)
        case refused(ConnectionID, SignalError)
        /// A leave that was asked for stands in the store.
        case left(ConnectionID)
        /// A session that came is at home here.
        case adopted(ConnectionID)
        /// One that was to come is a member no more, and why.
        case gone(ConnectionID, LeaveReason)
        /// A member of this node was taken out by somebody else: its session ends.
        case ended(ConnectionID, LeaveReason)
        /// The room is empty, and may be purged up to this revision once no write to it can be on
        /// its way any more.
        case empty(Revision)
    }

    struct Known: Equatable, Sendable {
        let document: RoomDocument
        let revision: Revision
    }

    struct Pending: Equatable, Sendable {
        let number: UInt64
        let member: RoomMember
        let hasSDP: Bool
        /// What the refusal of this one was found by has been read since it came.
        var isChecked = false
    }

    struct Attempt: Equatable, Sendable {
        let document: RoomDocument
        let base: Revision
        /// The newest that was known of, which may be later where the document seemed to be gone.
        let newest: Revision
        let leaves: Set<ConnectionID>
        let refusals: [UInt64: SignalError]
        /// Who was to come, and is not there.
        let gone: [ConnectionID: LeaveReason]
        /// Made after all had come back into a new bucket.
        let isProof: Bool
    }

    /// Who still has to know of a version in which a member came.
    struct Admission: Equatable, Sendable {
        let revision: Revision
        var nodes: Set<Incarnation>
    }

    enum Flight: Equatable, Sendable {
        case none, reading, writing(Attempt)
    }

    let node: Incarnation
    let clientID: ClientID
    let name: RoomName
    let membersMax: Int
    package internal(set) var epoch: BucketEpoch
    /// What the next write is made from; nil where there seems to be no document.
    var known: Known?
    /// The newest that was ever seen in this epoch.
    var newest = Revision.absent
    /// What its members were told.
    var told: Room
    /// Who of it is at other nodes.
    package internal(set) var elsewhere: [ConnectionID: Incarnation] = [:]
    /// Those of these nodes that were dead by then: who came from elsewhere may have heard of
    /// somebody there.
    var deadHomes: Set<Incarnation> = []
    /// Of which version they were told.
    package internal(set) var toldRevision = Revision.absent
    /// How often that has changed.
    package internal(set) var toldCount = 0
    /// Members of this node, whatever the store says.
    var own: [ConnectionID: RoomDocument.Seat] = [:]
    var joins: [Pending] = []
    var leaves: [ConnectionID: LeaveReason] = [:]
    var lent: [ConnectionID: Loan] = [:]
    var adoptions: [Adoption] = []
    var admissions: [ConnectionID: Admission] = [:]
    var dead: Set<Incarnation>
    var flight = Flight.none
    var request: UInt64 = 0
    /// The number of the join that came last.
    package internal(set) var lastPending: UInt64 = 0
    /// A write of unknown outcome is to be closed, or a member to be taken out.
    var mustWrite = false
    var mustRead = false
    /// A write of unknown outcome is not closed: if it came through, nobody has been told.
    var isUncertain = false
    /// The key was found to be elsewhere than at `newest`: an answer that says so is old.
    var isBehind = false
    var restoring = Restoring.no
    /// What is known to have happened in buckets that are gone.
    var past: [RoomDocument.Change] = []

    /// In a new bucket: its members are being written back; they stand in it, and those of other
    /// nodes may not; all do, which a write has to prove before anybody is told of anything.
    enum Restoring { case no, writingBack, waiting, proving }

    /// Orders begin after `lastOrder`, the greatest that this node has met in a room of this name;
    /// `dead` are nodes that were declared dead, and `membersMax` of 0 means no limit.
    package init(
        of clientID: ClientID, _ name: RoomName, at node: Incarnation, in epoch: BucketEpoch,
        membersMax: Int = 0, after lastOrder: UInt64 = 0, dead: Set<Incarnation> = []
    ) {
        self.node = node
        self.clientID = clientID
        self.name = name
        self.epoch = epoch
        self.membersMax = membersMax
        self.dead = dead
        told = Room(after: lastOrder)
    }

    // MARK: Looking

    /// Nothing is on its way, nothing to be done and nobody here: it may be forgotten.
    package var isIdle: Bool {
        guard case .none = flight else { return false }
        // Who waits for the next process needs nobody here.
        let hasLent = !lent.isEmpty && lent.values.contains { $0.home != nil }
        return own.isEmpty && joins.isEmpty && leaves.isEmpty && !hasLent
            && adoptions.isEmpty && !mustWrite && !mustRead && restoring == .no
    }

    /// The newest version that this node knows, for its acknowledgements.
    package var revision: Revision { newest }
    /// As this node's members were told.
    package var room: Room { told }
    package var hasMembers: Bool { !own.isEmpty }
    package func hasMember(_ connection: ConnectionID) -> Bool { own[connection] != nil }
    /// Members here know of some that are there.
    package func isElsewhere(_ home: Incarnation) -> Bool {
        !own.isEmpty && elsewhere.values.contains(home)
    }
    /// Whether it stands in the newest version that is known.
    package func knows(_ connection: ConnectionID) -> Bool {
        known?.document.seats[connection] != nil
    }
    /// Somebody here is to be told of what happens, or will be.
    package var concernsAnybody: Bool { !own.isEmpty || hasNewcomers }
    /// Somebody wants in.
    var hasNewcomers: Bool { !joins.isEmpty || !adoptions.isEmpty }

    /// It would ask for something if it might.
    package var wantsToAsk: Bool {
        guard case .none = flight else { return false }
        return mustRead || mustWrite || !leaves.isEmpty || hasNewcomers && restoring == .no
    }

    /// After a new bucket was made: whether this node's members stand in it.
    package func hasWrittenBack(into epoch: BucketEpoch) -> Bool {
        self.epoch == epoch && restoring != .writingBack
    }

    // MARK: Events

    /// Without `mayAsk` nothing is asked of the store for now, whatever there is to be done.
    package mutating func handle(_ input: Input, mayAsk: Bool = true) -> [Effect] {
        var effects: [Effect] = []
        switch input {
        case .join(let member, let hasSDP):
            lastPending += 1
            joins.append(Pending(number: lastPending, member: member, hasSDP: hasSDP))
        case .leave(let connection, let reason): leave(connection, reason, &effects)
        case .adopt(let adoption): adopt(adoption)
        case .givenUp(let connection, let isThere): giveUp(connection, isThere: isThere)
        case .announced(let document, let revision):
            if document.epoch == epoch { take(document, revision, &effects) }
        case .acknowledged(let revision, by: let other):
            acknowledged(by: other, &effects) { $0 <= revision }
        case .died(let other):
            dead.insert(other)
            acknowledged(by: other, &effects) { _ in true }
            lookForWork()
        case .recheck: mustRead = mustRead || !own.isEmpty
        case .renewed(let epoch): renew(epoch)
        case .restored: restored()
        // If it was written all the same, it is a ghost.
        case .giveUp(let join): refuse(join, .temporarilyUnavailable, &effects)
        case .accepted, .conflict, .unknown, .read, .unreadable, .garbage, .impassable, .tooLong:
            answered(input, &effects)
        case .free: break
        }
        proceed(mayAsk: mayAsk, &effects)
        return effects
    }

    mutating func answered(_ input: Input, _ effects: inout [Effect]) {
        switch (input, flight) {
        case (.accepted(let revision, request), .writing(let attempt)):
            flight = .none
            accepted(attempt, revision, &effects)
        case (.conflict(request), .writing(let attempt)):
            flight = .none
            // A version that came meanwhile may be the one that was in the way.
            guard newest == attempt.newest else { return }
            // Of one that seemed to be gone it shows only that it isn't.
            isBehind = attempt.base == newest
            mustRead = true
        case (.unknown(request), .writing):
            flight = .none
            mustWrite = true
            isUncertain = true
        case (.read(let document, let revision, request), .reading):
            flight = .none
            read(document, revision, &effects)
        case (.unreadable(request), .reading): flight = .none
        case (.garbage(let revision, request), .reading):
            flight = .none
            writeOver(revision, &effects)
        case (.impassable(request), .reading):
            flight = .none
            letGo(&effects)
        case (.tooLong(request), .writing(let attempt)):
            flight = .none
            for join in joins {
                refuse(join.number, attempt.refusals[join.number] ?? .roomFull, &effects)
            }
        default: return
        }
    }

    mutating func leave(
        _ connection: ConnectionID, _ reason: LeaveReason, _ effects: inout [Effect]
    ) {
        if let index = adoptions.firstIndex(where: { $0.connection == connection }) {
            adoptions[index].ending = adoptions[index].ending ?? reason
            return
        }
        joins.removeAll { $0.member.connection == connection }
        admissions[connection] = nil
        lent[connection] = nil
        leaves[connection] = reason
    }

    mutating func acknowledged(
        by other: Incarnation, _ effects: inout [Effect], where isMet: (Revision) -> Bool
    ) {
        for (connection, var admission) in admissions.sorted(by: { $0.key < $1.key })
        where isMet(admission.revision) && admission.nodes.remove(other) != nil {
            admissions[connection] = admission.nodes.isEmpty ? nil : admission
            if admission.nodes.isEmpty { effects.append(.admitted(connection)) }
        }
    }

    mutating func renew(_ epoch: BucketEpoch) {
        guard epoch != self.epoch else { return }
        self.epoch = epoch
        past = (past + (known?.document.changes ?? [])).suffix(RoomDocument.changesMax)
        known = nil
        // None that is over stands in it.
        forgetLoans()
        newest = .absent
        isBehind = false
        mustRead = false
        isUncertain = false
        mustWrite = hasToWriteBack
        flight = .none
        restoring = hasToWriteBack ? .writingBack : .waiting
    }

    mutating func restored() {
        guard restoring == .waiting else { return }
        // What is read may be old: only a write proves that all are there, and only then is
        // anybody told.
        restoring = own.isEmpty ? .no : .proving
        past = []
        mustWrite = mustWrite || !own.isEmpty
    }
}
