internal import StrictJSON

/// The members of one scanned message, and how each must look.
struct MessageFields {
    let scanner: RawScanner
    private var members: [RawScanner.RawMember] { scanner.members }

    init(scanner: RawScanner) { self.scanner = scanner }

    /// The message's own member of this name.
    func outer(_ name: String, _ bytes: Span<UInt8>) -> RawScanner.RawMember? {
        for member in members where member.parent < 0 {
            if scanner.matches(member, name: name, in: bytes) { return member }
        }
        return nil
    }

    /// Whether the member is this string, after unescaping.
    func holds(_ member: RawScanner.RawMember, _ text: String, _ bytes: Span<UInt8>) -> Bool {
        guard member.kind == .string else { return false }
        guard !member.valueIsEscaped else {
            return scanner.string(of: member, in: bytes) == text
        }
        let wanted = text.utf8.span
        guard member.value.count == wanted.count &+ 2 else { return false }
        let start = member.value.lowerBound &+ 1
        for offset in 0..<wanted.count where wanted[offset] != bytes[start &+ offset] {
            return false
        }
        return true
    }

    /// A string of 1 to 256 bytes, or `bad_request`.
    private func text(
        _ member: RawScanner.RawMember, _ bytes: Span<UInt8>
    ) throws(MessageFault) -> String {
        guard let text = scanner.string(of: member, in: bytes), !text.utf8.isEmpty,
            text.utf8.count <= MessageReader.textBytesMax
        else { throw .refused(.badRequest) }
        return text
    }

    // MARK: join-room

    func joinRoom(_ bytes: Span<UInt8>) throws(MessageFault) -> JoinRoom {
        guard let room = outer("roomId", bytes) else { throw .refused(.badRequest) }
        var peerID: PeerID?
        if let id = outer("id", bytes) { peerID = PeerID(try text(id, bytes)) }
        return JoinRoom(
            room: try text(room, bytes), peerID: peerID, name: try displayName(bytes),
            sdp: outer("sdp", bytes)?.value)
    }

    /// In the classic dialect a name may be missing, null or empty.
    private func displayName(_ bytes: Span<UInt8>) throws(MessageFault) -> String? {
        guard let member = outer("name", bytes), member.kind != .null else { return nil }
        guard let name = scanner.string(of: member, in: bytes),
            name.utf8.count <= MessageReader.textBytesMax
        else { throw .refused(.badRequest) }
        return name
    }

    // MARK: send-payload

    func sendPayload(_ bytes: Span<UInt8>) throws(MessageFault) -> SendPayload {
        guard let target = outer("target", bytes), target.kind == .string, target.value.count > 2,
            let payload = members.firstIndex(where: {
                $0.parent < 0 && scanner.matches($0, name: "payload", in: bytes)
            }),
            members[payload].kind == .object
        else { throw .refused(.badRequest) }
        let layout = try payloadLayout(payload, bytes)
        return SendPayload(
            target: try connection(target, bytes), type: layout.type, leading: layout.leading,
            members: layout.members)
    }

    private func connection(
        _ target: RawScanner.RawMember, _ bytes: Span<UInt8>
    ) throws(MessageFault) -> ConnectionID {
        if !target.valueIsEscaped {
            let content = (target.value.lowerBound &+ 1)..<(target.value.upperBound &- 1)
            guard content.count <= MessageReader.textBytesMax else { throw .refused(.badRequest) }
            guard let connection = ConnectionID(bytes, content) else {
                throw .refused(.unknownTarget)
            }
            return connection
        }
        let plain = Array(try text(target, bytes).utf8)
        guard let connection = ConnectionID(plain.span, plain.indices) else {
            throw .refused(.unknownTarget)
        }
        return connection
    }

    private typealias Layout = (type: Range<Int>?, leading: Range<Int>, members: Range<Int>)

    /// Finds the payload's `type`, and its members around a `connectionId`, of which the scanner
    /// lets no more than one pass.
    private func payloadLayout(
        _ payload: Int, _ bytes: Span<UInt8>
    ) throws(MessageFault) -> Layout {
        var layout: Layout = (nil, 0..<0, 0..<0)
        var index = payload &+ 1
        while index < members.count, members[index].parent == payload {
            let member = members[index]
            if scanner.matches(member, name: "connectionId", in: bytes) {
                layout.leading = layout.members
                layout.members = 0..<0
            } else {
                if scanner.matches(member, name: "type", in: bytes) {
                    layout.type = try eventType(member, bytes)
                }
                let isFirst = layout.members.isEmpty
                let start = isFirst ? member.name.lowerBound &- 1 : layout.members.lowerBound
                layout.members = start..<member.value.upperBound
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
    ) throws(MessageFault) -> Range<Int> {
        guard member.kind == .string else { throw .refused(.badRequest) }
        if member.valueIsEscaped {
            let plain = Array(try text(member, bytes).utf8)
            guard !ReservedEvents.contain(plain.span, plain.indices) else {
                throw .refused(.badRequest)
            }
        } else {
            let content = (member.value.lowerBound &+ 1)..<(member.value.upperBound &- 1)
            guard !content.isEmpty, content.count <= MessageReader.textBytesMax,
                !ReservedEvents.contain(bytes, content)
            else { throw .refused(.badRequest) }
        }
        return member.value
    }
}

extension PeerID {
    /// - Parameter text: The id as people see it, without quotes or escapes.
    package init(_ text: String) {
        var quoted: [UInt8] = []
        JSONText.appendQuoted(text, to: &quoted)
        self.init(quoted: quoted)
    }

    /// What stands in for a peer that gave no id.
    package init(_ connection: ConnectionID) { self.init(connection.text) }
}
