internal import Bytes
internal import StrictJSON

/// Reads the messages of v1 clients. It holds scratch storage that every message uses again.
package struct V1MessageReader: Sendable {
    /// The most bytes of an `action` that an error names again.
    static let actionBytesMax = 64
    /// The greatest magnitude of an `ack` that is a number, and of a `seq`: beyond it, numbers of
    /// JavaScript run together.
    static let integerMax: UInt64 = 1 << 53

    private var fields = MessageFields()

    package init() {}

    /// Checks and reads one whole text message.
    ///
    /// - Returns: The message, or why it is refused, with the `ack` that the answer must bear.
    /// - Throws: `notAnObject` for what is no JSON object; nothing else.
    package mutating func read(_ bytes: Span<UInt8>) throws(MessageFault) -> V1Envelope {
        do throws(JSONError) {
            try fields.scan(bytes)
        } catch {
            guard let complaint = MessageReader.complaint(error.kind) else { throw .notAnObject }
            fields.glance(bytes)
            let ack = fields.outer(.ack, bytes).flatMap { member in
                fields.isAck(member, bytes) ? member.value : nil
            }
            return V1Envelope(
                action: shown(fields.actionIndex(bytes)), ack: ack, refusal: .bad(complaint))
        }
        let action = fields.actionIndex(bytes)
        let shown = shown(action)
        var ack: Range<Int>?
        if let member = fields.outer(.ack, bytes) {
            guard fields.isAck(member, bytes) else {
                return V1Envelope(action: shown, ack: nil, refusal: .bad(.ack))
            }
            ack = member.value
        }
        do throws(MessageRefusal) {
            let message = try fields.v1Message(action, bytes)
            return V1Envelope(action: shown, ack: ack, message: message)
        } catch {
            return V1Envelope(action: shown, ack: ack, refusal: error)
        }
    }
}

extension V1MessageReader {
    /// An action that an error may name again.
    private func shown(_ action: Int?) -> Range<Int>? {
        guard let action else { return nil }
        let value = fields.scanner.members[action].value
        return value.count &- 2 <= Self.actionBytesMax ? value : nil
    }
}

extension MessageFields {
    fileprivate func v1Message(
        _ action: Int?, _ bytes: Span<UInt8>
    ) throws(MessageRefusal) -> V1Message {
        guard let action else { throw .bad(.noAction) }
        if holds(action, "send-payload", bytes) { return .sendPayload(try sendPayload(bytes)) }
        if holds(action, "join-room", bytes) { return .joinRoom(try namedJoin(bytes)) }
        if holds(action, "broadcast", bytes) { return .broadcast(try broadcast(bytes)) }
        if holds(action, "leave-room", bytes) { return .leaveRoom(room: try room(bytes)) }
        if holds(action, "ping", bytes) { return .ping }
        if holds(action, "resume", bytes) { return .resume(try resume(bytes)) }
        if holds(action, "refresh-token", bytes) { return .refreshToken(try token(bytes)) }
        throw MessageRefusal(error: .unknownAction)
    }

    /// An integer of at most 2^53 either way, or a string of 1 to 256 bytes.
    fileprivate func isAck(_ member: RawScanner.RawMember, _ bytes: Span<UInt8>) -> Bool {
        switch member.kind {
        case .string:
            let content = member.value.count &- 2
            guard member.valueIsEscaped else {
                return (1...MessageReader.textBytesMax).contains(content)
            }
            let count = scanner.string(of: member, in: bytes)?.utf8.count ?? 0
            return (1...MessageReader.textBytesMax).contains(count)
        case .number:
            let isNegative = bytes[member.value.lowerBound] == UInt8(ascii: "-")
            let digits = member.value.dropFirst(isNegative ? 1 : 0)
            return Self.integer(bytes, digits) != nil
        case .null, .bool, .array, .object: return false
        }
    }

    /// Digits alone, of at most 2^53.
    private static func integer(_ bytes: Span<UInt8>, _ range: Range<Int>) -> UInt64? {
        guard !range.isEmpty, range.count <= 16 else { return nil }
        var value: UInt64 = 0
        for index in range {
            let digit = bytes[index]
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value &* 10 &+ UInt64(digit &- 0x30)
        }
        return value <= V1MessageReader.integerMax ? value : nil
    }

    /// In v1 a join has a name (docs/protocol.md §4).
    private func namedJoin(_ bytes: Span<UInt8>) throws(MessageRefusal) -> JoinRoom {
        let join = try joinRoom(bytes)
        guard let name = join.name, !name.isEmpty else { throw .bad(.missingName) }
        return join
    }

    private func broadcast(_ bytes: Span<UInt8>) throws(MessageRefusal) -> Broadcast {
        let room = try room(bytes)
        guard let payload = payloadIndex(bytes) else { throw .bad(.payload) }
        return Broadcast(room: room, payload: try payloadLayout(payload, bytes))
    }

    private func token(_ bytes: Span<UInt8>) throws(MessageRefusal) -> String {
        guard let member = outer(.token, bytes),
            let token = scanner.string(of: member, in: bytes), !token.isEmpty
        else { throw .bad(.token) }
        return token.string
    }

    private func resume(_ bytes: Span<UInt8>) throws(MessageRefusal) -> Resume {
        guard let session = outer(.session, bytes) else { throw .bad(.session) }
        guard let seq = outer(.seq, bytes), seq.kind == .number,
            let number = Self.integer(bytes, seq.value)
        else { throw .bad(.seq) }
        return Resume(secret: SessionSecret(try text(session, bytes, .session)), seq: number)
    }
}
