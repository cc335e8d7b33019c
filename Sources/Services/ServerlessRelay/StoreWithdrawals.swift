package import Bytes
package import Identifiers
internal import Signalling
internal import Tables

/// What an operator takes back.
package enum Withdrawal: Equatable, Sendable {
    /// One token, by its `jti`; its end is in seconds since the epoch.
    case token(id: ByteText, expiresAt: Int64)
    /// A client's tokens with one of these `sub` that were issued in that second or before.
    case subjects([Subject], of: ClientID, issuedBefore: Int64)
    /// All tokens of a client that were issued in that second or before.
    case tokens(of: ClientID, issuedBefore: Int64)
    /// All tokens of a client, until it is enabled again.
    case client(ClientID)
}

// How what `isRevoked` looks at comes into the table.
extension Store {
    /// For as long after its end as any verifier may take a token.
    private static let leewaySeconds: Int64 = 300
    /// The item is read with every message of the client's, and a table reads no larger maps.
    static let subjectsMax = 1000

    private static func clientKey(_ client: ClientID) -> ItemKey { ItemKey("V#\(client)") }

    /// Has these tokens refused from now on.
    ///
    /// - Returns: False where too many of the client's subjects are refused already.
    func withdraw(_ withdrawal: Withdrawal) throws(StoreFault) -> Bool {
        switch withdrawal {
        case .token(let id, let end):
            let ttl = ItemValue.number(end + min(Self.leewaySeconds, .max - end))
            try set(
                ItemKey("J#\(id)"), "SET #revoked = :true, #ttl = :ttl",
                [":true": .flag(true), ":ttl": ttl])
        case .subjects(let subjects, let client, let before):
            return try withdraw(subjects, of: client, issuedBefore: before)
        case .tokens(let client, let before):
            try set(
                Self.clientKey(client), "SET #before = :before REMOVE #subjects",
                [":before": .number(before)], names: ["#before": "issued_before"])
        case .client(let client):
            try set(Self.clientKey(client), "SET #disabled = :true", [":true": .flag(true)])
        }
        return true
    }

    /// Takes back that a client is disabled.
    func enable(_ client: ClientID) throws(StoreFault) {
        // Else there would be an item where there was none.
        try set(
            Self.clientKey(client), "REMOVE #disabled", if: "attribute_exists(#disabled)")
    }

    private func withdraw(
        _ subjects: [Subject], of client: ClientID, issuedBefore before: Int64
    ) throws(StoreFault) -> Bool {
        let key = Self.clientKey(client)
        // One cannot be set within a map that is not there.
        try set(key, "SET #subjects = if_not_exists(#subjects, :none)", [":none": .map([:])])
        var names: [ByteText: ByteText] = [:]
        var sets: [String] = []
        var known: [String] = []
        for (index, subject) in subjects.enumerated() {
            names["#s\(index)"] = subject.text
            sets.append("#subjects.#s\(index) = :before")
            known.append("attribute_exists(#subjects.#s\(index))")
        }
        let room = "size(#subjects) <= :room OR " + known.joined(separator: " AND ")
        let values: [ByteText: ItemValue] = [
            ":before": .number(before), ":room": .number(Int64(Self.subjectsMax - subjects.count)),
        ]
        return try set(
            key, "SET \(sets.joined(separator: ", "))", values, names: names, if: room)
    }

    /// - Returns: Whether the condition holds.
    @discardableResult
    private func set(
        _ key: ItemKey, _ change: String, _ values: [ByteText: ItemValue] = [:],
        names: [ByteText: ByteText] = [:], if condition: String? = nil
    ) throws(StoreFault) -> Bool {
        let write = TableWrite(
            key, .update(expression(change, values, names: names)),
            if: condition.map { expression($0, values, names: names) })
        // All of these may be done twice.
        switch try self.write(write, returns: .nothing, isDone: { _ in false }) {
        case .done: return true
        case .refused: return false
        case nil: throw .unavailable("the item \(key.partition) is too large")
        }
    }
}

extension Withdrawal {
    /// Which sessions were opened, or are held, by what is taken back: those that are not over, and
    /// those that a command like this has ended, perhaps without telling the others.
    var sessions: TableExpression {
        let all = """
            begins_with(#pk, :sessions) AND #sk = :item \
            AND (attribute_not_exists(#ended) OR #ended = :kicked)
            """
        var values: [ByteText: ItemValue] = [
            ":sessions": .text("C#"), ":item": .text("-"),
            ":kicked": .text(ByteText(LeaveReason.kicked.rawValue)),
        ]
        let of: String
        switch self {
        case .token(let id, _):
            of = "#grant.#jti = :id"
            values[":id"] = .text(id)
        case .subjects(let subjects, let client, let before):
            let any = subjects.indices.map { "#subject = :s\($0)" }.joined(separator: " OR ")
            of = "#client = :client AND #grant.#iat <= :before AND (\(any))"
            for (index, subject) in subjects.enumerated() {
                values[":s\(index)"] = .text(subject.text)
            }
            values[":client"] = .text(client.text)
            values[":before"] = .number(before)
        case .tokens(let client, let before):
            of = "#client = :client AND #grant.#iat <= :before"
            values[":client"] = .text(client.text)
            values[":before"] = .number(before)
        case .client(let client):
            of = "#client = :client"
            values[":client"] = .text(client.text)
        }
        return expression("\(all) AND \(of)", values)
    }
}
