package import Signalling

/// A session at its old home, while it goes to another node that has asked for it.
///
/// Until it is frozen it can go on here; from then on nothing is delivered to it, and it goes on at
/// the other node or nowhere.
package struct HandOverGiver: Sendable {
    package enum Input: Sendable {
        /// Nothing is taken from its client any more, all that it sent is answered, and it waits
        /// for no join.
        case settled
        /// Nothing is delivered to it any more: this is its state, and the cluster's format.
        case frozen(HandOverState, in: UInt8)
        /// It ended here before that.
        case ended
        /// So many pieces have arrived.
        case taken(pieces: UInt32)
        /// It is at home there, or has ended there; or it is not wanted any more.
        case confirmed
        /// The node that asked for it was declared dead.
        case died
    }

    package enum Effect: Equatable, Sendable {
        /// Nothing may be taken from its client from now on; `settled` is awaited.
        case settle
        /// Nothing may be delivered to it from now on; `frozen` is awaited, or `ended`.
        case freeze
        /// To the node that asked for it.
        case send(HandOverMail)
        /// It stays, and its client may go on.
        case release
        /// It is over, and leaves those rooms that know it here: the node that died may have given
        /// it to another before.
        case end(LeaveReason)
        /// It is at home elsewhere, or ended there: nothing is to be left of it here but its new
        /// home, for those who send to it here.
        case forget
    }

    private enum State {
        case settling
        case freezing
        case giving(pieces: [[UInt8]], sent: Int)
        case over
    }

    static let pieceBytes = 64 << 10
    /// How many pieces may be on their way.
    static let windowMax = 4

    package let taker: Incarnation
    package let attempt: UInt64
    private var state = State.settling

    package init(to taker: Incarnation, attempt: UInt64) {
        self.taker = taker
        self.attempt = attempt
    }

    /// It may still come to nothing, and the session stay.
    package var isSettling: Bool { if case .settling = state { true } else { false } }
    package var isOver: Bool { if case .over = state { true } else { false } }

    package func begin() -> [Effect] { [.settle] }

    package mutating func handle(_ input: Input) -> [Effect] {
        switch (state, input) {
        case (.settling, .settled):
            state = .freezing
            return [.freeze]
        case (.freezing, .frozen(let state, let format)): return give(state.encoded(in: format))
        case (.settling, .ended), (.freezing, .ended):
            state = .over
            return [.send(.refuse(attempt: attempt, .unknown))]
        // Whoever asked for it has it from another by now, and may have given it on to this one.
        case (.settling, .died), (.settling, .confirmed):
            state = .over
            return [.release]
        // What was asked for will come, and then it can't go on here.
        case (.freezing, .died), (.giving, .died):
            state = .over
            return [.end(.lost)]
        case (.giving(let pieces, let sent), .taken(let count)):
            return send(pieces, sent, upTo: Int(count) + Self.windowMax)
        case (.giving, .confirmed):
            state = .over
            return [.forget]
        default: return []
        }
    }

    private mutating func give(_ bytes: [UInt8]) -> [Effect] {
        guard bytes.count <= HandOverState.bytesMax else {
            state = .over
            return [.send(.refuse(attempt: attempt, .unknown)), .end(.lost)]
        }
        var pieces: [[UInt8]] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            pieces.append(Array(rest.prefix(Self.pieceBytes)))
            rest = rest.dropFirst(Self.pieceBytes)
        }
        return send(pieces, 0, upTo: Self.windowMax)
    }

    private mutating func send(_ pieces: [[UInt8]], _ sent: Int, upTo most: Int) -> [Effect] {
        let next = max(sent, min(most, pieces.count))
        state = .giving(pieces: pieces, sent: next)
        return pieces[sent..<next].enumerated().map { index, piece in
            .send(
                .state(attempt: attempt, piece, isLast: sent + index == pieces.count - 1))
        }
    }
}
