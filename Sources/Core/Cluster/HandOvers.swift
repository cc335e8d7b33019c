import Sessions
import Signalling

/// The sessions that are on their way from this node, or to it.
struct HandOvers: Sendable {
    /// A session of this node that goes to another.
    struct Giving: Sendable {
        var giver: HandOverGiver
        let wasOffered: Bool
        /// It is settled here, but for what it said to other nodes.
        var isUnanswered = false
        /// Where it is a member.
        var rooms: [RoomPlace] = []
        /// From the freeze on: the rooms as it was told of them, and what it took.
        var told: [RoomDigest: HandOverState.Told] = [:]
        var taken: [Incarnation: Set<UInt64>] = [:]
    }

    /// A session that comes, or is asked for.
    struct Taking: Sendable {
        var taker: HandOverTaker
        /// Of its questions that have not failed.
        var questions: [UInt64: Asking] = [:]
        var wishes: Set<Wish> = []
        /// Once it is there, until it is at home here.
        var state: HandOverState?
        /// What it is told of its rooms once it is at home here.
        var told: [ClusterNode.Effect] = []
        /// A process before this one has left it.
        var isFromShelf = false
    }

    /// One question for a session.
    struct Asking: Sendable {
        let wish: Wish
        /// Who took part no more when it was asked.
        let gone: Set<Incarnation>
        /// Its home was not known then.
        let wasUnheard: Bool
    }

    /// By what a session is asked for.
    struct Wish: Hashable, Sendable {
        /// A client's; nil for one that is offered.
        let claim: SessionClaim?
        /// Where it is to be, as the secret or the offer says.
        let home: Incarnation
    }

    /// Another node's `take` that waits, as this one asks for the same session.
    struct Question: Sendable {
        let attempt: Attempt
        let claim: SessionClaim?
        let since: Int64
    }

    /// How another node names what it asks for.
    struct Attempt: Hashable, Sendable {
        let asker: Incarnation
        let number: UInt64
    }

    var givings: [ConnectionID: Giving] = [:]
    var attempts: [Attempt: ConnectionID] = [:]
    var takings: [ConnectionID: Taking] = [:]
    var ownAttempts: [UInt64: ConnectionID] = [:]
    var lastAttempt: UInt64 = 0
    /// What clients who wait here claim, each with how long its home is waited for if it was never
    /// heard of.
    var wanted: [ConnectionID: [SessionClaim: Int64]] = [:]
    /// What is asked for if a session that is on its way does not come.
    var wishes: [ConnectionID: [Wish]] = [:]
    /// In their order; one that is wanted no more is none of `questions`.
    var questioned: [ConnectionID: [Attempt]] = [:]
    var questions: [Attempt: Question] = [:]
    /// What nobody has whose home was never heard of.
    var unheard = UnheardHomes()

    /// Sessions that have come, with their rooms, as long as somebody may not know so.
    var arrived: [ConnectionID: (rooms: [RoomDigest], until: Int64)] = [:]
    /// Sessions that have gone, as long as somebody may not know so.
    var departed: [ConnectionID: Int64] = [:]
    /// When to look after one of those.
    var memories = Ring<(due: Int64, connection: ConnectionID)>()
    /// Sessions that are to come or have, to whom not all is answered that was said to them at
    /// their old homes, with their rooms: until then all that is said to them here has to come the
    /// same way.
    var uncleared: [ConnectionID: [RoomDigest]] = [:]
    /// Kicks of those that are on their way.
    var kicks: Set<ConnectionID> = []

    var isDraining = false
    /// Sessions that want new homes, with the rooms by which these are chosen.
    var draining: [ConnectionID: RoomDigest?] = [:]
    /// Those that were to go, and neither have nor are over.
    var leftBehind: Set<ConnectionID> = []
    /// To whom they are offered.
    var offers: [ConnectionID: Incarnation] = [:]
    /// Nodes that take no session, until when that counts, and who waits for that.
    var declined: [Incarnation: Int64] = [:]
    var unoffered: Set<ConnectionID> = []

    /// Nothing is on its way.
    var isIdle: Bool {
        givings.isEmpty && attempts.isEmpty && takings.isEmpty && ownAttempts.isEmpty
            && wanted.isEmpty && wishes.isEmpty && questions.isEmpty
            && uncleared.isEmpty && kicks.isEmpty && offers.isEmpty && unoffered.isEmpty
    }
}
