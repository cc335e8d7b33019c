/// The header fields of one message, in the order and with the case in which they were sent.
///
/// Names are compared without regard to ASCII case (RFC 9110 §5.1). A name that occurs several
/// times stays several fields: whoever reads one decides whether a repetition is an error.
package struct HeaderFields: Equatable, Sendable {
    package struct Field: Equatable, Sendable {
        package var name: String
        package var value: String

        package init(name: String, value: String) {
            self.name = name
            self.value = value
        }
    }

    package var fields: [Field]

    package init() { fields = [] }

    package init(_ fields: [(String, String)]) {
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
    }

    /// Takes the fields as they are: the way in for a reader that has collected them already.
    package init(fields: [Field]) { self.fields = fields }

    /// The value of the first field of this name, or nil where there is none.
    package subscript(_ name: String) -> String? {
        for field in fields where FieldGrammar.areSameName(field.name, name) { return field.value }
        return nil
    }

    /// The values of all fields of this name, in order.
    package func values(_ name: String) -> [String] {
        var found: [String] = []
        for field in fields where FieldGrammar.areSameName(field.name, name) {
            found.append(field.value)
        }
        return found
    }

    package func contains(_ name: String) -> Bool { self[name] != nil }

    /// Appends a field, beside those of the same name.
    package mutating func add(_ name: String, _ value: String) {
        fields.append(Field(name: name, value: value))
    }

    /// Makes this the only field of its name: it takes the place of the first one, or the end.
    package mutating func set(_ name: String, _ value: String) {
        let place = fields.firstIndex { FieldGrammar.areSameName($0.name, name) }
        guard let place else { return add(name, value) }
        fields[place] = Field(name: name, value: value)
        let rest = fields[(place + 1)...].filter { !FieldGrammar.areSameName($0.name, name) }
        fields.replaceSubrange((place + 1)..., with: rest)
    }

    /// Removes every field of this name.
    package mutating func remove(_ name: String) {
        fields.removeAll { FieldGrammar.areSameName($0.name, name) }
    }
}
