import Identifiers
import Signalling
import Testing

/// Reads one message as a v1 connection would.
private func readV1(_ text: String) throws(MessageFault) -> V1Envelope {
    var reader = V1MessageReader()
    let bytes = Array(text.utf8)
    return try reader.read(bytes.span)
}

private func message(_ text: String) throws -> V1Message {
    try readV1(text).content.get()
}

/// The code a message is refused with; nil where it is good.
private func refusalV1(_ text: String) -> String? {
    do throws(MessageFault) {
        let envelope = try readV1(text)
        if case .failure(let error) = envelope.content { return error.code }
        return nil
    } catch {
        return "1007"
    }
}

private func slice(_ text: String, _ range: Range<Int>?) -> String? {
    range.map { String(decoding: Array(text.utf8)[$0], as: UTF8.self) }
}

private let long = String(repeating: "x", count: 257)

@Suite struct V1MessageTests {
    @Test("Every message of v1 is read, in any order of its members (docs/protocol.md §3)")
    func all() throws {
        #expect(try message(#"{"action":"ping"}"#) == .ping)
        #expect(try message(#"{"roomId":"R","action":"leave-room"}"#) == .leaveRoom(room: "R"))
        #expect(
            try message(#"{"token":"a.b.c","action":"refresh-token"}"#) == .refreshToken("a.b.c"))
        let secret = SessionSecret(bits: 1 << 64 | 2)
        #expect(
            try message(#"{"action":"resume","seq":7,"session":"\#(secret.text)"}"#)
                == .resume(resumeOf(secret, 7)))
        guard
            case .joinRoom(let join) = try message(
                #"{"action":"join-room","roomId":"R","name":"N"}"#)
        else {
            Issue.record("no join")
            return
        }
        #expect(join.room == "R" && join.peerID == nil && join.name == "N")
    }

    private func resumeOf(_ secret: SessionSecret?, _ seq: UInt64) throws -> Resume {
        let text = #"{"action":"resume","session":"\#(secret?.text ?? "x")","seq":\#(seq)}"#
        guard case .resume(let resume) = try message(text) else {
            throw SignalError.unknownAction
        }
        return resume
    }

    @Test("A broadcast's payload is read as that of a send-payload")
    func broadcast() throws {
        let text =
            #"{"action":"broadcast","roomId":"R","payload":{"a":1,"connectionId":"x","type":"t"}}"#
        guard case .broadcast(let broadcast) = try message(text) else {
            Issue.record("no broadcast")
            return
        }
        #expect(broadcast.room == "R")
        #expect(slice(text, broadcast.payload.type) == #""t""#)
        #expect(slice(text, broadcast.payload.leading) == #""a":1"#)
        #expect(slice(text, broadcast.payload.members) == #""type":"t""#)
    }

    @Test(
        "A missing, mistyped, empty or too long member is bad_request (docs/protocol.md §4)",
        arguments: [
            "{}", #"{"action":7}"#, #"{"action":"leave-room"}"#,
            #"{"action":"join-room","roomId":"R"}"#,
            #"{"action":"join-room","roomId":"R","name":null}"#,
            #"{"action":"join-room","roomId":"R","name":""}"#,
            #"{"action":"join-room","name":"N"}"#,
            #"{"action":"leave-room","roomId":""}"#, #"{"action":"leave-room","roomId":7}"#,
            #"{"action":"leave-room","roomId":"\#(long)"}"#,
            #"{"action":"broadcast","roomId":"R"}"#, #"{"action":"broadcast","payload":{}}"#,
            #"{"action":"broadcast","roomId":"R","payload":[]}"#,
            #"{"action":"broadcast","roomId":"R","payload":{"type":"someone_left"}}"#,
            #"{"action":"broadcast","roomId":"R","payload":{"type":"usher.closing"}}"#,
            sending(#"{"type":"usher.closing"}"#),
            #"{"action":"broadcast","roomId":"R","payload":{"type":7}}"#,
            #"{"action":"broadcast","roomId":"R","payload":{"a":1,"a":2}}"#,
            #"{"action":"refresh-token"}"#, #"{"action":"refresh-token","token":""}"#,
            #"{"action":"refresh-token","token":null}"#, #"{"action":"resume"}"#,
            #"{"action":"resume","session":"x"}"#, #"{"action":"resume","seq":1}"#,
            #"{"action":"resume","session":"","seq":1}"#,
            #"{"action":"resume","session":7,"seq":1}"#,
            #"{"action":"resume","session":"x","seq":-1}"#,
            #"{"action":"resume","session":"x","seq":1.0}"#,
            #"{"action":"resume","session":"x","seq":1e3}"#,
            #"{"action":"resume","session":"x","seq":"1"}"#,
            #"{"action":"resume","session":"x","seq":9007199254740993}"#,
            #"{"action":"resume","session":"x","seq":99999999999999999999}"#,
            #"{"action":"ping","action":"ping"}"#,
        ])
    func badRequest(text: String) { #expect(refusalV1(text) == "bad_request") }

    @Test("A session that can be no secret of ours is a good message, which resumes nothing")
    func strangeSecret() throws {
        let resume = try resumeOf(nil, 0)
        #expect(resume.secret == nil && resume.seq == 0)
    }

    @Test(
        "Other actions are unknown_action, text that is no JSON object costs the connection",
        arguments: [
            (#"{"action":"dance"}"#, "unknown_action"), (#"{"action":""}"#, "unknown_action"),
            (#"{"action":"Ping"}"#, "unknown_action"), ("[]", "1007"), ("", "1007"),
            (#"{"action":"ping""#, "1007"),
        ])
    func others(text: String, code: String) { #expect(refusalV1(text) == code) }

    @Test(
        "An ack is an integer of at most 2^53 either way or a string of 1 to 256 bytes",
        arguments: [
            "0", "1", "-1", "9007199254740992", "-9007199254740992", #""a""#, #""\u00e9\n""#,
            #""\#(String(repeating: "a", count: 256))""#,
            #""\#(String(repeating: #"\u0061"#, count: 256))""#,
        ])
    func goodAck(ack: String) throws {
        let text = #"{"action":"ping","ack":\#(ack)}"#
        let envelope = try readV1(text)
        #expect(slice(text, envelope.ack) == ack)
        #expect(envelope.content == .success(.ping))
    }

    @Test(
        "Any other ack is bad_request, and is not named again",
        arguments: [
            "null", "true", "1.0", "1e2", "-", "9007199254740993", "-9007199254740993",
            "123456789012345678901234567890", #""""#, "[]", "{}",
            #""\#(String(repeating: "a", count: 257))""#,
        ])
    func badAck(ack: String) throws {
        guard ack != "-" else { return }  // No JSON at all.
        let text = #"{"action":"ping","ack":\#(ack)}"#
        let envelope = try readV1(text)
        #expect(envelope.ack == nil && envelope.content == .failure(.badRequest))
        #expect(slice(text, envelope.action) == #""ping""#)
    }

    @Test("A refused message's action and ack are there for the error, as they were sent")
    func named() throws {
        let text = #"{"action":"d\u0061nce","ack":"x"}"#
        let envelope = try readV1(text)
        #expect(slice(text, envelope.action) == #""d\u0061nce""#)
        #expect(slice(text, envelope.ack) == #""x""#)
        #expect(envelope.content == .failure(.unknownAction))
    }

    @Test("An action over 64 bytes, or none that is a string, is not named again")
    func unnamed() throws {
        let longest = String(repeating: "a", count: 64)
        #expect(try readV1(#"{"action":"\#(longest)"}"#).action != nil)
        #expect(try readV1(#"{"action":"\#(longest)a"}"#).action == nil)
        #expect(try readV1(#"{"action":7}"#).action == nil)
        #expect(try readV1("{}").action == nil)
    }
}

@Suite struct SessionSecretTests {
    @Test(
        "A secret is 22 letters of base64url, and reads back as itself",
        arguments: [
            (UInt64(0), UInt64(0), "AAAAAAAAAAAAAAAAAAAAAA"),
            (.max, .max, "_____________________w"),
            (0x0011_2233_4455_6677, 0x8899_aabb_ccdd_eeff, "ABEiM0RVZneImaq7zN3u_w"),
        ])
    func roundTrip(high: UInt64, low: UInt64, text: String) {
        let secret = SessionSecret(bits: UInt128(high) << 64 | UInt128(low))
        #expect(secret.text == text && SessionSecret(text) == secret)
    }

    @Test(
        "Nothing else is one, and of two spellings of the same bits one alone counts",
        arguments: [
            "", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB",
            "AAAAAAAAAAAAAAAAAAAA+A", "AAAAAAAAAAAAAAAAAAAA==", "éAAAAAAAAAAAAAAAAAAAA",
        ])
    func refuses(text: String) { #expect(SessionSecret(text) == nil) }

    @Test("A secret that names its session does so with 16 digits before it")
    func named() {
        let secret = SessionSecret(bits: 0, of: ConnectionID(raw: 0xABC))
        #expect(secret.text == "0000000000000abcAAAAAAAAAAAAAAAAAAAAAA")
        #expect(SessionSecret(secret.text) == secret)
        #expect(SessionSecret(secret.text)?.connection == ConnectionID(raw: 0xABC))
        #expect(SessionSecret("000000000000ABCDAAAAAAAAAAAAAAAAAAAAAA") == nil)
        #expect(SessionSecret("000000000000abcAAAAAAAAAAAAAAAAAAAAAA") == nil)
    }

    @Test("A secret that names its node does so with 16 digits before those of the session")
    func atHome() {
        let secret = SessionSecret(bits: 1, of: ConnectionID(raw: 0xABC), at: 0xDEF0)
        #expect(
            secret.text == "000000000000def00000000000000abcAAAAAAAAAAAAAAAAAAAAAQ")
        #expect(SessionSecret(secret.text) == secret)
        #expect(SessionSecret(secret.text)?.home == 0xDEF0)
        #expect(SessionSecret(SessionSecret(bits: 1).text)?.home == nil)
        #expect(SessionSecret("000000000000DEF00000000000000abcAAAAAAAAAAAAAAAAAAAAAQ") == nil)
        #expect(SessionSecret("000000000000def00000000000000ABCAAAAAAAAAAAAAAAAAAAAAQ") == nil)
        #expect(SessionSecret("0" + secret.text) == nil)
    }

    @Test("A secret never describes itself")
    func silent() {
        let secret = SessionSecret(bits: 1 << 64 | 1)
        #expect(!"\(secret)".contains(secret.text))
    }
}
