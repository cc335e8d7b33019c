package import Bytes

/// What stands in a column of a registry.
package enum RegistryValue: Equatable, Sendable {
    case null
    case number(Int64)
    case truth(Bool)
    case text(ByteText)
    /// A text that is no UTF-8 comes as bytes as well.
    case bytes([UInt8])
}

/// A table of a registry, as every driver has it: all that a copy has to know of it.
package struct RegistryTable: Sendable {
    /// The values of a row, in the order of the columns.
    package typealias Row = [RegistryValue]
    /// Those by which it is found: the first of the row.
    package typealias Key = [RegistryValue]

    package struct Column: Sendable {
        package enum Kind: Sendable { case number, truth, text, bytes }

        package let name: String
        package let kind: Kind
    }

    package let name: String
    /// What people call a row of it.
    package let thing: String
    /// Numbers and texts, which every driver has in the same order: texts by their bytes.
    package let key: [Column]
    package let columns: [Column]
    /// Whether its rows stay as they are for ever.
    package let isLog: Bool

    private init(
        _ name: String, of thing: String, key: [Column], _ others: [Column], isLog: Bool = false
    ) {
        self.name = name
        self.thing = thing
        self.key = key
        self.isLog = isLog
        columns = key + others
    }

    package func key(of row: Row) -> Key { Array(row.prefix(key.count)) }

    /// How a row is named for people.
    func name(of key: Key) -> String {
        let parts = key.map { value in
            switch value {
            case .number(let number): "\(number)"
            case .text(let text): TextRules.printable(text.string, bytesMax: 128)
            case .null, .truth, .bytes: "?"
            }
        }
        return parts.joined(separator: " ")
    }

    /// Whether each text is one that every driver can hold: PostgreSQL has no NUL in one.
    func isReadable(_ row: Row) -> Bool {
        zip(columns, row).allSatisfy { column, value in
            switch value {
            case .text(let text): !text.utf8.contains(0)
            case .bytes: column.kind == .bytes
            case .null, .number, .truth: true
            }
        }
    }

    static func precedes(_ one: Key, _ other: Key) -> Bool {
        for (left, right) in zip(one, other) {
            switch (left, right) {
            case (.number(let left), .number(let right)) where left != right: return left < right
            case (.text(let left), .text(let right)) where left != right: return left < right
            default: continue
            }
        }
        return false
    }
}

// MARK: The tables

extension RegistryTable {
    /// Each after those that its rows refer to. What is revoked or used up comes before those who
    /// could use it.
    package static let all = [
        RegistryTable(
            "revocation", of: "revocation", key: [.text("kind"), .text("name")],
            [
                .number("issued_before"), .number("expires_at"), .text("actor"),
                .text("client_id"), .text("subject"), .number("issued_at"), .text("share"),
                .number("revision"),
            ]),
        RegistryTable("used_token", of: "used token", key: [.text("id")], [.number("expires_at")]),
        RegistryTable(
            "client", of: "client", key: [.text("id")],
            [
                .text("name"), .number("created_at"), .truth("is_enabled"),
                .number("lifetime_seconds_max"), .bytes("assertion_keys"),
                .bytes("legacy_secret"), .text("introspects"), .number("revision"),
            ]),
        RegistryTable(
            "client_registration", of: "registration", key: [.text("client_id")],
            [
                .bytes("token_digest"), .text("registrar"), .text("authentication_method"),
                .text("grant_types"),
            ]),
        RegistryTable(
            "client_secret", of: "secret", key: [.text("client_id"), .number("position")],
            [.bytes("digest"), .number("created_at"), .number("expires_at")]),
        RegistryTable(
            "client_grant", of: "grant",
            key: [.text("client_id"), .text("kind"), .number("position")], [.text("value")]),
        // Sealed, under a master key that does not lie here.
        RegistryTable(
            "signing_key", of: "signing key", key: [.text("kid")],
            [
                .text("algorithm"), .text("stage"), .number("since"), .text("master_key_id"),
                .bytes("nonce"), .bytes("box"),
            ]),
        RegistryTable(
            "audit", of: "line of the audit log", key: [.number("id")],
            [.number("at"), .text("actor"), .text("action"), .text("target"), .text("details")],
            isLog: true),
    ]
}

extension RegistryTable.Column {
    fileprivate static func number(_ name: String) -> Self { Self(name: name, kind: .number) }
    fileprivate static func truth(_ name: String) -> Self { Self(name: name, kind: .truth) }
    fileprivate static func text(_ name: String) -> Self { Self(name: name, kind: .text) }
    fileprivate static func bytes(_ name: String) -> Self { Self(name: name, kind: .bytes) }
}
