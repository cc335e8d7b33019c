package import Bytes

/// The header fields of one message, in the order and with the case in which they were sent.
///
/// Names are compared without regard to ASCII case (RFC 9110 §5.1). A name that occurs several
/// times stays several fields: whoever reads one decides whether a repetition is an error.
package struct HeaderFields: Equatable, Sendable {
    package struct Field: Equatable, Sendable {
        package var name: ByteText
        /// Bytes that are no UTF-8 are read as U+FFFD: most values are nobody's business here, and
        /// no value that is may hold it.
        package var value: ByteText

        package init(name: ByteText, value: ByteText) {
            self.name = name
            self.value = value
        }

        /// Whether this is its name, but for ASCII case.
        @inlinable
        package func isNamed(_ name: ByteText) -> Bool {
            self.name.equalsIgnoringCase(name)
        }
    }

    package var fields: [Field]

    package init() { fields = [] }

    package init(_ fields: [(ByteText, ByteText)]) {
        self.fields = fields.map { Field(name: $0.0, value: $0.1) }
    }

    /// Takes the fields as they are: the way in for a reader that has collected them already.
    package init(fields: [Field]) { self.fields = fields }

    /// The value of the first field of this name, or nil where there is none.
    package subscript(_ name: ByteText) -> ByteText? { find(name).first }

    /// The value of the first field of this name, and how many there are.
    package func find(_ name: ByteText) -> (first: ByteText?, count: Int) {
        var (first, count): (ByteText?, Int) = (nil, 0)
        for index in fields.indices where fields[index].isNamed(name) {
            first = first ?? fields[index].value
            count += 1
        }
        return (first, count)
    }

    /// The values of all fields of this name, in order.
    package func values(_ name: ByteText) -> [ByteText] {
        var found: [ByteText] = []
        for index in fields.indices where fields[index].isNamed(name) {
            found.append(fields[index].value)
        }
        return found
    }

    package func contains(_ name: ByteText) -> Bool { find(name).count > 0 }

    /// Appends a field, beside those of the same name.
    package mutating func add(_ name: ByteText, _ value: ByteText) {
        fields.append(Field(name: name, value: value))
    }

    /// Makes this the only field of its name: it takes the place of the first one, or the end.
    package mutating func set(_ name: ByteText, _ value: ByteText) {
        let place = fields.firstIndex { $0.isNamed(name) }
        guard let place else { return add(name, value) }
        fields[place] = Field(name: name, value: value)
        let rest = fields[(place + 1)...].filter { !$0.isNamed(name) }
        fields.replaceSubrange((place + 1)..., with: rest)
    }

    /// Removes every field of this name.
    package mutating func remove(_ name: ByteText) {
        fields.removeAll { $0.isNamed(name) }
    }
}
