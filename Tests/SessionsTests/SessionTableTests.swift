import Signalling
import Testing

@testable import Sessions

/// Every phase of a session with every input: what becomes of it, and what is to be done.
@Suite("A session's table of phases and inputs")
struct SessionTableTests {
    private typealias Effects = Session.Effects

    /// Sockets: its own, and another.
    private static let own: UInt64 = 7
    private static let other: UInt64 = 9
    private static let until: Int64 = 100

    private static let phases: [Session.Phase] = [
        .attached(to: own), .overloaded(own), .moving, .away(until: until),
        .doomed(.replaced, socket: own), .doomed(.replaced, socket: nil), .ended,
    ]

    private static let inputs: [Session.Input] = [
        .lost(own, until: until), .lost(own, until: nil), .lost(other, until: until),
        .closed(own, .closed), .closed(other, .closed), .end(.kicked), .endAway(.kicked),
        .lift(own), .lift(other), .land(other), .strand, .resume(other, after: 2),
        .resume(other, after: 9), .replace, .letGo, .forgetSent, .tick(until - 1), .tick(until),
    ]

    /// What the table says: nil where nothing may come of the input.
    private static func expected(
        _ phase: Session.Phase, _ input: Session.Input
    ) -> (phase: Session.Phase, effects: Session.Effects)? {
        func over(_ reason: LeaveReason, close: UInt64? = nil) -> (Session.Phase, Effects) {
            (.ended, Effects(finished: reason, close: close))
        }
        let socket: UInt64? =
            switch phase {
            case .attached, .overloaded, .doomed(_, socket: own): own
            default: nil
            }
        let isThere = phase == .attached(to: own) || phase == .overloaded(own)
        let isDoomed = phase == .doomed(.replaced, socket: socket)
        let isAway = phase == .away(until: until)
        guard phase != .ended else { return nil }
        switch input {
        case .lost(own, let until):
            guard socket == own else { return nil }
            if isDoomed { return over(.replaced) }
            return until.map { (.away(until: $0), Effects()) } ?? over(.lost)
        case .closed(own, let reason): return socket == own ? over(reason) : nil
        case .end(let reason): return over(reason, close: socket)
        case .endAway(let reason):
            return isAway || isDoomed && socket == nil ? over(reason) : nil
        case .lift(own): return phase == .attached(to: own) ? (.moving, Effects()) : nil
        case .land:
            if phase == .moving { return (.attached(to: other), Effects()) }
            guard isDoomed, socket == nil else { return nil }
            return (.doomed(.replaced, socket: other), Effects(nudge: other))
        case .strand: return phase == .moving || isDoomed && socket == nil ? over(.lost) : nil
        case .resume(_, let seq):
            if phase == .moving { return nil }
            if isDoomed { return over(.replaced, close: socket) }
            if seq == 9 { return over(.lost, close: socket) }
            return (.attached(to: other), Effects(close: socket))
        case .replace:
            return (.doomed(.replaced, socket: socket), Effects(nudge: socket))
        case .letGo: return isAway ? (.doomed(.lost, socket: nil), Effects()) : nil
        case .forgetSent: return isThere ? (phase, Effects()) : nil
        case .tick(let now):
            if isDoomed, socket == nil { return over(.replaced) }
            return isAway && now >= until ? over(.lost) : nil
        default: return nil
        }
    }

    /// One that has sent three events, brought to a phase by inputs alone.
    private static func session(_ phase: Session.Phase) -> Session {
        var session = Session(
            attachedTo: own, limits: HistoryLimits(eventsMax: 4, bytesMax: 0), outboundBytesMax: 60)
        for _ in 0..<3 {
            _ = session.take("{".utf8.span, "".utf8.span, at: 1)
            session.markSent()
        }
        switch phase {
        case .attached: break
        case .overloaded:
            for _ in 0..<4 { _ = session.take("{".utf8.span, "0123456789".utf8.span, at: 1) }
        case .moving: _ = session.handle(.lift(own))
        case .away(let until): _ = session.handle(.lost(own, until: until))
        case .doomed(_, let socket):
            if socket == nil { _ = session.handle(.lost(own, until: until)) }
            _ = session.handle(.replace)
            session.noteCome()
        case .ended: _ = session.handle(.end(.left))
        }
        return session
    }

    @Test("Each phase can be reached", arguments: phases)
    func reach(phase: Session.Phase) {
        let session = Self.session(phase)
        #expect(session.phase == phase)
        let isOpen = phase != .ended && session.phase != .doomed(.replaced, socket: session.socket)
        #expect(session.isOpen == isOpen)
        #expect(session.hears(Self.own) == (isOpen && session.socket == Self.own))
        #expect(!session.hears(Self.other))
    }

    @Test("Each input does in each phase what the table says", arguments: phases, inputs)
    func transition(phase: Session.Phase, input: Session.Input) {
        var session = Self.session(phase)
        let before = session.history.keptCount
        let effects = session.handle(input)
        guard let expected = Self.expected(phase, input) else {
            #expect(effects == .none)
            #expect(session.phase == phase && session.history.keptCount == before)
            return
        }
        var wanted = expected.effects
        let isKept =
            session.phase == .away(until: Self.until) || session.phase.isDoomedWithoutSocket
        wanted.wasAway =
            (phase == .away(until: Self.until) || phase.isDoomedWithoutSocket) && !isKept
        #expect(effects == wanted)
        #expect(session.phase == expected.phase)
        if session.phase == .ended { #expect(session.history.keptCount == 0) }
        if session.phase == .doomed(.lost, socket: nil) { #expect(session.history.keptCount == 0) }
    }

    @Test("An event is taken while the session is open, and nobody is told of it twice")
    func take() {
        var session = Session(
            attachedTo: Self.own, limits: HistoryLimits(eventsMax: 4, bytesMax: 0),
            outboundBytesMax: 0)
        let take = { (session: inout Session) in
            session.take("{".utf8.span, "".utf8.span, at: 1)
        }
        #expect(take(&session) == .first(Self.own))
        #expect(session.nudge() == Self.own && session.nudge() == nil)
        #expect(take(&session) == .queued(Self.own))
        #expect(session.nudge() == nil)
        session.noteCome()
        #expect(session.nudge() == Self.own)
        _ = session.handle(.lost(Self.own, until: 5))
        #expect(session.nudge() == nil)
        #expect([take(&session), take(&session), take(&session)] == [.kept, .kept, .overfull])
        #expect(session.phase == .doomed(.lost, socket: nil))
        #expect(take(&session) == .refused)
    }

    @Test("Who reads too slowly loses the socket, and the session only where too much waits")
    func overload() {
        var session = Session(
            attachedTo: Self.own, limits: HistoryLimits(eventsMax: 3, bytesMax: 0),
            outboundBytesMax: 30)
        let body = "0123456789"
        // One alone may be as long as it likes.
        #expect(session.take("{".utf8.span, body.utf8.span, at: 1) == .first(Self.own))
        #expect(session.take("{".utf8.span, body.utf8.span, at: 1) == .queued(Self.own))
        #expect(session.phase == .overloaded(Self.own))
        #expect(session.take("{".utf8.span, body.utf8.span, at: 1) == .queued(Self.own))
        #expect(session.take("{".utf8.span, body.utf8.span, at: 1) == .overfull)
        #expect(session.phase == .doomed(.lost, socket: Self.own))
        #expect(session.history.keptCount == 0)
    }

    @Test("What is kept for a resume is what the limits allow, and a gap is always noticed")
    func gap() {
        var session = Session(
            attachedTo: Self.own, limits: HistoryLimits(eventsMax: 2, bytesMax: 0),
            outboundBytesMax: 0)
        for second in 1...5 as ClosedRange<Int64> {
            _ = session.take("{".utf8.span, "".utf8.span, at: second)
            session.markSent()
        }
        _ = session.handle(.lost(Self.own, until: 9))
        #expect(session.history.keptCount == 2)
        var early = session
        #expect(early.handle(.resume(Self.other, after: 2)).finished == .lost)
        #expect(session.handle(.resume(Self.other, after: 3)).finished == nil)
        session.trim(before: 5)
        #expect(session.history.keptCount == 2 && session.history.unsentCount == 2)
    }
}

extension Session.Phase {
    fileprivate var isDoomedWithoutSocket: Bool {
        if case .doomed(_, socket: nil) = self { true } else { false }
    }
}
