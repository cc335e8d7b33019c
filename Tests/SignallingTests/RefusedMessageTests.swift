import Signalling
import Testing

/// What an error names of a refused message: its action and ack.
private func named(_ text: String) throws -> [String?] {
    var reader = V1MessageReader()
    let bytes = Array(text.utf8)
    let envelope = try reader.read(bytes.span)
    #expect(throws: SignalError.badRequest) { try envelope.content.get() }
    return [envelope.action, envelope.ack].map { range in
        range.map { String(decoding: bytes[$0], as: UTF8.self) }
    }
}

@Suite("A message that breaks a rule of ours is still named in its error (docs/protocol.md §3)")
struct RefusedMessageTests {
    private static let faults = [
        #""a":"\ud800""#, #""a":{"\udc00":1}"#, #""a":1,"\u0061":2"#, #""payload":{"b":1,"b":2}"#,
        #""a":"# + String(repeating: "[", count: 33) + String(repeating: "]", count: 33),
        (0..<260).map { "\"\($0)\":{}" }.joined(separator: ","),
        #""a":"\"}],\\","b":"\udc00\\""#,
    ]

    @Test("Action and ack are told wherever they stand", arguments: faults.indices)
    func told(fault: Int) throws {
        let fault = Self.faults[fault]
        for ack in ["7", "-0", #""a\u0062""#] {
            let wanted = [#""join-room""#, ack]
            #expect(
                try named("{\"action\":\"join-room\",\"ack\":\(ack),\(fault)}") == wanted)
            #expect(
                try named(" { \(fault) , \"ack\" : \(ack) , \"action\" : \"join-room\" } ")
                    == wanted)
            #expect(
                try named(
                    "{\(fault),\"\\u0061ck\":\(ack),\"\\u0061ct\\u0069on\":\"join-room\"}")
                    == wanted)
        }
    }

    @Test(
        "What cannot be known is null",
        arguments: [
            (#"{"action":"ping","ack":1,"ack":2}"#, [#""ping""#, nil]),
            (#"{"action":"a","action":"a","action":"a","ack":1}"#, [nil, "1"]),
            (#"{"action":"\ud800","ack":1}"#, [nil, "1"]),
            (#"{"action":"ping","ack":"\ud800"}"#, [#""ping""#, nil]),
            (#"{"action":1,"ack":true,"a":"\ud800"}"#, [nil, nil]),
            (#"{"action":"ping","ack":9007199254740993,"a":"\ud800"}"#, [#""ping""#, nil]),
            (#"{"a":"\ud800","action":"ping","ack":1"#, [nil, nil]),
            (#"{"a":"\ud800","action":"ping","ack":1}}"#, [nil, nil]),
            (#"{"a":"\ud800","action":"ping","ack":1} x"#, [nil, nil]),
            (#"{"a":"\ud800""action":"ping","ack":1}"#, [nil, nil]),
            (#"{"a":{"\ud800":1,"action":"ping","ack":1}}"#, [nil, nil]),
        ] as [(String, [String?])])
    func unknown(text: String, wanted: [String?]) throws {
        #expect(try named(text) == wanted)
    }

    @Test("Of a good message that comes next nothing is left over")
    func next() throws {
        var reader = V1MessageReader()
        let bad = Array(#"{"ack":1,"a":"\ud800"}"#.utf8)
        let good = Array(#"{"action":"ping"}"#.utf8)
        #expect(try reader.read(bad.span).ack == 7..<8)
        let envelope = try reader.read(good.span)
        let message = try envelope.content.get()
        #expect(envelope.ack == nil && message == .ping)
    }

    @Test(
        "What is wrong is told, and with which member",
        arguments: [
            (#"{}"#, .noAction), (#"{"action":7}"#, .noAction),
            (#"{"action":"ping","ack":1.5}"#, .ack), (#"{"action":"ping","ack":""}"#, .ack),
            (#"{"action":"join-room","name":"a"}"#, .roomID),
            (#"{"action":"join-room","name":"a","roomId":""}"#, .roomID),
            (#"{"action":"leave-room"}"#, .roomID),
            (#"{"action":"leave-room","roomId":1}"#, .roomID),
            (#"{"action":"join-room","roomId":"r","name":"a","id":7}"#, .peerID),
            (#"{"action":"join-room","roomId":"r","name":7}"#, .name),
            (#"{"action":"join-room","roomId":"r"}"#, .missingName),
            (#"{"action":"send-payload","payload":{}}"#, .target),
            (#"{"action":"send-payload","target":"","payload":{}}"#, .target),
            (#"{"action":"send-payload","target":"x"}"#, .payload),
            (#"{"action":"broadcast","roomId":"r","payload":[]}"#, .payload),
            (#"{"action":"broadcast","roomId":"r","payload":{"type":1}}"#, .payloadType),
            (#"{"action":"broadcast","roomId":"r","payload":{"type":""}}"#, .payloadType),
            (#"{"action":"broadcast","roomId":"r","payload":{"type":"welcome"}}"#, .reservedType),
            (
                #"{"action":"broadcast","roomId":"r","payload":{"type":"\u0077elcome"}}"#,
                .reservedType
            ),
            (#"{"action":"refresh-token","token":""}"#, .token),
            (#"{"action":"resume","seq":1}"#, .session),
            (#"{"action":"resume","session":"s","seq":-1}"#, .seq),
            (#"{"action":"ping","a":1,"\u0061":1}"#, .doubledName),
            (#"{"action":"ping","a":"\ud800"}"#, .loneSurrogate),
        ] as [(String, MessageComplaint)])
    func complaint(text: String, complaint: MessageComplaint) throws {
        var reader = V1MessageReader()
        let envelope = try reader.read(Array(text.utf8).span)
        #expect(envelope.content == .failure(.badRequest))
        #expect(envelope.complaint == complaint)
    }
}
