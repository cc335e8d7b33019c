import Bytes
import Identifiers
import Locking
import ServerlessRelay
import Signalling
import StrictJSON
import Testing

/// Joining, leaving and what is told of it, one invocation after the other.
@Suite struct StoreRoomTests {
    private let world = StoreWorld()

    private func member(_ peer: Peer, _ id: String, polite: Bool = true) -> String {
        #"{"connectionId":"\#(peer.connection.text)","peerId":"\#(id)","name":"N","#
            + #""polite":\#(polite)}"#
    }

    private func state(_ seq: Int, _ members: [String], polite: Bool = true) -> String {
        #"{"type":"room_state","data":{"roomId":"r","polite":\#(polite),"members":["#
            + members.joined(separator: ",") + #"]},"seq":\#(seq)}"#
    }

    @Test("Events are those of a relay in one process, byte for byte")
    func eventsAreTheSame() throws {
        let one = try Peer(world, "p\"1")
        let two = try Peer(world, "p2")
        let old = try Peer(world, "old", .classic)
        #expect(try one.join("r", ack: 1) == nil)
        #expect(try two.join("r", sdp: #"{"a":[1]}"#, ack: 1) == nil)
        #expect(try old.join("r") == nil)
        #expect(try two.send("hi", to: one, ack: 2) == nil)
        #expect(try two.send("hi", to: old, ack: 3) == nil)
        try two.leave("r", ack: 4)
        let two2 = two.connection.text
        let old2 = old.connection.text
        #expect(
            one.texts == [
                #"{"type":"welcome","data":{}}"#,
                #"{"type":"first_to_join","data":{"roomId":"r"},"seq":1}"#,
                state(2, []),
                #"{"type":"ack","data":{"ack":1},"seq":3}"#,
                #"{"type":"someone_joined","data":{"connectionId":"\#(two2)","peerId":"p2","#
                    + #""offererId":"p2","name":"N","sdp":{"a":[1]},"ownId":"p\"1"},"seq":4}"#,
                #"{"type":"someone_joined","data":{"connectionId":"\#(old2)","peerId":"old","#
                    + #""offererId":"old","name":"N","sdp":null,"ownId":"p\"1"},"seq":5}"#,
                #"{"type":"chat","data":{"connectionId":"\#(two2)","type":"chat","text":"hi"},"#
                    + #""seq":6}"#,
                #"{"type":"someone_left","data":{"roomId":"r","connectionId":"\#(two2)","#
                    + #""peerId":"p2","reason":"left"},"seq":7}"#,
            ])
        #expect(
            two.texts == [
                #"{"type":"welcome","data":{}}"#, state(1, [member(one, #"p\"1"#)]),
                #"{"type":"ack","data":{"ack":1},"seq":2}"#,
                #"{"type":"someone_joined","data":{"connectionId":"\#(old2)","peerId":"old","#
                    + #""offererId":"old","name":"N","sdp":null,"ownId":"p2"},"seq":3}"#,
                #"{"type":"ack","data":{"ack":2},"seq":4}"#,
                #"{"type":"ack","data":{"ack":3},"seq":5}"#,
                #"{"type":"ack","data":{"ack":4},"seq":6}"#,
            ])
        #expect(
            old.texts == [
                #"{"type":"chat","data":{"connectionId":"\#(two2)","type":"chat","text":"hi"}}"#
            ])
    }

    @Test("A classic first is told so, and nothing else of itself")
    func classicFirst() throws {
        let one = try Peer(world, "a", .classic)
        let two = try Peer(world, "a", .classic)
        #expect(try one.join("r") == nil)
        #expect(try two.join("r") == nil)
        #expect(try two.join("r") == nil)
        #expect(one.all.map(\.type) == ["first_to_join", "someone_joined"])
        #expect(two.texts.isEmpty)
    }

    @Test("Rooms of two clients are two, however their names run together")
    func clientsAreApart() throws {
        let one = try Peer(world, "a", client: "x#1")
        let two = try Peer(world, "b", client: "x")
        #expect(try one.join("r") == nil)
        #expect(try two.join("1#r") == nil)
        #expect(one.joiners.isEmpty && two.heard("first_to_join").count == 1)
        #expect(try two.send("hi", to: one) == .unknownTarget)
    }

    @Test("A full room takes nobody, unless somebody in it is gone")
    func fullRoom() throws {
        var limits = StoreLimits()
        limits.roomMembersMax = 2
        limits.roomsPerConnectionMax = 1
        let world = StoreWorld(limits, hasTimers: false)
        let peers = try ["a", "b", "c"].map { try Peer(world, $0) }
        #expect(try peers[0].join("r") == nil)
        #expect(try peers[1].join("r") == nil)
        #expect(try peers[2].join("r", ack: 1) == .roomFull)
        #expect(try peers[0].join("s") == .tooManyRooms)
        #expect(try peers[0].join("r", ack: 2) == nil)
        #expect(peers[2].acks.isEmpty && peers[0].acks == [2] && peers[0].joiners.count == 1)
        try peers[1].drop()
        #expect(try peers[2].join("r") == .roomFull)
        world.pass(seconds: 31)
        #expect(try peers[2].join("r") == nil)
        #expect(peers[0].heard("someone_left").map(\.data["reason"]?.string) == ["lost"])
        #expect(peers[0].joiners.last == ByteText(peers[2].connection.text))
    }

    @Test("Of one peer id the newer takes the place, if both name the same subject")
    func replacement() throws {
        let other = try Peer(world, "o")
        let one = try Peer(world, "a", subject: "s")
        #expect(try other.join("r") == nil)
        #expect(try one.join("r") == nil)
        #expect(try one.join("x") == nil)
        let two = try Peer(world, "a", subject: "s")
        let three = try Peer(world, "a", subject: "t")
        #expect(try three.join("r") == .peerIDTaken)
        #expect(try two.join("r", ack: 1) == nil)
        #expect(other.heard.map(\.type).suffix(2) == ["someone_left", "someone_joined"])
        #expect(other.heard("someone_left").last?.data["reason"]?.string == "replaced")
        #expect(
            one.texts.last
                == #"{"type":"usher.closing","data":{"code":4509,"reason":"#
                + #""a newer connection of this peer took its place"}}"#)
        #expect(world.gateway.state.withLock { $0.ended } == [one.gateway])
        #expect(try two.view()?.rooms == ["r"] && one.view() == nil)
        // It was the only one in its other room.
        let late = try Peer(world, "l")
        #expect(try late.join("x") == nil)
        #expect(late.heard("first_to_join").count == 1)
    }

    @Test("Who was lost and does not come back is gone for the next who joins, without timers")
    func ghostsGo() throws {
        let world = StoreWorld(hasTimers: false)
        let one = try Peer(world, "a")
        let old = try Peer(world, "o", .classic)
        #expect(try one.join("r") == nil)
        #expect(try old.join("r") == nil)
        try one.drop(isHeard: false)
        world.gateway.state.withLock { _ = $0.gone.insert(old.gateway) }
        let two = try Peer(world, "b")
        #expect(try two.join("r") == nil)
        // To tell them showed that they are gone.
        #expect(two.heard("someone_left").count == 1)
        world.pass(seconds: 31)
        let three = try Peer(world, "c")
        #expect(try three.join("r") == nil)
        #expect(two.heard("someone_left").map(\.data["reason"]?.string) == ["lost", "lost"])
        let state = three.heard("room_state").first?.data["members"]?.array
        #expect(state?.count == 1)
    }

    @Test("A token that grants less has its rooms left")
    func refreshLeaves() throws {
        let one = try Peer(world, "a")
        let two = try Peer(world, "b")
        for peer in [one, two] {
            #expect(try peer.join("r") == nil)
            #expect(try peer.join("s") == nil)
        }
        let view = try #require(try one.view())
        let narrow = try Peer(world, "n", rooms: "s")
        try world.store.refresh(
            view, grant: narrow.grant, ack: Peer.ack(9), in: world.invocation())
        #expect(two.heard("someone_left").map(\.data["roomId"]?.string) == ["r"])
        #expect(one.acks == [9])
        #expect(try one.view()?.rooms == ["s"] && one.view()?.grant == narrow.grant)
        #expect(try two.send("x", to: one, ack: 1) == nil)
        #expect(try two.broadcast("y", in: "r", ack: 2) == nil)
        #expect(one.chats == ["x"])
    }

    @Test("Who left and comes back is told all anew, and the others too")
    func comesBack() throws {
        let one = try Peer(world, "a")
        let two = try Peer(world, "b")
        #expect(try one.join("r") == nil)
        #expect(try two.join("r") == nil)
        try two.leave("r")
        try two.leave("r", ack: 5)
        #expect(try two.send("x", to: one) == .unknownTarget)
        #expect(try two.broadcast("x", in: "r") == .unknownTarget)
        #expect(try two.join("r") == nil)
        #expect(
            one.heard.map(\.type).suffix(3)
                == ["someone_joined", "someone_left", "someone_joined"])
        #expect(two.heard("room_state").count == 2 && two.acks == [5])
        #expect(try one.send("hi", to: two) == nil)
        #expect(try one.send("me", to: one, ack: 1) == nil)
        #expect(two.chats == ["hi"] && one.chats == ["me"] && one.acks == [1])
    }
}
