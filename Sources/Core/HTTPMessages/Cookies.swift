/// The `Cookie` header fields of a request (RFC 6265bis §4.2, §5.8.3).
package enum Cookies {
    /// All pairs of all `Cookie` fields, in order, repetitions included. Names are
    /// case-sensitive; values are kept verbatim, quotes included. A piece without `=` is a value
    /// without a name, as browsers send it.
    package static func pairs(in headers: HeaderFields) -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        for field in headers.fields where FieldGrammar.areSameName(field.name, "Cookie") {
            for piece in pieces(of: field.value) { found.append(split(piece)) }
        }
        return found
    }

    /// Takes every cookie of this name off. Fields that hold none stay byte for byte; one that is
    /// left empty goes.
    package static func removing(
        named name: String, from headers: HeaderFields
    ) -> HeaderFields {
        var kept: [HeaderFields.Field] = []
        kept.reserveCapacity(headers.fields.count)
        for field in headers.fields {
            guard FieldGrammar.areSameName(field.name, "Cookie") else {
                kept.append(field)
                continue
            }
            let all = pieces(of: field.value)
            let others = all.filter { split($0).name != name }
            if others.count == all.count {
                kept.append(field)
            } else if !others.isEmpty {
                kept.append(.init(name: field.name, value: others.joined(separator: "; ")))
            }
        }
        return HeaderFields(fields: kept)
    }

    private static func pieces(of value: String) -> [Substring] {
        value.utf8.split(separator: UInt8(ascii: ";"))
            .map { FieldGrammar.trimmed(Substring($0)) }
            .filter { !$0.isEmpty }
    }

    private static func split(_ piece: Substring) -> (name: String, value: String) {
        guard let equals = piece.utf8.firstIndex(of: UInt8(ascii: "=")) else {
            return ("", String(piece))
        }
        let name = FieldGrammar.trimmed(piece[..<equals])
        let value = FieldGrammar.trimmed(piece[piece.utf8.index(after: equals)...])
        return (String(name), String(value))
    }
}
