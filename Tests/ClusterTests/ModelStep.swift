import Cluster

/// What befalls the nodes of a model; what happens in between is chosen by `seed`, so that a
/// sequence without one of its steps still is much the same.
struct ModelStep {
    enum Kind {
        case join(node: Int, room: Int, peer: Int, isV1: Bool)
        case leave(node: Int, member: Int)
        /// To one member that it knows elsewhere, or to all.
        case say(node: Int, member: Int, target: Int?)
        case kick(node: Int, member: Int)
        /// An operator there wants to see the rooms of all nodes.
        case list(node: Int)
        /// A client shows up there, or somebody who takes himself for one.
        case resume(node: Int, member: Int, isForged: Bool)
        /// Others are to take its sessions, and then it ends.
        case drain(node: Int)
        /// The others end as by `drain`; then it ends as well, with what it has on a shelf.
        case shelve(node: Int)
        /// The process ends, and begins again some time later: of a node that asks for a session,
        /// if there is one.
        case kill(node: Int)
        case farewell(node: Int)
        /// It stops in order, and is begun in the later version, which reads the second format as
        /// well; or in the former one again.
        case change(node: Int)
        /// It sleeps for so many steps.
        case freeze(node: Int, steps: Int)
        /// What it watches comes late by so many steps.
        case lag(node: Int, steps: Int)
        /// Its requests to the store are answered no more; whether it is told so.
        case cutStore(node: Int, isTold: Bool)
        /// Frames and heartbeats from one to the other are lost.
        case cut(from: Int, to: Int)
        /// From all the others, and the store.
        case isolate(node: Int)
        case heal
        case vanish
        /// The store takes no write for so many steps.
        case election(steps: Int)
        /// Another process begins, of the same name or with other settings.
        case intrude(node: Int, isAlike: Bool)
    }

    let kind: Kind
    let seed: UInt64

    /// Nothing happens that may keep a node from another.
    var isSmooth: Bool {
        switch kind {
        case .join, .leave, .say, .kick, .list, .resume: true
        default: false
        }
    }

    /// Nothing happens by which a session may be lost.
    var isOrderly: Bool { if case .drain = kind { true } else { isSmooth } }
}

/// What a model has to have met, or it shows nothing.
enum ModelMark: CaseIterable {
    case first, present, joined, left, admitted, refused, replaced
    case conflict, silence, lateWrite, oldRead, oldAbsence, purge
    case frameLost, frameDoubled, death, condemned, unlisted, opened, veteran, turnedAway
    case cutOff, lost, restarted, nameTaken, differs, farewell
    case delivered, broadcast, kept, unknownTarget, deadTarget, kicked, listed, unheard
    case sdpTold, sdpUntold, givenUp, swept
    case raised, tooOld, mixed, rolledBack, movedUp, movedDown
    case moved, resumed, unresumable, abandoned, drained, undrainable, released, unwanted, gone
    case ended
    case shelved, cameBack, missed, resumedBack

    /// What only sequences with shelves meet.
    static let ofShelves: Set<ModelMark> = [.shelved, .cameBack, .missed, .resumedBack]
}

extension Timing {
    /// In a model a step takes 50 ms, and all goes faster than it would.
    static var model: Timing {
        var timing = Timing()
        timing.heartbeatEvery = 150
        timing.renewEvery = 500
        timing.reachFor = 1000
        timing.lostAfter = 5000
        timing.gapMost = 300
        timing.silenceMost = 1500
        timing.recheckAfter = 1000 + Int64(ModelStore.lateness + 3) * ModelNet.stepMilliseconds
        timing.nameWait = 2500
        timing.openAfter = 1500
        timing.emptyKeptFor = 1500
        timing.sdpWait = 1000
        timing.keysKeptFor = 12_000
        timing.sweepEvery = 100
        timing.sweepRest = 1000
        timing.shelfKept = 4000
        timing.joinWait = 3000
        timing.raiseAfter = 600
        timing.awayFor = 300
        timing.unreadableWait = 500
        timing.payloadWait = 8000
        timing.lookUpEvery = 500
        timing.retryAfter = 100
        timing.handOverWait = 3000
        timing.askersWait = 600
        timing.departureKept = 10_000
        timing.declineKept = 500
        timing.linkTick = 100
        return timing
    }
}
