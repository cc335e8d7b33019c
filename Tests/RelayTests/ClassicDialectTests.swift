import Admission
import AdmissionSupport
import Bytes
import Relay
import Testing
import WebSocket

/// The rules of PROTOCOL §2, one by one.
@Suite struct ClassicDialectTests {
    private let relay = ClassicHub(loops: 2)

    @Test("first_to_join goes to the joiner when nobody live was in the room")
    func firstToJoin() throws {
        let ann = try relay.connect()
        #expect(ann.join("R", id: "ann") == [ann.firstToJoin("R")])
    }

    @Test(
        "someone_joined goes to every live member when another joins, and the joiner gets nothing")
    func someoneJoined() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        let cid = try relay.connect()
        ann.join("R", id: "ann")
        #expect(
            bob.join("R", id: "bob", more: #","name":"Bob","sdp":{"type" : "x"}"#) == [
                ann.someoneJoined(
                    bob, id: "bob", ownID: "ann", name: #""Bob""#, sdp: #"{"type" : "x"}"#)
            ])
        let told = cid.join("R", id: "cid")
        #expect(told.count == 2)
        #expect(told.contains(ann.someoneJoined(cid, id: "cid", ownID: "ann")))
        #expect(told.contains(bob.someoneJoined(cid, id: "cid", ownID: "bob")))
    }

    @Test("Without id the connection id stands in")
    func noID() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R")
        #expect(bob.join("R") == [ann.someoneJoined(bob)])
    }

    @Test("A payload reaches its target with the sender's connectionId, then every member as sent")
    func payload() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        #expect(
            ann.send(
                #"{"type":"offer","offererId":"ann","offer":{"sdp":"v=0\r\n"}}"#, to: bob.connection
            )
                == [
                    bob.delivered(
                        from: ann, type: "offer",
                        #","type":"offer","offererId":"ann","offer":{"sdp":"v=0\r\n"}"#)
                ])
        #expect(
            bob.send("{}", to: ann.connection) == [ann.delivered(from: bob, type: "payload", "")])
    }

    @Test("connectionId is the true sender's: one inside the payload is dropped (SECURITY §3.4)")
    func noSpoofing() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R")
        bob.join("R")
        for name in ["connectionId", #"connection\u0049d"#] {
            let payload = #"{"a":1,"\#(name)":"\#(bob.connection)","b":2}"#
            #expect(
                ann.send(payload, to: bob.connection)
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
        #expect(ann.send(#"{"type":"\#(type)"}"#, to: bob.connection).isEmpty)
    }

    @Test("The target must share a room with the sender, else nothing is delivered (SECURITY §3.4)")
    func sharedRoom() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        #expect(ann.send("{}", to: bob.connection).isEmpty)
        bob.join("R")
        #expect(ann.send("{}", to: bob.connection).isEmpty)
        ann.join("S")
        #expect(ann.send("{}", to: bob.connection).isEmpty)
        #expect(bob.send("{}", to: ann.connection).isEmpty)
        #expect(ann.send("{}", to: "0123456789abcdef").isEmpty)
        bob.join("S")
        #expect(ann.send("{}", to: bob.connection).count == 1)
    }

    @Test("Rooms belong to a client: the same name of another client is another room")
    func clientsApart() throws {
        let (ann, eve) = (try relay.connect(client: "a"), try relay.connect(client: "b"))
        ann.join("R")
        #expect(eve.join("R") == [eve.firstToJoin("R")])
        #expect(eve.send("{}", to: ann.connection).isEmpty)
        #expect(ann.send("{}", to: eve.connection).isEmpty)
    }

    @Test(
        "A connection that ends, by any cause, leaves all its rooms at once (SECURITY §3.7)",
        arguments: [
            SocketEnd.lost, .peerClosed(code: 1000), .peerClosed(code: nil),
            .closedByUs(.noPong), .closedByUs(.overloaded),
        ])
    func noGhosts(end: SocketEnd) throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        ann.join("R")
        ann.join("S")
        bob.join("R")
        #expect(ann.close(end).isEmpty)
        #expect(bob.send("{}", to: ann.connection).isEmpty)
        let cid = try relay.connect()
        #expect(cid.join("R") == [bob.someoneJoined(cid)])
        #expect(cid.join("S") == [cid.firstToJoin("S")])
        bob.close()
        cid.close()
        #expect(relay.service.roomCount == 0 && relay.admission.connectionCount == 0)
    }

    @Test(
        "A closed connection's late message does nothing, to its slot's heir neither"
    )
    func afterClose() throws {
        let ann = try relay.connect()
        ann.join("R")
        ann.close()
        #expect(ann.join("R").isEmpty)
        let heir = try relay.connect()
        #expect(heir.socket.slot == ann.socket.slot)
        #expect(ann.join("R").isEmpty)
        #expect(heir.join("R") == [heir.firstToJoin("R")])
        #expect(ann.close().isEmpty)
        #expect(relay.service.roomCount == 1 && relay.admission.connectionCount == 1)
    }

    @Test("Joining the same room twice changes nothing and re-announces nothing")
    func twice() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect())
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        #expect(bob.join("R", id: "bob").isEmpty)
        #expect(bob.join("R", id: "other", more: #","name":"N""#).isEmpty)
        #expect(ann.join("R", id: "ann").isEmpty)
        let cid = try relay.connect()
        #expect(cid.join("R").contains(bob.someoneJoined(cid, ownID: "bob")))
    }

    @Test("The same peer id twice: both stay, and the older one is pinged and given 2 s")
    func samePeer() throws {
        let (old, new) = (try relay.connect(), try relay.connect(loop: 1))
        let other = try relay.connect()
        old.join("R", id: "ann")
        other.join("R", id: "bob")
        let told = new.join("R", id: "ann")
        #expect(told.count == 3)
        #expect(told.contains(old.someoneJoined(new, id: "ann", ownID: "ann")))
        #expect(told.contains(other.someoneJoined(new, id: "ann", ownID: "bob")))
        #expect(told.contains(.probe(old.socket, seconds: 2)))
        #expect(new.send("{}", to: old.connection).count == 1)
        #expect(old.send("{}", to: new.connection).count == 1)
    }

    @Test("The same peer id in another room or of another client is no duplicate")
    func samePeerElsewhere() throws {
        let (ann, too) = (try relay.connect(), try relay.connect())
        let eve = try relay.connect(client: "b")
        ann.join("R", id: "ann")
        #expect(too.join("S", id: "ann") == [too.firstToJoin("S")])
        #expect(eve.join("R", id: "ann") == [eve.firstToJoin("R")])
    }

    @Test("The token's name overrides the join's; without either it is null as sent")
    func names() throws {
        let ann = try relay.connect()
        ann.join("R")
        let named = try relay.connect(name: "Bob \"B\"")
        #expect(
            named.join("R", more: #","name":"Eve""#)
                == [ann.someoneJoined(named, name: #""Bob \"B\"""#)])
        named.close()
        let unnamed = try relay.connect()
        #expect(unnamed.join("R", more: #","name":null"#) == [ann.someoneJoined(unnamed)])
        unnamed.close()
        let empty = try relay.connect()
        #expect(empty.join("R", more: #","name":"""#) == [ann.someoneJoined(empty, name: #""""#)])
    }

    @Test("Messages from one sender to one target go out in the order they came")
    func order() throws {
        let (ann, bob) = (try relay.connect(), try relay.connect(loop: 1))
        ann.join("R")
        bob.join("R")
        ann.join("S")
        bob.join("S")
        let told = (0..<100).flatMap { ann.send(#"{"n":\#($0)}"#, to: bob.connection) }
        #expect(
            told
                == (0..<100).map { bob.delivered(from: ann, type: "payload", #","n":\#($0)"#) })
    }

    @Test("A peer may send to itself: it shares its rooms with itself")
    func toItself() throws {
        let ann = try relay.connect()
        #expect(ann.send("{}", to: ann.connection).isEmpty)
        ann.join("R")
        #expect(ann.send("{}", to: ann.connection).count == 1)
    }
}
