import Access
import Bytes
import Clients
import Identifiers
import Testing
import Tokens

@Suite struct RevocationSetTests {
    private func isRevoked(
        _ set: RevocationSet, id: String = "t1", subject: Subject = "c_a:zoe",
        client: ClientID = "c_a", at issuedAt: Int64 = 100
    ) -> Bool {
        set.isRevoked(
            RevocableToken(
                tokenID: id, subject: subject, clientID: client, issuedAt: issuedAt))
    }

    @Test("Nothing is revoked by nothing")
    func empty() {
        #expect(!isRevoked(RevocationSet()))
        #expect(RevocationSet().count == 0)
    }

    @Test("One token is revoked by its jti, whenever it was issued (RFC 7009 §2.2)")
    func token() {
        let set = RevocationSet([.token(id: "t1", expiresAt: 200)])
        for second in [0, 100, Int64.max] { #expect(isRevoked(set, at: second)) }
        #expect(!isRevoked(set, id: "t2"))
    }

    @Test(
        "A subject's tokens are revoked up to the very second that is named",
        arguments: [(Int64(99), true), (100, true), (101, false), (.min, true), (.max, false)])
    func subjectBoundary(issuedAt: Int64, expected: Bool) {
        let set = RevocationSet([.subject("c_a:zoe", issuedBefore: 100, expiresAt: 200)])
        #expect(isRevoked(set, at: issuedAt) == expected)
        #expect(!isRevoked(set, subject: "c_a:zo", at: issuedAt))
        #expect(!isRevoked(set, subject: "c_b:zoe", at: issuedAt))
    }

    @Test(
        "A client's tokens are revoked up to the very second that is named",
        arguments: [(Int64(99), true), (100, true), (101, false)])
    func clientBoundary(issuedAt: Int64, expected: Bool) {
        let set = RevocationSet([.client(id: "c_a", issuedBefore: 100, expiresAt: 200)])
        #expect(isRevoked(set, at: issuedAt) == expected)
        #expect(isRevoked(set, subject: "c_a", at: issuedAt) == expected)
        #expect(!isRevoked(set, client: "c_b", at: issuedAt))
    }

    @Test("A name means what it was revoked as, and nothing else")
    func kindsApart() {
        let set = RevocationSet([
            .token(id: "c_a", expiresAt: 200), .subject("t1", issuedBefore: 100, expiresAt: 200),
            .client(id: "c_a:zoe", issuedBefore: 100, expiresAt: 200),
        ])
        #expect(set.count == 3)
        #expect(!isRevoked(set))
    }

    @Test("Of two about one name the later second and the later end hold, in either order")
    func merged() {
        let (early, late): (Revocation, Revocation) = (
            .subject("c_a:zoe", issuedBefore: 50, expiresAt: 300),
            .subject("c_a:zoe", issuedBefore: 100, expiresAt: 200)
        )
        for both in [[early, late], [late, early]] {
            var set = RevocationSet(both)
            #expect(set.count == 1)
            #expect(isRevoked(set, at: 100))
            set.drop(expiredBefore: 300)
            #expect(isRevoked(set, at: 100))
        }
    }

    @Test(
        "What ended is dropped from the second after its end",
        arguments: [
            (Int64(200), 3), (201, 0), (.min, 3),
        ])
    func drop(second: Int64, count: Int) {
        var set = RevocationSet([
            .token(id: "t1", expiresAt: 200), .subject("s", issuedBefore: 1, expiresAt: 200),
            .client(id: "c_a", issuedBefore: 1, expiresAt: 200),
        ])
        set.drop(expiredBefore: second)
        #expect(set.count == count)
    }

    @Test("Names are compared byte by byte")
    func bytes() {
        let set = RevocationSet([
            .subject("c_a:caf\u{E9}", issuedBefore: 100, expiresAt: 200),
            .subject("c_a:cafe\u{301}", issuedBefore: 50, expiresAt: 200),
        ])
        #expect(set.count == 2)
        #expect(isRevoked(set, subject: "c_a:caf\u{E9}", at: 100))
        #expect(!isRevoked(set, subject: "c_a:cafe\u{301}", at: 100))
    }
}

@Suite struct AuditTests {
    @Test("An actor is named by where they came from")
    func actors() {
        #expect(Actor.commandLine(user: "root").description == "cli:root")
        #expect(Actor.client("c_a").description == "client:c_a")
        #expect(Actor.server.description == "server")
        #expect(Actor.session(ofClient: "c_a").description == "session:c_a")
        #expect(Actor.client("c_a").share == .client(id: "c_a"))
        #expect(Actor.session(ofClient: "c_a").share == .sessions(ofClient: "c_a"))
        #expect(Actor.commandLine(user: "client:c_a").share == nil)
        #expect(Actor.server.share == nil)
    }

    @Test("What an entry says has a bounded size and moves no cursor")
    func bounded() {
        let long = "a\nb\u{1B}" + String(repeating: "é", count: 3000)
        let entry = AuditEntry(
            id: 1, at: 2, actor: long, action: long, target: long, details: long)
        let texts = [
            (entry.actor, AuditEntry.targetBytesMax), (entry.action, AuditEntry.actionBytesMax),
            (entry.target, AuditEntry.targetBytesMax),
            (entry.details, AuditEntry.detailsBytesMax),
        ]
        for (text, bytesMax) in texts {
            #expect(text.utf8.count <= bytesMax)
            #expect(text.utf8.count > bytesMax - 4)
            #expect(text.hasPrefix("a\u{FFFD}b\u{FFFD}é"))
            #expect(text.hasSuffix("…"))
        }
        let user = Actor.commandLine(user: String(repeating: "u", count: 900)).description
        #expect(user.utf8.count <= 260)
    }

    @Test(
        "A text is cut only where it is too long",
        arguments: [
            ("", ""), ("abcdef", "abcdef"), ("abcdefg", "abc…"), ("éé\u{7F}", "é…"),
            ("ééé", "ééé"), ("éééé", "é…"),
        ])
    func cut(text: String, as expected: String) {
        #expect(TextRules.printable(text, bytesMax: 6) == expected)
    }
}

@Suite struct RevocationSpanTests {
    @Test("A revocation is kept until the last verifier refuses what it names (RFC 7009 §2)")
    func spans() {
        let claims = TokenClaims(
            issuer: "i", audience: ["i"], subject: "c_one:ann", clientID: "c_one", issuedAt: 1_000,
            expiresAt: 1_600, tokenID: "j", scopes: [], rooms: [])
        let owner = TokenOwner(clientID: "c_one", subject: "c_one:ann", issuedAt: 1_000)
        #expect(Revocation.of(claims) == .token(id: "j", expiresAt: 1_900, of: owner))
        #expect(
            Revocation.allOf(user: "ann", of: "c_one", now: 1_000)
                == .subject("c_one:ann", issuedBefore: 1_000, expiresAt: 4_900))
        #expect(
            Revocation.allOf(clientID: "c_one", now: 1_000)
                == .client(id: "c_one", issuedBefore: 1_000, expiresAt: 4_900))
    }
}

@Suite struct RevocationShareTests {
    @Test(
        "A share is a quarter, and an even one once all is taken",
        arguments: [
            (65_535, 65_535, 1, true), (65_536, 65_536, 1, false), (65_535, 262_143, 4, true),
            (65_535, 262_144, 4, false), (52_428, 262_144, 4, false), (52_427, 262_144, 4, true),
            (1_023, 10_000_000, 10_000, true), (1_024, 10_000_000, 10_000, false),
        ])
    func room(own: Int, all: Int, holders: Int, expected: Bool) {
        #expect(RevocationShare.tokens.hasRoom(own: own, all: all, holders: holders) == expected)
    }

    @Test("The client of a subject is what stands before the first colon")
    func clientOfSubject() {
        for subject: Subject in ["c_a:zoe", "c_a", "c_a:b:c"] {
            #expect(subject.clientID == "c_a")
        }
    }
}
