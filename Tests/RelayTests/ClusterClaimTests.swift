import Signalling
import Testing
import WebSocket

@testable import Relay

/// What becomes of what clients claim at nodes that have not got it (docs/protocol.md §3,
/// "Resume").
@Suite struct ClusterClaimTests {
    private let fleet = Fleet(3)
    private static let refusal = refused(1, "resume_failed", #""resume""#)

    /// A secret for that connection, as no node has ever given out.
    private static func madeUp(_ number: Int, _ connection: String, _ secret: String) -> String {
        let home = "1234567812345" + String(100 + number)
        return home + connection + secret.suffix(SessionSecret.textLength)
    }

    /// So many peers of the same client, whose tokens name no subject either.
    private func claim(
        _ count: Int, _ connection: String, _ secret: String
    ) throws -> [Client] {
        try (0..<count).map { number in
            let thief = try fleet[2].connect(loop: number % 2)
            _ = thief.resume(Self.madeUp(number, connection, secret), after: 0)
            return thief
        }
    }

    @Test(
        "Peers of one client whose tokens name no subject can't keep each other from resuming",
        arguments: [false, true])
    func noSubject(areClosed: Bool) throws {
        let (ann, bob) = (try fleet[0].connect(), try fleet[1].connect())
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        _ = (ann.take(), bob.take())
        let (seq, secret) = (ann.seq, ann.secret)
        ann.close(.lost)
        let thieves = try claim(20, ann.connection, secret)
        #expect(fleet.nodes[2].waiting == 20)
        if areClosed { for thief in thieves { thief.close(.lost) } }
        let back = try fleet[2].connect()
        #expect(back.resume(secret, after: seq).first == resumed(back, seq: seq))
        #expect(fleet.nodes[2].waiting == 0)
        for thief in thieves { #expect(thief.take() == (areClosed ? [] : [Self.refusal])) }
    }

    @Test("A claim of which nothing is known yet counts as long as its connection is open")
    func closed() throws {
        let ann = try fleet[0].connect()
        let thieves = try claim(20, ann.connection, ann.secret)
        for thief in thieves { thief.close(.lost) }
        #expect(fleet.nodes[2].waiting == 0)
        // Whoever claims the same again is heard like anybody.
        let again = try claim(20, ann.connection, ann.secret)
        #expect(fleet.nodes[2].waiting == 20)
        fleet.wait(milliseconds: 3000)
        for thief in again { #expect(thief.take() == [Self.refusal]) }
        #expect(fleet.nodes[2].waiting == 0 && !ann.isClosed)
    }

    @Test("Nobody resumes the session that its own connection has just been given")
    func own() throws {
        let ann = try fleet[0].connect()
        #expect(ann.resume(ann.secret, after: 0) == [Self.refusal])
        #expect(!ann.isClosed && ann.join("R").count == 2)
    }
}
