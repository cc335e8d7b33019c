import Bytes
import Signalling
import StrictJSON
import WebSocket

extension FuzzTarget {
    static let frame = FuzzTarget(
        check: fuzzFrame,
        work: { bytes in
            {
                var order = FragmentOrder()
                var start = 0
                while let header = try? FrameHeader.parse(bytes.span.extracting(start...)),
                    (try? order.accept(header)) != nil,
                    header.totalLength <= bytes.count - start
                { start += header.totalLength }
                var validator = UTF8Validator()
                _ = validator.accept(bytes.span)
            }
        },
        benign: { frames(count: $0.count) })

    static let message = FuzzTarget(
        check: fuzzMessage,
        work: { bytes in
            {
                var (classic, v1) = (MessageReader(), V1MessageReader())
                _ = try? classic.read(bytes.span)
                _ = try? v1.read(bytes.span)
            }
        },
        benign: {
            repeating(
                #""word","#,
                between: #"{"action":"send-payload","target":"0123456789abcdef","#
                    + #""payload":{"type":"offer","list":["#,
                and: #""end"]}}"#, count: $0.count)
        })

    /// Short text messages, as a client sends them.
    static func frames(count: Int) -> [UInt8] {
        let one: [UInt8] = [0x81, 0x94, 0, 0, 0, 0] + [UInt8](repeating: 0x61, count: 20)
        return (0..<count / one.count).flatMap { _ in one }
    }
}

/// Frames one after another as a client sends them, their headers cut anywhere; the text of each
/// checked in two pieces.
func fuzzFrame(_ bytes: [UInt8]) {
    var rest = bytes[...]
    var order = FragmentOrder()
    while let header = checkedHeader(Array(rest.prefix(14))) {
        require(header.totalLength > 0, "a frame has a length")
        let payload = Array(rest.dropFirst(header.headerLength).prefix(header.payloadLength))
        checkText(payload)
        checkClose(payload)
        guard (try? order.accept(header)) != nil else { return }
        guard header.payloadLength <= rest.count - header.headerLength else { return }
        rest = rest.dropFirst(header.totalLength)
    }
    checkText(bytes)
    checkClose(bytes)
}

/// However little of a header has come, the verdict is the one of the whole, or none yet.
private func checkedHeader(_ bytes: [UInt8]) -> FrameHeader? {
    let whole = Result { () throws(WebSocketError) in try FrameHeader.parse(bytes.span) }
    for count in 0..<bytes.count {
        let part = Array(bytes.prefix(count))
        let early = Result { () throws(WebSocketError) in try FrameHeader.parse(part.span) }
        switch (early, whole) {
        case (.success(nil), _): continue
        case (.success(let one?), .success(let other?)):
            require(one == other && one.headerLength <= count, "a header does not change")
        case (.failure(let one), .failure(let other)):
            require(one == other, "the first broken rule decides")
        default: fatalError("the verdict changed as more bytes came")
        }
    }
    guard case .success(let header?) = whole else { return nil }
    if !header.opcode.isControl, header.payloadLength > 0 {
        let limit = header.payloadLength - 1
        require(
            (try? FrameHeader.parse(bytes.span, payloadMax: limit)) == nil,
            "a payload over the limit is refused")
    }
    return header
}

private func checkText(_ bytes: [UInt8]) {
    let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
    for cut in [0, bytes.count / 2, max(0, bytes.count - 1), Int(bytes.first ?? 0)] {
        let place = min(cut, bytes.count)
        var validator = UTF8Validator()
        let isGood =
            validator.accept(bytes.span.extracting(0..<place))
            && validator.accept(bytes.span.extracting(place..<bytes.count))
            && validator.isComplete
        require(isGood == isUTF8, "UTF-8 is judged as Swift judges it, wherever it is cut")
    }
}

private func checkClose(_ payload: [UInt8]) {
    guard payload.count <= FrameHeader.controlPayloadMax,
        let close = try? ClosePayload(parsing: payload.span)
    else { return }
    require((close.code == nil) == payload.isEmpty, "a code stands in all but empty payloads")
    if let code = close.code {
        require(code >= 1000 && code < 5000, "codes lie in the RFC's ranges (RFC 6455 §7.4.2)")
        require(![1004, 1005, 1006, 1015].contains(code), "reserved codes are refused")
    }
}

/// What is relayed is one JSON object whose sender no payload can overwrite.
func fuzzMessage(_ bytes: [UInt8]) {
    var reader = MessageReader()
    var composer = EventComposer()
    let sender = ConnectionID(raw: 0x0123_4567_89ab_cdef)
    guard let message = try? reader.read(bytes.span) else { return }
    switch message {
    case .sendPayload(let payload):
        let layout = payload.payload
        let event = composer.delivered(layout, of: bytes.span, from: sender)
        let data = checkEvent(event.head + bytes[layout.members] + composer.tail)
        require(data["connectionId"] == Array(#""0123456789abcdef""#.utf8), "the sender is ours")
    case .joinRoom(let join):
        let first = composer.firstToJoin(room: join.room)
        _ = checkEvent(first.head + composer.tail)
        let joined = composer.someoneJoined(
            sender, peerID: join.peerID ?? PeerID(sender), name: join.name, sdp: join.sdp,
            of: bytes.span)
        let data = checkEvent(joined.head + join.peerIDText + composer.tail)
        require(data.count == 6, "a joining peer adds no member of its own")
    }
}

/// The members of an event's `data`, each name once.
private func checkEvent(_ event: [UInt8]) -> [String: [UInt8]] {
    var scanner = RawScanner(limits: JSONLimits(bytesMax: .max, membersMax: .max))
    mustTake("an event is JSON, and no name stands in it twice") { try scanner.scan(event.span) }
    let names = scanner.members.filter { $0.parent < 0 }.map {
        String(decoding: event[$0.name], as: UTF8.self)
    }
    require(names == ["type", "data"], "an event is type and data")
    var data: [String: [UInt8]] = [:]
    for member in scanner.members where member.parent == 1 {
        let name = String(decoding: event[member.name], as: UTF8.self)
        data[name] = Array(event[member.value])
    }
    return data
}

extension JoinRoom {
    fileprivate var peerIDText: [UInt8] { peerID?.quoted ?? Array(#""""#.utf8) }
}
