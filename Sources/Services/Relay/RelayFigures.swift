internal import Locking
package import Signalling

/// What the relay has counted since it started.
package struct RelayFigures: Equatable, Sendable {
    /// What a message asks for. The raw value is its place among the counts.
    package enum Action: Int, CaseIterable, Sendable {
        case joinRoom, sendPayload, leaveRoom, broadcast, refreshToken, resume, ping

        /// As on the wire.
        package var name: String {
            switch self {
            case .joinRoom: "join-room"
            case .sendPayload: "send-payload"
            case .leaveRoom: "leave-room"
            case .broadcast: "broadcast"
            case .refreshToken: "refresh-token"
            case .resume: "resume"
            case .ping: "ping"
            }
        }
    }

    /// What a session had to give way for.
    package enum Shortage: String, CaseIterable, Sendable {
        /// Its client's share of the bytes that are kept.
        case bytesOfClient = "client-bytes"
        /// All bytes that are kept.
        case bytes = "bytes"
        /// A limit on connections.
        case connections = "connections"
    }

    package struct Connections: Equatable, Sendable {
        /// Let in so far.
        package internal(set) var opened = 0
        /// There now; of one loop alone it may be negative, for connections move.
        package internal(set) var open = 0
    }

    package internal(set) var classic = Connections()
    package internal(set) var v1 = Connections()
    /// Messages that were acted on, by `Action`.
    package internal(set) var received = [Int](repeating: 0, count: Action.allCases.count)
    package internal(set) var refused: [SignalError: Int] = [:]
    /// Sessions that were taken over by another connection.
    package internal(set) var resumed = 0
    /// Sessions that had to end while their clients were away.
    package internal(set) var ended: [Shortage: Int] = [:]
    /// How often a session forgot what its client, who was there, had been sent.
    package internal(set) var forgotten: [Shortage: Int] = [:]

    mutating func note(_ action: Action) { received[action.rawValue] &+= 1 }

    mutating func noteRefused(_ error: SignalError) { refused[error, default: 0] += 1 }

    mutating func noteOpened(_ dialect: Dialect) {
        change(dialect) {
            $0.opened += 1
            $0.open += 1
        }
    }

    mutating func noteClosed(_ dialect: Dialect) { change(dialect) { $0.open -= 1 } }

    private mutating func change(_ dialect: Dialect, _ body: (inout Connections) -> Void) {
        if dialect == .v1 { body(&v1) } else { body(&classic) }
    }

    mutating func add(_ other: RelayFigures) {
        classic.opened += other.classic.opened
        classic.open += other.classic.open
        v1.opened += other.v1.opened
        v1.open += other.v1.open
        for index in received.indices { received[index] += other.received[index] }
        refused.merge(other.refused) { $0 + $1 }
        resumed += other.resumed
    }
}

/// Where the handlers leave what they counted, about once a second, for others to read: so that
/// counting costs them no more than an addition.
final class PublishedFigures: Sendable {
    private let byLoop = Lock<[Int: RelayFigures]>([:])

    func publish(_ figures: RelayFigures, of loop: Int) {
        byLoop.withLock { $0[loop] = figures }
    }

    var total: RelayFigures {
        byLoop.withLock { byLoop in
            byLoop.values.reduce(into: RelayFigures()) { $0.add($1) }
        }
    }
}

extension RelayFigures.Action {
    init(_ message: V1Message) {
        self =
            switch message {
            case .joinRoom: .joinRoom
            case .sendPayload: .sendPayload
            case .leaveRoom: .leaveRoom
            case .broadcast: .broadcast
            case .refreshToken: .refreshToken
            case .resume: .resume
            case .ping: .ping
            }
    }
}
