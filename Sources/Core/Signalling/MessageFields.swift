internal import Bytes
internal import Identifiers
internal import StrictJSON

/// The members of the message that was scanned last, and how each must look.
struct MessageFields: Sendable {
    private(set) var scanner = RawScanner(
        limits: JSONLimits(bytesMax: .max, membersMax: 256),
        names: ShortTextTable(MessageName.allCases.map(\.text)))
    private var members: [RawScanner.RawMember] { scanner.members }

    /// Reads a message; whatever was asked of the last one is asked of this one from now on.
    ///
    /// - Throws: `JSONError`; then there are no members.
    mutating func scan(_ bytes: Span<UInt8>) throws(JSONError) { try scanner.scan(bytes) }

    /// Finds what can be told of a message that `scan` has refused, for the answer alone.
    mutating func glance(_ bytes: Span<UInt8>) { scanner.glance(bytes) }

    /// The message's own member of this name.
    func outer(_ name: MessageName, _ bytes: Span<UInt8>) -> RawScanner.RawMember? {
        index(of: name).map { members[$0] }
    }

    /// Where the message's own member of this name is.
    func index(of name: MessageName) -> Int? {
        let number = name.rawValue
        var index = 0
        while index < members.count {
            if members[index].known == number, members[index].parent < 0 { return index }
            index &+= 1
        }
        return nil
    }

    /// Where the message's `action` is; nil unless it is a string.
    func actionIndex(_ bytes: Span<UInt8>) -> Int? {
        guard let index = index(of: .action), case .string = members[index].kind else { return nil }
        return index
    }

    /// Whether the member at `index` is this string, after unescaping.
    func holds(_ index: Int, _ text: ShortText, _ bytes: Span<UInt8>) -> Bool {
        scanner.holds(text, at: index, in: bytes)
    }

    /// A string of 1 to 256 bytes, or `bad_request`.
    func text(
        _ member: RawScanner.RawMember, _ bytes: Span<UInt8>, _ complaint: MessageComplaint
    ) throws(MessageRefusal) -> String {
        guard let text = scanner.string(of: member, in: bytes), !text.utf8.isEmpty,
            text.utf8.count <= MessageReader.textBytesMax
        else { throw .bad(complaint) }
        return text.string
    }

    // MARK: join-room

    func joinRoom(_ bytes: Span<UInt8>) throws(MessageRefusal) -> JoinRoom {
        let room = try room(bytes)
        var peerID: PeerID?
        if let id = outer(.id, bytes) { peerID = PeerID(try text(id, bytes, .peerID)) }
        return JoinRoom(
            room: room, peerID: peerID, name: try displayName(bytes),
            sdp: outer(.sdp, bytes)?.value)
    }

    func room(_ bytes: Span<UInt8>) throws(MessageRefusal) -> RoomName {
        guard let room = outer(.roomID, bytes) else { throw .bad(.roomID) }
        return RoomName(try text(room, bytes, .roomID))
    }

    /// In the classic dialect a name may be missing, null or empty.
    private func displayName(_ bytes: Span<UInt8>) throws(MessageRefusal) -> String? {
        guard let member = outer(.name, bytes), member.kind != .null else { return nil }
        guard let name = scanner.string(of: member, in: bytes),
            name.utf8.count <= MessageReader.textBytesMax
        else { throw .bad(.name) }
        return name.string
    }

    // MARK: send-payload

    func sendPayload(_ bytes: Span<UInt8>) throws(MessageRefusal) -> SendPayload {
        guard let target = index(of: .target), case .string = members[target].kind,
            members[target].value.count > 2
        else { throw .bad(.target) }
        guard let payload = payloadIndex(bytes) else { throw .bad(.payload) }
        let layout = try payloadLayout(payload, bytes)
        return SendPayload(target: try connection(target, bytes), payload: layout)
    }

    /// The message's `payload`; nil unless it is an object.
    func payloadIndex(_ bytes: Span<UInt8>) -> Int? {
        guard let index = index(of: .payload), case .object = members[index].kind else {
            return nil
        }
        return index
    }

    private func connection(
        _ target: Int, _ bytes: Span<UInt8>
    ) throws(MessageRefusal) -> ConnectionID {
        if !members[target].valueIsEscaped {
            let value = members[target].value
            let content = value.lowerBound &+ 1..<value.upperBound &- 1
            guard content.count <= MessageReader.textBytesMax else { throw .bad(.target) }
            guard let connection = ConnectionID(bytes, content) else {
                throw MessageRefusal(error: .unknownTarget)
            }
            return connection
        }
        let plain = Array(try text(members[target], bytes, .target).utf8)
        guard let connection = ConnectionID(plain.span, plain.indices) else {
            throw MessageRefusal(error: .unknownTarget)
        }
        return connection
    }

    /// Finds the payload's `type`, and its members around a `connectionId`, of which the scanner
    /// lets no more than one pass.
    func payloadLayout(
        _ payload: Int, _ bytes: Span<UInt8>
    ) throws(MessageRefusal) -> PayloadLayout {
        var layout = PayloadLayout()
        var index = payload &+ 1
        while index < members.count, members[index].parent == payload {
            if members[index].known == MessageName.connectionID.rawValue {
                layout.leading = layout.members
                layout.members = 0..<0
            } else {
                if members[index].known == MessageName.type.rawValue {
                    layout.type = try eventType(members[index], bytes)
                }
                let isFirst = layout.members.isEmpty
                let start =
                    isFirst ? members[index].name.lowerBound &- 1 : layout.members.lowerBound
                layout.members = start..<members[index].value.upperBound
            }
            index &+= 1
        }
        if layout.members.isEmpty {
            layout.members = layout.leading
            layout.leading = 0..<0
        }
        return layout
    }

    /// A string that is no server event's name; returned with its quotes.
    private func eventType(
        _ member: RawScanner.RawMember, _ bytes: Span<UInt8>
    ) throws(MessageRefusal) -> Range<Int> {
        guard case .string = member.kind else { throw .bad(.payloadType) }
        let isReserved: Bool
        if member.valueIsEscaped {
            let plain = Array(try text(member, bytes, .payloadType).utf8)
            isReserved = ReservedEvents.contain(plain.span, plain.indices)
        } else {
            let content = member.value.lowerBound &+ 1..<member.value.upperBound &- 1
            guard !content.isEmpty, content.count <= MessageReader.textBytesMax else {
                throw .bad(.payloadType)
            }
            isReserved = ReservedEvents.contain(bytes, content)
        }
        guard !isReserved else { throw .bad(.reservedType) }
        return member.value
    }
}

/// The member names of clients' messages and of their payloads. The raw value is the number by
/// which the scanner tells them.
enum MessageName: UInt8, CaseIterable {
    case action = 1
    case target, payload, type, connectionID, ack, id, name, roomID, sdp, seq, session, token

    var text: ShortText {
        switch self {
        case .action: "action"
        case .target: "target"
        case .payload: "payload"
        case .type: "type"
        case .connectionID: "connectionId"
        case .ack: "ack"
        case .id: "id"
        case .name: "name"
        case .roomID: "roomId"
        case .sdp: "sdp"
        case .seq: "seq"
        case .session: "session"
        case .token: "token"
        }
    }
}

extension PeerID {
    /// - Parameter text: The id as people see it, without quotes or escapes.
    package init(_ text: String) {
        var quoted: [UInt8] = []
        JSONText.appendQuoted(text, to: &quoted)
        self.init(quoted: quoted)
    }

    /// The id as people see it.
    package var text: String {
        JSONText.unquote(quoted.span, 1..<max(1, quoted.count - 1))?.string ?? ""
    }

    /// What stands in for a peer that gave no id.
    package init(_ connection: ConnectionID) { self.init(connection.text) }
}
