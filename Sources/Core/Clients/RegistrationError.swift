package import Bytes

/// A value with which no client can be registered or changed.
package struct RegistrationError: Error, Equatable, Sendable, CustomStringConvertible {
    /// What the value was meant for, as people write it: `name`, `rooms`, `origin`, `scope`,
    /// `lifetime`, `key`, `grace`, `introspect`.
    package let member: ByteText
    /// The value at fault, with control characters taken out and cut to a readable length.
    package let value: String
    /// What was expected in its place.
    package let expected: String

    package init(member: ByteText, value: String, expected: String) {
        self.member = member
        // So that a value from outside neither moves the cursor nor fills the screen.
        self.value = TextRules.printable(value, bytesMax: 512)
        self.expected = expected
    }

    package var description: String { "\(member) \"\(value)\": expected \(expected)" }

    /// Throws one unless what was expected holds.
    static func unless(
        _ holds: Bool, _ member: ByteText, _ value: @autoclosure () -> String,
        expected: @autoclosure () -> String
    ) throws(RegistrationError) {
        guard holds else {
            throw RegistrationError(member: member, value: value(), expected: expected())
        }
    }
}
