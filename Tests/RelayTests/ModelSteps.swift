import TestSupport

/// One step of a run. Numbers choose among whatever there is at that moment, so that every part of
/// a sequence is a sequence too, which shrinking lives on.
enum ModelStep: Equatable, Sendable {
    enum Saying: Equatable, Sendable {
        case join(room: Int, id: Int)
        case leave(room: Int)
        case send(to: Int)
        case broadcast(room: Int)
        case ping
        case refresh(Rights)
        /// A resume that is not the first message.
        case lateResume
    }

    /// What a token is good for.
    enum Rights: Equatable, Sendable, CaseIterable { case all, few, otherSubject, otherClient }

    /// Connects an actor that is away: afresh, or to resume where it can.
    case connect(actor: Int, loop: Int)
    case resume(actor: Int, loop: Int, forgets: Int, Rights)
    /// An actor writes a message; the server reads it at once, or by and by.
    case say(actor: Int, Saying, isHeard: Bool)
    /// The server reads the next message of an actor, or of a connection whose client is gone.
    case hear(actor: Int)
    case hearOrphan(Int)
    /// The client reads some events.
    case read(actor: Int, count: Int)
    /// The connection breaks, and nobody has told the server.
    case drop(actor: Int)
    /// The client sends a close frame behind its messages, and goes.
    case close(actor: Int, forGood: Bool)
    /// The server hears of the end of a connection whose client is gone.
    case noticeEnd(orphan: Int)
    /// The loop collects some of its mail.
    case collect(loop: Int, count: Int)
    case endTurn(loop: Int)
    case tick(seconds: Int)
    case kick(actor: Int)
    case revoke(actor: Int)
    /// The process stops in order, and the next one puts back what it left.
    case restart
}

extension ModelStep {
    static func random(using random: inout SeededGenerator) -> ModelStep {
        let actor = Int.random(in: 0..<64, using: &random)
        let loop = Int.random(in: 0..<64, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<9: return .connect(actor: actor, loop: loop)
        case 9..<16:
            let rights = Int.random(in: 0..<8, using: &random)
            return .resume(
                actor: actor, loop: loop, forgets: max(0, Int.random(in: -3..<6, using: &random)),
                rights < 5 ? .all : Rights.allCases[rights - 4])
        case 16..<54:
            return .say(
                actor: actor, .random(using: &random),
                isHeard: Int.random(in: 0..<4, using: &random) > 0)
        case 54..<64: return .hear(actor: actor)
        case 64..<66: return .hearOrphan(actor)
        case 66..<72: return .read(actor: actor, count: Int.random(in: 1..<12, using: &random))
        case 72..<76: return .drop(actor: actor)
        case 76..<78: return .close(actor: actor, forGood: Bool.random(using: &random))
        case 78..<84: return .noticeEnd(orphan: actor)
        case 84..<90: return .collect(loop: loop, count: Int.random(in: 1..<8, using: &random))
        case 90..<94: return .endTurn(loop: loop)
        case 94..<97: return .tick(seconds: Int.random(in: 0..<4, using: &random))
        case 97: return .kick(actor: actor)
        case 98: return .revoke(actor: actor)
        default: return Bool.random(using: &random) ? .restart : .tick(seconds: 0)
        }
    }

    static func sequence(seed: UInt64, count: Int) -> [ModelStep] {
        var random = SeededGenerator(seed: seed)
        let connects = (0..<4).map { ModelStep.connect(actor: $0, loop: $0) }
        var steps = connects
        while steps.count < count {
            let step = ModelStep.random(using: &random)
            steps.append(step)
            // Else hardly anybody would be back before its time is over.
            guard step == .restart else { continue }
            for _ in 0..<4 {
                let (actor, loop) = (Int.random(in: 0..<64, using: &random), steps.count)
                steps.append(.read(actor: actor, count: 99))
                steps.append(.resume(actor: actor, loop: loop, forgets: 0, .all))
                steps.append(.hear(actor: actor))
            }
        }
        return steps
    }
}

extension ModelStep.Saying {
    fileprivate static func random(using random: inout SeededGenerator) -> Self {
        let room = [0, 0, 0, 1, 1, 2, 3].randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<32, using: &random) {
        case 0..<12: return .join(room: room, id: Int.random(in: 0..<12, using: &random))
        case 12..<15: return .leave(room: room)
        case 15..<23: return .send(to: Int.random(in: 0..<64, using: &random))
        case 23..<28: return .broadcast(room: room)
        case 28: return .ping
        case 29..<31:
            let rights = Int.random(in: 0..<6, using: &random)
            return .refresh(rights < 3 ? .all : ModelStep.Rights.allCases[rights - 2])
        default: return .lateResume
        }
    }
}

/// Makes a failing sequence as short as leaving steps out can make it.
func shrunk(_ steps: [ModelStep], _ fails: ([ModelStep]) -> Bool) -> [ModelStep] {
    var steps = steps
    var size = max(1, steps.count / 2)
    while true {
        var start = 0
        var isShorter = false
        while start < steps.count {
            var candidate = steps
            candidate.removeSubrange(start..<min(start + size, steps.count))
            if fails(candidate) {
                steps = candidate
                isShorter = true
            } else {
                start += size
            }
        }
        if size == 1, !isShorter { return steps }
        if !isShorter { size = max(1, size / 2) }
    }
}
