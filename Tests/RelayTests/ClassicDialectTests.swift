import Admission
import AdmissionSupport
import Bytes
import Relay
import Testing
import WebSocket

/// The rules of docs/protocol.md §2, one by one.
@Suite(.inEachHome) struct ClassicDialectTests {
    private let relay = Hub(isV1: false)

    @Test("first_to_join goes to the joiner when nobody live was in the room")
    func firstToJoin() throws {
        let ann = try relay.connect()
        #expect(relay.asked { ann.join("R", id: "ann") } == [ann.firstToJoin("R")])
    }

    @Test(
        "someone_joined goes to every live member when another joins, and the joiner gets nothing")
    func someoneJoined() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        let cid = try relay.connect()
        ann.join("R", id: "ann")
        #expect(
            relay.asked { bob.join("R", id: "bob", name: "Bob", more: #","sdp":{"type" : "x"}"#) }
                == [
                    ann.someoneJoined(
                        bob, id: "bob", ownID: "ann", name: #""Bob""#, sdp: #"{"type" : "x"}"#)
                ])
        let told = relay.asked { cid.join("R", id: "cid") }
        #expect(told.count == 2)
        #expect(told.contains(ann.someoneJoined(cid, id: "cid", ownID: "ann")))
        #expect(told.contains(bob.someoneJoined(cid, id: "cid", ownID: "bob")))
    }

    @Test("Without id the connection id stands in")
    func noID() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R")
        #expect(relay.asked { bob.join("R") } == [ann.someoneJoined(bob)])
    }

    @Test("A payload reaches its target with the sender's connectionId, then every member as sent")
    func payload() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        let members = #""type":"offer","offererId":"ann","offer":{"sdp":"v=0\r\n"}"#
        #expect(
            relay.asked { ann.send("{\(members)}", to: bob) }
                == [bob.delivered(from: ann, type: "offer", ",\(members)")])
        #expect(
            relay.asked { bob.send("{}", to: ann) }
                == [ann.delivered(from: bob, type: "payload", "")])
    }

    @Test(
        "connectionId is the true sender's: one in the payload is dropped (docs/protocol.md §2)")
    func noSpoofing() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R")
        bob.join("R")
        for name in ["connectionId", #"connection\u0049d"#] {
            let payload = #"{"a":1,"\#(name)":"\#(bob.connection)","b":2}"#
            #expect(
                relay.asked { ann.send(payload, to: bob) }
                    == [bob.delivered(from: ann, type: "payload", #","a":1,"b":2"#)])
        }
    }

    @Test(
        "A peer can't speak as the server",
        arguments: [
            "first_to_join", "someone_joined", "someone_left", "welcome", "error", "draining",
        ])
    func noImpersonation(type: String) throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R")
        bob.join("R")
        #expect(relay.asked { ann.send(#"{"type":"\#(type)"}"#, to: bob) }.isEmpty)
    }

    @Test(
        "The target must share a room with the sender, else nothing goes out (docs/protocol.md §2)")
    func sharedRoom() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        #expect(relay.asked { ann.send("{}", to: bob) }.isEmpty)
        bob.join("R")
        #expect(relay.asked { ann.send("{}", to: bob) }.isEmpty)
        ann.join("S")
        #expect(relay.asked { ann.send("{}", to: bob) }.isEmpty)
        #expect(relay.asked { bob.send("{}", to: ann) }.isEmpty)
        let unknown = #"{"action":"send-payload","target":"0123456789abcdef","payload":{}}"#
        #expect(relay.asked { ann.say(unknown) }.isEmpty)
        bob.join("S")
        #expect(relay.asked { ann.send("{}", to: bob) }.count == 1)
    }

    @Test("Rooms belong to a client: the same name of another client is another room")
    func clientsApart() throws {
        let (ann, eve) = (try relay.connect(client: "a"), try relay.connect(client: "b"))
        ann.join("R")
        #expect(relay.asked { eve.join("R") } == [eve.firstToJoin("R")])
        #expect(relay.asked { eve.send("{}", to: ann) }.isEmpty)
        #expect(relay.asked { ann.send("{}", to: eve) }.isEmpty)
    }

    @Test(
        "A connection that ends, by any cause, leaves all its rooms at once (docs/protocol.md §2)",
        arguments: [
            SocketEnd.lost, .peerClosed(code: 1000), .peerClosed(code: nil),
            .closedByUs(.noPong), .closedByUs(.overloaded),
        ])
    func noGhosts(end: SocketEnd) throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        ann.join("R")
        ann.join("S")
        bob.join("R")
        #expect(relay.asked { ann.close(end) }.isEmpty)
        #expect(relay.asked { bob.send("{}", to: ann) }.isEmpty)
        let cid = try relay.connect()
        #expect(relay.asked { cid.join("R") } == [bob.someoneJoined(cid)])
        #expect(relay.asked { cid.join("S") } == [cid.firstToJoin("S")])
        bob.close()
        cid.close()
        #expect(relay.service.roomCount == 0 && relay.admission.ledger.total == 0)
    }

    @Test(
        "A closed connection's late message does nothing, to its slot's heir neither"
    )
    func afterClose() throws {
        let ann = try relay.connect()
        ann.join("R")
        ann.close()
        #expect(relay.asked { ann.join("R") }.isEmpty)
        let heir = try relay.connect()
        #expect(heir.socket.slot == ann.socket.slot)
        #expect(relay.asked { ann.join("R") }.isEmpty)
        #expect(relay.asked { heir.join("R") } == [heir.firstToJoin("R")])
        #expect(relay.asked { ann.close() }.isEmpty)
        #expect(relay.service.roomCount == 1 && relay.admission.ledger.total == 1)
    }

    @Test("Joining the same room twice changes nothing and re-announces nothing")
    func twice() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        #expect(relay.asked { bob.join("R", id: "bob") }.isEmpty)
        #expect(relay.asked { bob.join("R", id: "other", name: "Other") }.isEmpty)
        #expect(relay.asked { ann.join("R", id: "ann") }.isEmpty)
        let cid = try relay.connect()
        #expect(relay.asked { cid.join("R") }.contains(bob.someoneJoined(cid, ownID: "bob")))
    }

    @Test("The same peer id twice: both stay, and the older one is pinged and given 2 s")
    func samePeer() throws {
        let (old, new) = (try relay.connect(), try relay.connect(loop: 1))
        let other = try relay.connect()
        old.join("R", id: "ann")
        other.join("R", id: "bob")
        let told = relay.asked { new.join("R", id: "ann") }
        #expect(told.count == 3)
        #expect(told.contains(old.someoneJoined(new, id: "ann", ownID: "ann")))
        #expect(told.contains(other.someoneJoined(new, id: "ann", ownID: "bob")))
        #expect(told.contains(.probe(old.socket, seconds: 2)))
        #expect(relay.asked { new.send("{}", to: old) }.count == 1)
        #expect(relay.asked { old.send("{}", to: new) }.count == 1)
    }

    @Test("The same peer id in another room or of another client is no duplicate")
    func samePeerElsewhere() throws {
        let (ann, too) = (try relay.connect(), try relay.connect())
        let eve = try relay.connect(client: "b")
        ann.join("R", id: "ann")
        #expect(relay.asked { too.join("S", id: "ann") } == [too.firstToJoin("S")])
        #expect(relay.asked { eve.join("R", id: "ann") } == [eve.firstToJoin("R")])
    }

    @Test("The token's name overrides the join's; without either it is null as sent")
    func names() throws {
        let ann = try relay.connect()
        ann.join("R")
        let named = try relay.connect(name: "Bob \"B\"")
        #expect(
            relay.asked { named.join("R", name: "Eve") }
                == [ann.someoneJoined(named, name: #""Bob \"B\"""#)])
        named.close()
        let unnamed = try relay.connect()
        #expect(
            relay.asked { unnamed.join("R", name: nil, more: #","name":null"#) }
                == [ann.someoneJoined(unnamed, name: "null")])
        unnamed.close()
        let silent = try relay.connect()
        #expect(
            relay.asked { silent.join("R", name: nil) }
                == [ann.someoneJoined(silent, name: "null")])
        silent.close()
        let empty = try relay.connect()
        #expect(
            relay.asked { empty.join("R", name: "") }
                == [ann.someoneJoined(empty, name: #""""#)])
    }

    @Test("Messages from one sender to one target go out in the order they came")
    func order() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        ann.join("R")
        bob.join("R")
        ann.join("S")
        bob.join("S")
        #expect(
            relay.asked { for number in 0..<100 { ann.send(#"{"n":\#(number)}"#, to: bob) } }
                == (0..<100).map { bob.delivered(from: ann, type: "payload", #","n":\#($0)"#) })
    }

    @Test("A peer may send to itself: it shares its rooms with itself")
    func toItself() throws {
        let ann = try relay.connect()
        #expect(relay.asked { ann.send("{}", to: ann) }.isEmpty)
        ann.join("R")
        #expect(relay.asked { ann.send("{}", to: ann) }.count == 1)
    }
}
