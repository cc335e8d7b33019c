import Rooms
import Signalling
import TestSupport
import Testing

/// A room in which random things happen, and the reasons of those who left.
private struct Story {
    var random: SeededGenerator
    var room = Room()
    var reasons: [UInt64: LeaveReason] = [:]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    /// One event, and what each connection is told by it.
    enum Step {
        case joined(Room.Joined)
        case left(Room.Left, LeaveReason)
    }

    /// - Returns: nil where nothing happened.
    mutating func step() throws -> Step? {
        let id = UInt64.random(in: 1...8, using: &random)
        guard Int.random(in: 0..<3, using: &random) > 0 else {
            guard let left = room.leave(ConnectionID(raw: id)) else { return nil }
            let reason = LeaveReason.allCases.randomElement(using: &random) ?? .lost
            reasons[left.member.order] = reason
            return .left(left, reason)
        }
        // Even connections speak v1, and two of them at most have the same peer id.
        let member = id % 2 == 0 ? v1(id, peer: "\(id / 4)", subject: "s") : classic(id, peer: "1")
        guard let joined = try? room.join(member, membersMax: 6) else { return nil }
        if let replaced = joined.replaced { reasons[replaced.order] = .replaced }
        return .joined(joined)
    }

    func news(from old: Room, for connection: ConnectionID) -> [RoomNews] {
        RoomNews.between(old, room, for: connection) { reasons[$0.order] ?? .lost }
    }
}

/// What one member knows of the others, by the orders in which they joined.
private struct Knowledge {
    var others: Set<UInt64>

    mutating func hear(_ news: [RoomNews]) {
        for (place, item) in news.enumerated() {
            switch item {
            case .joined(let member): #expect(others.insert(member.order).inserted)
            case .left(let member, _): #expect(others.remove(member.order) != nil)
            case .firstToJoin: #expect(place == 0 && others.isEmpty)
            case .state(let own, let present):
                #expect(others.isEmpty && present.allSatisfy { $0.order < own.order })
                others = Set(present.map(\.order))
            }
        }
    }
}

@Suite struct RoomNewsTests {
    @Test("A joiner is told who is there, and each of those of it; nobody of themselves")
    func joiner() {
        var room = Room()
        _ = room.outcome(of: classic(1, peer: "a"))
        let old = room
        _ = room.outcome(of: v1(2, peer: "b"))
        func news(_ id: UInt64) -> [RoomNews] {
            RoomNews.between(old, room, for: ConnectionID(raw: id)) { _ in .lost }
        }
        let (one, two) = (classic(1, peer: "a", order: 1), v1(2, peer: "b", order: 2))
        #expect(news(1) == [.joined(two)])
        #expect(news(2) == [.state(own: two, others: [one])])
        #expect(news(3) == [])
    }

    @Test("Of several who join at once, the first in order is told that it is, and each pair once")
    func together() {
        var room = Room()
        _ = room.outcome(of: classic(9, peer: "gone"))
        let old = room
        room.leave(ConnectionID(raw: 9))
        for member in [v1(3, peer: "a"), classic(1, peer: "b"), v1(2, peer: "c")] {
            _ = room.outcome(of: member)
        }
        let three = v1(3, peer: "a", order: 2)
        let (one, two) = (classic(1, peer: "b", order: 3), v1(2, peer: "c", order: 4))
        func news(_ id: UInt64) -> [RoomNews] {
            RoomNews.between(old, room, for: ConnectionID(raw: id)) { _ in .lost }
        }
        #expect(
            news(3) == [.firstToJoin, .state(own: three, others: []), .joined(one), .joined(two)])
        #expect(news(1) == [.joined(two)])
        #expect(news(2) == [.state(own: two, others: [one, three])])
    }

    @Test("v1 members are told who left and why, before who joined; classic ones only the latter")
    func leavers() {
        var room = Room()
        for id in [1, 2, 4, 3] as [UInt64] {
            _ = room.outcome(of: id == 2 ? v1(id, peer: "\(id)") : classic(id, peer: "\(id)"))
        }
        let old = room
        room.leave(ConnectionID(raw: 4))
        room.leave(ConnectionID(raw: 3))
        _ = room.outcome(of: classic(3, peer: "3"))
        let back = classic(3, peer: "3", order: 5)
        func news(_ id: UInt64) -> [RoomNews] {
            RoomNews.between(old, room, for: ConnectionID(raw: id)) {
                $0.order == 3 ? .closed : .kicked
            }
        }
        #expect(
            news(2)
                == [
                    .left(classic(4, peer: "4", order: 3), .closed),
                    .left(classic(3, peer: "3", order: 4), .kicked), .joined(back),
                ])
        #expect(news(1) == [.joined(back)])
        #expect(news(4) == [])
    }

    @Test(
        "The difference of any two versions leads each member from the one to the other",
        arguments: 0..<500)
    func differences(seed: UInt64) throws {
        var story = Story(seed: seed)
        var known: [ConnectionID: (order: UInt64, knowledge: Knowledge)] = [:]
        var old = story.room
        for _ in 0..<12 {
            let count = Int.random(in: 0..<7, using: &story.random)
            for _ in 0..<count { _ = try story.step() }
            for member in story.room.members where member.isV1 {
                let before = known[member.connection]
                let isNew = before?.order != member.order
                var knowledge = isNew ? nil : before?.knowledge
                let news = story.news(from: old, for: member.connection)
                let states = news.count { if case .state = $0 { true } else { false } }
                #expect(states == (isNew ? 1 : 0))
                if knowledge == nil { knowledge = Knowledge(others: []) }
                knowledge?.hear(news)
                let others = story.room.members.filter { $0 != member }.map(\.order)
                #expect(knowledge?.others == Set(others))
                known[member.connection] = knowledge.map { (member.order, $0) }
            }
            try checkPairs(from: old, story)
            old = story.room
        }
    }

    /// Of each pair one of whom is new the older is told, once; only who has nobody before it is
    /// the first; and classic members are told of nothing else.
    private func checkPairs(from old: Room, _ story: Story) throws {
        var pairs: [String: Int] = [:]
        for member in story.room.members {
            let isNew = !old.members.contains(member)
            for item in story.news(from: old, for: member.connection) {
                switch item {
                case .joined(let joiner):
                    #expect(joiner.order > member.order && !old.members.contains(joiner))
                    pairs["\(member.order) \(joiner.order)", default: 0] += 1
                case .firstToJoin:
                    #expect(isNew && !story.room.members.contains { $0.order < member.order })
                case .left(let left, let reason):
                    #expect(member.isV1 && !isNew && story.reasons[left.order] == reason)
                case .state: #expect(member.isV1 && isNew)
                }
            }
        }
        let joiners = story.room.members.filter { !old.members.contains($0) }
        let expected = joiners.reduce(0) { sum, joiner in
            sum + story.room.members.count { $0.order < joiner.order }
        }
        #expect(pairs.count == expected && pairs.values.allSatisfy { $0 == 1 })
    }

    @Test("The difference that one step makes is what the step says of itself")
    func singleSteps() throws {
        var steps = (joins: 0, leaves: 0, replacements: 0)
        for seed in 0..<500 as Range<UInt64> {
            var story = Story(seed: seed)
            for _ in 0..<40 {
                let old = story.room
                guard let step = try story.step() else {
                    #expect(story.room == old, "seed \(seed)")
                    continue
                }
                var expected: [ConnectionID: [RoomNews]] = [:]
                switch step {
                case .joined(let joined):
                    steps.joins += 1
                    if joined.replaced != nil { steps.replacements += 1 }
                    expected[joined.own.connection] = joined.newsForJoiner
                    for other in joined.others {
                        let left = other.isV1 ? joined.replaced : nil
                        expected[other.connection] =
                            (left.map { [.left($0, .replaced)] } ?? []) + [.joined(joined.own)]
                    }
                case .left(let left, let reason):
                    steps.leaves += 1
                    for other in left.remaining where other.isV1 {
                        expected[other.connection] = [.left(left.member, reason)]
                    }
                }
                for id in 1...8 as ClosedRange<UInt64> {
                    let connection = ConnectionID(raw: id)
                    let news = story.news(from: old, for: connection)
                    #expect(news == expected[connection] ?? [], "seed \(seed)")
                }
            }
        }
        #expect(steps.joins > 1000 && steps.leaves > 1000 && steps.replacements > 100)
    }
}
