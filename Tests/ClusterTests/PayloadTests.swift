import Cluster
import Glibc
import Identifiers
import Signalling
import TestSupport
import Testing

@Suite("What members of different nodes say to each other (docs/decisions/0036)")
struct PayloadTests {
    private static let (here, there, elsewhere) = (
        Incarnation(raw: 1), Incarnation(raw: 2), Incarnation(raw: 3)
    )
    private static let (ann, ben, cleo) = (
        ConnectionID(raw: 11), ConnectionID(raw: 12), ConnectionID(raw: 13)
    )

    @Test("Each is heard once, in order, and answered once, whoever moves or dies meanwhile")
    func model() {
        let wanted = unsafe getenv("USHER_TEST_CLUSTER_SEQUENCES").flatMap {
            unsafe Int(String(cString: $0))
        }
        let count = max(40, (wanted ?? 0) / 50)
        var marks: Set<PayloadNet.Mark> = []
        for seed in 0..<UInt64(count) {
            var net = PayloadNet(seed: seed)
            net.run()
            marks.formUnion(net.marks)
            #expect(net.faults.isEmpty, "seed \(seed): \(net.faults.prefix(5))")
            if !net.faults.isEmpty { return }
        }
        let missing = Set(PayloadNet.Mark.allCases).subtracting(marks)
        #expect(missing.isEmpty, "never met: \(missing)")
    }

    private static func payload(
        to target: OutgoingPayload.Target, ticket: UInt64? = 1, bytes: Int = 1
    ) -> OutgoingPayload {
        OutgoingPayload(
            room: PayloadNet.room, sender: ann, target: target,
            event: Array(repeating: 7, count: bytes), ticket: ticket)
    }

    private static func send(
        _ source: inout PayloadSource, _ payload: OutgoingPayload,
        to members: [Incarnation: [ConnectionID]] = [:]
    ) -> PayloadSource.Outcome? {
        if case .taken(let outcome) = source.send(payload, at: Revision(raw: 1), to: members) {
            outcome
        } else {
            nil
        }
    }

    @Test("A broadcast is answered once all nodes have, and is kept whoever left meanwhile")
    func broadcast() {
        var source = PayloadSource()
        let members = [Self.there: [Self.ben], Self.elsewhere: [Self.cleo]]
        let sent = Self.send(&source, Self.payload(to: .members([])), to: members)
        #expect(sent?.parcels.map(\.node) == [Self.there, Self.elsewhere])
        #expect(sent?.answers == [])
        let first = source.take(.unknownTarget, to: 1, for: Self.ben, from: Self.there)
        #expect(first.answers.isEmpty)
        let last = source.take(.queued, to: 1, for: Self.cleo, from: Self.elsewhere)
        #expect(last.answers == [.init(ticket: 1, isKept: true)] && source.isIdle)
        // For nobody.
        #expect(Self.send(&source, Self.payload(to: .members([])))?.answers.count == 1)
    }

    @Test("What a node that died has not answered is for nobody, in the order in which it was sent")
    func death() {
        var source = PayloadSource()
        for ticket: UInt64 in 1...3 {
            _ = Self.send(
                &source, Self.payload(to: .member(Self.ben, at: Self.there), ticket: ticket))
        }
        let isSettled = source.awaitSettled(Self.ann)
        #expect(!isSettled && source.unansweredCount(of: Self.ann) == 3)
        let outcome = source.died(Self.there) { _ in nil }
        #expect(outcome.answers == (1...3).map { .init(ticket: $0, isKept: false) })
        #expect(outcome.settled == [Self.ann] && source.isIdle)
        let late = Self.send(&source, Self.payload(to: .member(Self.ben, at: Self.there)))
        #expect(late?.answers == [.init(ticket: 1, isKept: false)])
    }

    @Test("So much may be unanswered at one node and no more, whatever the others do")
    func full() {
        var limits = PayloadSource.Limits()
        limits.bytesMax = 100
        var source = PayloadSource(limits)
        let payload = Self.payload(to: .member(Self.ben, at: Self.there), ticket: nil, bytes: 60)
        _ = Self.send(&source, payload)
        #expect(source.send(payload, at: .absent) == .full(Self.there))
        let other = Self.payload(to: .member(Self.cleo, at: Self.elsewhere), bytes: 500)
        #expect(Self.send(&source, other)?.parcels.count == 1)
        let outcome = source.take(.queued, to: 1, for: Self.ben, from: Self.there)
        #expect(outcome.hasRoom == [Self.there] && outcome.answers.isEmpty)
        _ = Self.send(&source, payload)
        #expect(source.send(payload, at: .absent) == .full(Self.there))
        #expect(source.died(Self.there) { _ in nil }.hasRoom == [Self.there])
    }

    @Test("What is in somebody's way is not sent at once, and all else is as it would be sent")
    func atOnce() {
        var limits = PayloadSource.Limits()
        limits.bytesMax = 100
        var (source, other) = (PayloadSource(limits), PayloadSource(limits))
        func sentAtOnce(_ bytes: Int, to member: ConnectionID, at home: Incarnation) -> PayloadMail?
        {
            source.sendAtOnce(
                Self.payload(to: .member(member, at: home), bytes: bytes), at: Revision(raw: 1),
                to: member, at: home)
        }
        for _ in 1...2 {
            let parcel = Self.send(
                &other, Self.payload(to: .member(Self.ben, at: Self.there), bytes: 20))
            let mail = sentAtOnce(20, to: Self.ben, at: Self.there)
            #expect(mail != nil && mail == parcel?.parcels.first?.payload)
        }
        // It has moved, and what was sent to its old home is unanswered; that one is full; dead.
        #expect(sentAtOnce(1, to: Self.ben, at: Self.elsewhere) == nil)
        #expect(sentAtOnce(70, to: Self.cleo, at: Self.there) == nil)
        _ = source.died(Self.elsewhere) { _ in nil }
        #expect(sentAtOnce(1, to: Self.cleo, at: Self.elsewhere) == nil)
        #expect(source.unansweredCount(of: Self.ann) == 2)
        let names = [PayloadName(1, Self.ben), PayloadName(2, Self.ben), PayloadName(2, Self.ben)]
        let answered = source.take(queued: names, from: Self.there)
        #expect(answered.answers == [1, 1].map { .init(ticket: $0, isKept: true) })
        #expect(answered.hasRoom == [Self.there] && source.isIdle)
    }

    @Test("A client that fills what may be unanswered leaves as much to others as it has itself")
    func shares() {
        var limits = PayloadSource.Limits()
        limits.payloadsMax = 100
        var source = PayloadSource(limits)
        func payload(of client: ClientID) -> OutgoingPayload {
            OutgoingPayload(
                room: RoomPlace(
                    digest: PayloadNet.room.digest, clientID: client, name: PayloadNet.room.name),
                sender: Self.ann, target: .member(Self.ben, at: Self.there), event: [7],
                ticket: nil)
        }
        func fill(of client: ClientID) -> Int {
            for count in 0... {
                if case .full = source.send(payload(of: client), at: .absent) { return count }
            }
            return 0
        }
        #expect(fill(of: "loud") == 50)
        #expect(fill(of: "quiet") == 25)
        #expect(fill(of: "third") == 13 && fill(of: "loud") == 0)
        // Each hears when it may go on, and not before.
        var heard: [Int] = []
        for number: UInt64 in 1...88 {
            let outcome = source.take(.queued, to: number, for: Self.ben, from: Self.there)
            if !outcome.hasRoom.isEmpty { heard.append(Int(number)) }
        }
        #expect(source.isIdle && heard.count == 3 && heard[0] < 50 && heard[1] < 75)
    }

    @Test("What no mail holds is sent to nobody, and is not kept")
    func tooLong() {
        var source = PayloadSource()
        let most = PayloadSource.eventBytesMax
        let members = [Self.there: [Self.ben]]
        let long = Self.send(&source, Self.payload(to: .members([]), bytes: most + 1), to: members)
        #expect(long?.parcels == [] && long?.answers == [.init(ticket: 1, isKept: false)])
        let longest = Self.send(&source, Self.payload(to: .members([]), bytes: most), to: members)
        var line = ClusterLine(from: Self.here, to: Self.there)
        for parcel in longest?.parcels ?? [] { line.push(.payload(parcel.payload)) }
        #expect(!line.isIdle)
    }

    @Test("What was not taken goes to the new home, and nothing overtakes it")
    func moved() {
        var source = PayloadSource()
        let old = Self.payload(to: .member(Self.ben, at: Self.there), ticket: 1)
        let new = Self.payload(to: .member(Self.ben, at: Self.elsewhere), ticket: 2)
        _ = Self.send(&source, old)
        #expect(Self.send(&source, new)?.parcels == [])
        let isClear = source.awaitClear(Self.ben)
        #expect(!isClear)
        let move = PayloadAnswer.Move(Self.ben, to: Self.elsewhere)
        let forwarded = source.take(.moved([move]), to: 1, for: Self.ben, from: Self.there)
        #expect(forwarded.parcels.map(\.node) == [Self.elsewhere, Self.elsewhere])
        #expect(forwarded.parcels.map(\.payload.number) == [1, 2])
        _ = source.take(.queued, to: 1, for: Self.ben, from: Self.elsewhere)
        let last = source.take(.queued, to: 2, for: Self.ben, from: Self.elsewhere)
        #expect(last.cleared == [Self.ben])
        #expect(last.answers == [.init(ticket: 2, isKept: true)])
    }

    private static func mail(
        _ number: UInt64, revision: UInt64 = 1, isAlone: Bool = false
    ) -> PayloadMail {
        PayloadMail(
            number: number, room: PayloadNet.room.digest, revision: Revision(raw: revision),
            sender: ann, targets: [ben], isAlone: isAlone, event: [7])
    }

    private static func delivered(_ steps: [PayloadInbox.Step]) -> [UInt64] {
        steps.compactMap { if case .deliver(let payload, _) = $0 { payload.number } else { nil } }
    }

    @Test("A payload waits until the room is known as its sender saw it, and so does what follows")
    func gate() {
        var inbox = PayloadInbox(at: Self.here)
        var known: UInt64 = 1
        let first = inbox.take(Self.mail(1, revision: 2), from: Self.there) { $1.raw <= known }
        #expect(first == [.lookUp(PayloadNet.room.digest)])
        #expect(inbox.take(Self.mail(2), from: Self.there) { $1.raw <= known }.isEmpty)
        let other = inbox.take(Self.mail(1), from: Self.elsewhere) { $1.raw <= known }
        #expect(Self.delivered(other) == [1])
        #expect(inbox.learned(PayloadNet.room.digest) { $1.raw <= known }.isEmpty)
        known = 2
        let rest = inbox.learned(PayloadNet.room.digest) { $1.raw <= known }
        #expect(Self.delivered(rest) == [1, 2])
    }

    @Test("More than a source may have unanswered does not wait, and is not kept")
    func gateBounds() {
        var inbox = PayloadInbox(at: Self.here)
        let most = UInt64(2 * PayloadSource.Limits().payloadsMax)
        for number in 1...most {
            _ = inbox.take(Self.mail(number, revision: 9), from: Self.there) { _, _ in false }
        }
        let more = inbox.take(Self.mail(most + 1), from: Self.there) { _, _ in false }
        #expect(
            more == [
                .answer(.unknownTarget, number: most + 1, target: Self.ben, to: Self.there)
            ])
    }

    @Test("What a session took at its old home it is not given again, even if nobody heard so")
    func takenBefore() {
        var old = PayloadInbox(at: Self.there)
        for number: UInt64 in 1...2 {
            for step in old.take(Self.mail(number), from: Self.here, isReady: { _, _ in true }) {
                guard case .deliver(_, let receipt) = step else { continue }
                old.noteAnswered(PayloadInbox.Taken(receipt), of: Self.here, as: number)
            }
        }
        old.confirmed(upTo: 1, by: Self.here)
        let taken = old.freeze(Self.ben, to: Self.elsewhere)
        #expect(taken == [Self.here: [2]])
        let late = old.take(Self.mail(3), from: Self.here) { _, _ in true }
        let move = PayloadAnswer.Move(Self.ben, to: Self.elsewhere)
        #expect(late == [.answer(.moved([move]), number: 3, target: Self.ben, to: Self.here)])

        var new = PayloadInbox(at: Self.elsewhere)
        new.expect(Self.ben)
        let early = new.take(Self.mail(2, isAlone: true), from: Self.here) { _, _ in true }
        #expect(early == [.answer(.moved([move]), number: 2, target: Self.ben, to: Self.here)])
        new.arrive(Self.ben, taken: taken)
        let again = new.take(Self.mail(2, isAlone: true), from: Self.here) { _, _ in true }
        #expect(again == [.answer(.queued, number: 2, target: Self.ben, to: Self.here)])
        let next = new.take(Self.mail(3), from: Self.here) { _, _ in true }
        #expect(Self.delivered(next) == [3])
    }

    @Test("What a node that died said, and was turned away, is waited for no more")
    func turnedAwayByTheDead() {
        var inbox = PayloadInbox(at: Self.here)
        inbox.expect(Self.ben)
        _ = inbox.take(Self.mail(1), from: Self.there) { _, _ in true }
        inbox.arrive(Self.ben, taken: [:])
        #expect(Self.delivered(inbox.take(Self.mail(2), from: Self.there) { _, _ in true }) == [])
        inbox.died(Self.there)
        let next = inbox.take(Self.mail(3), from: Self.there) { _, _ in true }
        #expect(Self.delivered(next) == [3])
    }

    @Test("What was turned away for one that never came, and went elsewhere, is waited for no more")
    func turnedAwayForNobody() {
        var inbox = PayloadInbox(at: Self.here)
        inbox.expect(Self.ben)
        let isNothing = !inbox.expectNoMore(Self.ben)
        inbox.expect(Self.ben)
        _ = inbox.take(Self.mail(1), from: Self.there) { _, _ in true }
        let isSome = inbox.expectNoMore(Self.ben)
        #expect(isNothing && isSome)
        // It may be about to come again.
        #expect(Self.delivered(inbox.take(Self.mail(2), from: Self.there) { _, _ in true }) == [])
        inbox.forgetTurnedAway(Self.ben)
        let next = inbox.take(Self.mail(3), from: Self.there) { _, _ in true }
        #expect(Self.delivered(next) == [3])
    }
}
