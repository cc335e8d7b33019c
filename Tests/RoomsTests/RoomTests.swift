import Identifiers
import Signalling
import Testing

@testable import Rooms

@Suite struct RoomTests {
    @Test("Members are ordered by connection, and numbered in the order of joining")
    func orders() throws {
        var room = Room()
        #expect(room.outcome(of: classic(5)) == .joined(others: []))
        #expect(room.outcome(of: v1(3, peer: "q")) == .joined(others: [classic(5, order: 1)]))
        let joined = try room.join(classic(4))
        #expect(joined?.own == classic(4, order: 3) && joined?.replaced == nil)
        #expect(joined?.others == [v1(3, peer: "q", order: 2), classic(5, order: 1)])
        #expect(
            room.members
                == [v1(3, peer: "q", order: 2), classic(4, order: 3), classic(5, order: 1)])
        #expect(room.lastOrder == 3)
    }

    @Test("Who is a member already, of either dialect, changes nothing by joining again")
    func alreadyMember() {
        for member in [classic(1), v1(1, subject: "s"), v1(1)] {
            var room = Room()
            _ = room.outcome(of: member)
            let before = room
            #expect(room.outcome(of: classic(1, peer: "q"), membersMax: 1) == .alreadyMember)
            #expect(room.outcome(of: v1(1, subject: "s"), membersMax: 1) == .alreadyMember)
            #expect(room == before)
        }
    }

    @Test("A refused join changes nothing")
    func refused() {
        var room = Room()
        _ = room.outcome(of: v1(1, subject: "s"))
        let before = room
        #expect(room.outcome(of: v1(2)) == .refused(.peerIDTaken))
        #expect(room.outcome(of: classic(2), membersMax: 1) == .refused(.roomFull))
        #expect(room == before)
    }

    @Test("Whoever leaves is told of to those who stay; the last leaves nobody behind")
    func leaving() {
        var room = Room()
        _ = room.outcome(of: classic(1))
        _ = room.outcome(of: v1(2, peer: "q"))
        #expect(room.leave(ConnectionID(raw: 3)) == nil)
        let stays = v1(2, peer: "q", order: 2)
        #expect(
            room.leave(ConnectionID(raw: 1))
                == .init(member: classic(1, order: 1), remaining: [stays]))
        #expect(room.leave(ConnectionID(raw: 2)) == .init(member: stays, remaining: []))
        #expect(room.leave(ConnectionID(raw: 2)) == nil)
        #expect(room.members.isEmpty)
    }

    @Test("Orders go on, whoever has left, and from where they are to begin")
    func ordersGoOn() throws {
        var room = Room(after: 7)
        #expect(try room.join(classic(1))?.own.order == 8)
        room.leave(ConnectionID(raw: 1))
        #expect(try room.join(classic(1))?.own.order == 9)
    }

    @Test("One takes another's place in one step, if the older is there and the newer is not")
    func replacing() {
        var room = Room()
        _ = room.outcome(of: classic(1))
        _ = room.outcome(of: v1(2, peer: "q"))
        let before = room
        let (one, three) = (ConnectionID(raw: 1), ConnectionID(raw: 3))
        #expect(room.replace(three, with: v1(4)) == nil)
        #expect(room.replace(one, with: v1(2)) == nil)
        #expect(room.replace(one, with: classic(1)) == nil)
        #expect(room == before)
        let replaced = room.replace(one, with: v1(3))
        #expect(replaced?.own == v1(3, order: 3))
        #expect(replaced?.others == [v1(2, peer: "q", order: 2)])
        #expect(replaced?.replaced == classic(1, order: 1))
        #expect(room.connections == [2, 3])
    }

    @Test("A member's company are all others")
    func company() {
        var room = Room()
        for id in [3, 1, 2] as [UInt64] { _ = room.outcome(of: classic(id)) }
        let company = room.company(of: ConnectionID(raw: 2))
        #expect(company?.own == classic(2, order: 3))
        #expect(company?.others == [classic(1, order: 2), classic(3, order: 1)])
        #expect(room.company(of: ConnectionID(raw: 4)) == nil)
    }
}

@Suite struct SamePeerTests {
    /// What becomes of the second of two with the same peer id: who is there then, or the refusal.
    private func join(_ one: RoomMember, then other: RoomMember) -> String {
        var room = Room()
        _ = room.outcome(of: one)
        switch room.outcome(of: other, membersMax: 2) {
        case .joined(_, nil): return "\(room.connections) stay"
        case .joined(_, let replaced?): return "\(room.connections) stay, \(replaced) leaves"
        case .alreadyMember: return "member"
        case .refused(let error): return error.code
        }
    }

    @Test("Where a classic peer is one of two with the same id, both stay (docs/protocol.md §2)")
    func classicPeers() {
        #expect(join(classic(1), then: classic(2)) == "[1, 2] stay")
        #expect(join(classic(1), then: v1(2, subject: "s")) == "[1, 2] stay")
        #expect(join(v1(1, subject: "s"), then: classic(2)) == "[1, 2] stay")
    }

    @Test("Of two v1 peers whose tokens name the same subject, the newer replaces the older")
    func sameSubject() {
        #expect(join(v1(1, subject: "s"), then: v1(2, subject: "s")) == "[2] stay, 1 leaves")
    }

    @Test("Of other v1 peers with the same id the newcomer gets peer_id_taken")
    func taken() {
        #expect(join(v1(1), then: v1(2)) == "peer_id_taken")
        #expect(join(v1(1, subject: "s"), then: v1(2)) == "peer_id_taken")
        #expect(join(v1(1), then: v1(2, subject: "s")) == "peer_id_taken")
        #expect(join(v1(1, subject: "s"), then: v1(2, subject: "t")) == "peer_id_taken")
        #expect(
            join(v1(1, subject: "e\u{301}"), then: v1(2, subject: "\u{e9}")) == "peer_id_taken")
    }

    @Test("With other ids nobody is in anybody's way")
    func otherIDs() {
        #expect(
            join(v1(1, peer: "p", subject: "s"), then: v1(2, peer: "q", subject: "s"))
                == "[1, 2] stay")
        #expect(
            join(v1(1, peer: "e\u{301}", subject: "s"), then: v1(2, peer: "\u{e9}", subject: "s"))
                == "[1, 2] stay")
    }

    @Test("Among several of both dialects, only the v1 one of the same id leaves")
    func amongMany() {
        var room = Room()
        _ = room.outcome(of: classic(1))
        _ = room.outcome(of: v1(2, subject: "s"))
        _ = room.outcome(of: v1(3, peer: "q", subject: "s"))
        let others = [classic(1, order: 1), v1(3, peer: "q", subject: "s", order: 3)]
        #expect(room.outcome(of: v1(4, subject: "s")) == .joined(others: others, replaced: 2))
        #expect(room.connections == [1, 3, 4])
    }

    @Test("Who replaces another takes its place in a full room")
    func full() throws {
        var room = Room()
        _ = room.outcome(of: classic(1, peer: "x"))
        _ = room.outcome(of: v1(2, subject: "s"))
        #expect(room.outcome(of: v1(3, subject: "t"), membersMax: 2) == .refused(.peerIDTaken))
        #expect(
            room.outcome(of: v1(4, peer: "y", subject: "s"), membersMax: 2) == .refused(.roomFull))
        #expect(room.outcome(of: classic(4), membersMax: 2) == .refused(.roomFull))
        let joined = try room.join(v1(5, subject: "s"), membersMax: 2)
        #expect(joined?.own.order == 3 && joined?.replaced?.connection.raw == 2)
        #expect(room.connections == [1, 5])
        // Where the room holds more than it now may, nobody makes room for one who can't come in.
        #expect(room.outcome(of: v1(6, subject: "s"), membersMax: 1) == .refused(.roomFull))
        #expect(room.connections == [1, 5])
    }
}

@Suite struct RoomEventTests {
    private func text(_ news: RoomNews) -> String {
        var composer = EventComposer()
        let event = composer.event(news, of: "R")
        #expect(event.body == .none)
        return String(decoding: event.head + composer.tail, as: UTF8.self)
    }

    @Test("room_state lists the others by age, and says of each pair who is polite")
    func roomState() {
        let own = v1(5, order: 2)
        let others = [v1(1, peer: "new", order: 3), v1(9, name: "N\"", order: 1)]
        #expect(
            text(.state(own: own, others: others))
                == #"{"type":"room_state","data":{"roomId":"R","polite":false,"members":["#
                + #"{"connectionId":"0000000000000009","peerId":"p","name":"N\"","polite":true},"#
                + #"{"connectionId":"0000000000000001","peerId":"new","name":null,"polite":false}"#
                + "]}}")
        #expect(
            text(.state(own: own, others: []))
                == #"{"type":"room_state","data":{"roomId":"R","polite":true,"members":[]}}"#)
    }

    @Test("Who left is told of with room and reason, who joined with what it said, in any room")
    func members() {
        #expect(
            text(.left(v1(1), .kicked))
                == #"{"type":"someone_left","data":{"roomId":"R","#
                + #""connectionId":"0000000000000001","peerId":"p","reason":"kicked"}}"#)
        #expect(
            text(.firstToJoin) == #"{"type":"first_to_join","data":{"roomId":"R"}}"#)
        var composer = EventComposer()
        let message = Array(#"{"sdp":[1]}"#.utf8)
        let news = RoomNews.joined(v1(1, name: "N"))
        let event = composer.event(news, of: "R", sdp: 7..<10, in: message.span)
        #expect(event.body == .ownID)
        #expect(
            String(decoding: event.head, as: UTF8.self)
                == #"{"type":"someone_joined","data":{"connectionId":"0000000000000001","#
                + #""peerId":"p","offererId":"p","name":"N","sdp":[1],"ownId":"#)
    }
}
