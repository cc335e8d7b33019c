import Cluster
import Identifiers
import Rooms
import Sessions
import Signalling
import TestSupport
import Testing

/// A session goes from one node to another (docs/decisions/0036). What becomes of what is said to
/// it meanwhile is played by `PayloadTests`.
@Suite("A session is handed over")
struct HandOverTests {
    private static let (old, new, third) = (
        Incarnation(raw: 1), Incarnation(raw: 2), Incarnation(raw: 3)
    )
    private static let connection = ConnectionID(raw: 9)
    private static let secret = SecretDigest(bits: 5)

    static func state(
        rooms: [RoomName], bytes: Int = 0, taken: [Incarnation: Set<UInt64>] = [:]
    ) -> HandOverState {
        var session = Session(
            attachedTo: 1, limits: HistoryLimits(eventsMax: 0, bytesMax: 0), outboundBytesMax: 0)
        let body = Array(repeating: UInt8(ascii: "x"), count: bytes)
        for _ in 0..<3 { _ = session.take("{é".utf8.span, body.span, at: 5) }
        session.markSent()
        let record = SessionRecord(
            connection: connection, clientID: "a", subject: "a:x", address: "192.0.2.1",
            secret: secret,
            token: .init(
                id: "jti", issuedAt: 1, expiresAt: 2, rooms: ["*"], name: nil, secretDigest: []),
            rooms: rooms.map {
                .init(room: $0, peerID: PeerID("p"), name: nil, order: 1, age: 3)
            }, session.history, at: 5)
        return HandOverState(record, graceSeconds: 30, taken: taken)
    }

    private static func taker(asking nodes: Set<Incarnation> = [old]) -> HandOverTaker {
        var taker = HandOverTaker(connection, at: new, reads: 1)
        _ = taker.ask(claim, attempt: 7, nodes)
        return taker
    }

    private static let claim = SessionClaim(secret, clientID: "a", subject: "a:x")
    private static let failed: [HandOverTaker.Effect] = [.fail(attempt: 7), .expectNoMore]
    private static let question = HandOverMail.take(attempt: 7, connection, claim)

    @Test("It is frozen once all that it sent is answered, and goes over in pieces")
    func pieces() {
        let state = Self.state(
            rooms: ["r", "s"], bytes: 200_000, taken: [Self.old: [3, 9], Self.third: []])
        var giver = HandOverGiver(to: Self.new, attempt: 7)
        #expect(giver.begin() == [.settle])
        #expect(giver.handle(.frozen(state, in: 1)).isEmpty)
        #expect(giver.handle(.settled) == [.freeze])
        var taker = HandOverTaker(Self.connection, at: Self.new, reads: 1)
        let begun = taker.ask(Self.claim, attempt: 7, [Self.old])
        #expect(begun == [.expect, .send(Self.question, to: Self.old)])
        var mails = giver.handle(.frozen(state, in: 1))
        #expect(mails.count == 4)
        var arrived: [HandOverTaker.Effect] = []
        var count = 0
        while !mails.isEmpty {
            guard case .send(.state(7, let bytes, let isLast)) = mails.removeFirst() else { return }
            count += 1
            for effect in taker.handle(.piece(bytes, isLast: isLast, attempt: 7, from: Self.old)) {
                if case .send(.taken(7, let pieces), Self.old) = effect {
                    mails += giver.handle(.taken(pieces: pieces))
                } else {
                    arrived.append(effect)
                }
            }
        }
        #expect(count == 10 && arrived == [.arrive(state, from: Self.old)])
        #expect(taker.handle(.adopted("s")).isEmpty)
        #expect(taker.handle(.adopted("s")).isEmpty)
        let confirm = HandOverMail.confirm(attempt: 7)
        #expect(taker.handle(.adopted("r")) == [.open, .send(confirm, to: Self.old)])
        #expect(giver.handle(.confirmed) == [.forget] && giver.isOver && taker.isOver)
        #expect(giver.handle(.died).isEmpty && taker.handle(.died(Self.old)).isEmpty)
    }

    @Test("What came from one is wanted of the others that were asked no more, and stays there")
    func wantedNoMore() {
        var taker = Self.taker(asking: [Self.old, Self.third])
        let other = SessionClaim(SecretDigest(bits: 6), clientID: "a", subject: "a:y")
        #expect(taker.ask(other, attempt: 8, [Self.old]).count == 1)
        #expect(
            taker.handle(.piece([1], isLast: false, attempt: 7, from: Self.old)) == [
                .send(.confirm(attempt: 7), to: Self.third),
                .send(.confirm(attempt: 8), to: Self.old),
                .send(.taken(attempt: 7, pieces: 1), to: Self.old),
            ])
        var giver = HandOverGiver(to: Self.new, attempt: 7)
        #expect(giver.begin() == [.settle])
        #expect(giver.handle(.confirmed) == [.release] && giver.isOver)
    }

    @Test("One that is in no room is at home as soon as it is there")
    func noRoom() {
        var taker = Self.taker()
        let state = Self.state(rooms: [])
        #expect(
            taker.handle(
                .piece(state.encoded(in: 1), isLast: true, attempt: 7, from: Self.old)) == [
                    .arrive(state, from: Self.old), .open,
                    .send(.confirm(attempt: 7), to: Self.old),
                ])
    }

    @Test("If the new home dies before it is frozen it stays, and else it is lost")
    func newHomeDies() {
        var giver = HandOverGiver(to: Self.new, attempt: 7)
        #expect(giver.handle(.died) == [.release] && giver.isOver)
        for isFrozen in [false, true] {
            giver = HandOverGiver(to: Self.new, attempt: 7)
            _ = giver.handle(.settled)
            if isFrozen { _ = giver.handle(.frozen(Self.state(rooms: []), in: 1)) }
            #expect(giver.handle(.died) == [.end(.lost)] && giver.isOver)
        }
    }

    @Test("If it ends before it is frozen, whoever asked is told that there is none")
    func ended() {
        for isSettled in [false, true] {
            var giver = HandOverGiver(to: Self.new, attempt: 7)
            if isSettled { _ = giver.handle(.settled) }
            #expect(giver.handle(.ended) == [.send(.refuse(attempt: 7, .unknown))])
            #expect(giver.isOver)
        }
    }

    @Test("If the old home dies it can't be had, unless it is there already")
    func oldHomeDies() {
        for isBegun in [false, true] {
            var taker = Self.taker()
            if isBegun { _ = taker.handle(.piece([1], isLast: false, attempt: 7, from: Self.old)) }
            #expect(taker.handle(.died(Self.third)).isEmpty)
            #expect(taker.handle(.died(Self.old)) == Self.failed && taker.isOver)
        }
        var taker = Self.taker()
        let state = Self.state(rooms: ["r"])
        _ = taker.handle(.piece(state.encoded(in: 1), isLast: true, attempt: 7, from: Self.old))
        #expect(taker.handle(.died(Self.old)).isEmpty)
        #expect(taker.handle(.adopted("r")).first == .open)
    }

    @Test("One that was taken out of a room meanwhile is over, and its old home forgets it")
    func gone() {
        var taker = Self.taker()
        let state = Self.state(rooms: ["r", "s"])
        _ = taker.handle(.piece(state.encoded(in: 1), isLast: true, attempt: 7, from: Self.old))
        _ = taker.handle(.adopted("r"))
        #expect(
            taker.handle(.gone(.replaced)) == [
                .end(.replaced), .send(.confirm(attempt: 7), to: Self.old),
            ])
        #expect(taker.handle(.adopted("s")).isEmpty)
    }

    @Test("It is followed to where it went, and where nobody has it, it can't be had")
    func elsewhere() {
        var taker = Self.taker()
        let away = taker.handle(.refused(.elsewhere(Self.third), attempt: 7, by: Self.old))
        #expect(away == [.send(Self.question, to: Self.third)])
        #expect(taker.isAsking(Self.third) && !taker.isAsking(Self.old))
        // It went on meanwhile, and on, but not for ever.
        var followed = taker.handle(.refused(.elsewhere(Self.old), attempt: 7, by: Self.third))
        #expect(followed == [.send(Self.question, to: Self.old)])
        for _ in 0..<7 {
            _ = taker.handle(.refused(.elsewhere(Self.third), attempt: 7, by: Self.old))
            #expect(!taker.isOver)
            followed = taker.handle(.refused(.elsewhere(Self.old), attempt: 7, by: Self.third))
        }
        #expect(
            taker.handle(.refused(.elsewhere(Self.third), attempt: 7, by: Self.old)) == Self.failed)

        taker = Self.taker(asking: [Self.old, Self.third, Self.new])
        #expect(taker.handle(.refused(.elsewhere(Self.new), attempt: 7, by: Self.old)).isEmpty)
        #expect(taker.handle(.died(Self.third)) == Self.failed)

        taker = Self.taker()
        _ = taker.handle(.died(Self.third))
        let dead = taker.handle(.refused(.elsewhere(Self.third), attempt: 7, by: Self.old))
        #expect(dead == Self.failed)
        taker = HandOverTaker(Self.connection, at: Self.new, reads: 1)
        #expect(taker.ask(Self.claim, attempt: 7, [Self.new]) == [.fail(attempt: 7)])
        #expect(taker.isOver)
    }

    @Test("All who claim it are asked for at once, and a false claim is nobody else's")
    func claims() {
        let other = SessionClaim(SecretDigest(bits: 6), clientID: "a", subject: "a:y")
        var taker = Self.taker(asking: [Self.third])
        let mail = HandOverMail.take(attempt: 8, Self.connection, other)
        #expect(taker.ask(other, attempt: 8, [Self.old]) == [.send(mail, to: Self.old)])
        #expect(taker.isAsking(Self.old) && taker.isAsking(Self.third))
        #expect(
            taker.handle(.refused(.unknown, attempt: 8, by: Self.old)) == [.fail(attempt: 8)])
        // It is on its way here by the first: so that is waited for.
        _ = taker.ask(other, attempt: 9, [Self.old])
        #expect(taker.handle(.refused(.elsewhere(Self.new), attempt: 9, by: Self.old)).isEmpty)
        let state = Self.state(rooms: [])
        #expect(
            taker.handle(
                .piece(state.encoded(in: 1), isLast: true, attempt: 8, from: Self.third)
            ).isEmpty)
        #expect(
            taker.handle(
                .piece(state.encoded(in: 1), isLast: true, attempt: 7, from: Self.third)) == [
                    .arrive(state, from: Self.third), .open,
                    .send(.confirm(attempt: 7), to: Self.third),
                ])
        // Or as long as anything is.
        taker = Self.taker(asking: [Self.third])
        _ = taker.ask(other, attempt: 9, [Self.old])
        _ = taker.handle(.refused(.elsewhere(Self.new), attempt: 9, by: Self.old))
        #expect(
            taker.handle(.refused(.unknown, attempt: 7, by: Self.third)) == [
                .fail(attempt: 7), .fail(attempt: 9), .expectNoMore,
            ])
    }

    @Test("A state that can't be read is nobody's, and its old home takes it out")
    func unreadable() {
        var taker = Self.taker()
        #expect(
            taker.handle(.piece([1, 2], isLast: true, attempt: 7, from: Self.old)) == [
                .unreadable, .fail(attempt: 7), .expectNoMore,
                .send(.confirm(attempt: 7), to: Self.old),
            ])
    }

    @Test("It goes over in the cluster's format, and whoever does not read that says so")
    func formats() throws {
        var document = RoomDocument(epoch: ClusterScene.epoch, clientID: "a", name: "r")
        let member = RoomMember(
            connection: Self.connection, route: .v1(subject: "a:x"), peerID: PeerID("p"))
        _ = try document.join(member, at: Self.old)
        let state = HandOverState(
            Self.state(rooms: ["r"]).record, graceSeconds: 30, taken: [:],
            told: [.init(ClusterScene.room.digest, Revision(raw: 3), document)])
        for (format, reads) in [(1, 1), (1, 2), (2, 2)] as [(UInt8, UInt8)] {
            var giver = HandOverGiver(to: Self.new, attempt: 7)
            _ = giver.handle(.settled)
            let bytes = state.encoded(in: format)
            #expect(
                giver.handle(.frozen(state, in: format)) == [
                    .send(.state(attempt: 7, bytes, isLast: true))
                ])
            #expect(try HandOverState(bytes, upTo: reads) == state)
            var taker = HandOverTaker(Self.connection, at: Self.new, reads: reads)
            _ = taker.ask(Self.claim, attempt: 7, [Self.old])
            #expect(
                taker.handle(.piece(bytes, isLast: true, attempt: 7, from: Self.old)) == [
                    .arrive(state, from: Self.old)
                ])
        }
        let newer = state.encoded(in: 2)
        #expect(throws: WireFault.unknownFormat) { try HandOverState(newer, upTo: 1) }
        var taker = Self.taker()
        #expect(
            taker.handle(.piece(newer, isLast: true, attempt: 7, from: Self.old)).first
                == .unreadable)
    }
}
