/// Bytes that must not be shown: whatever prints a value that holds them prints their number.
struct SecretBytes: Equatable, Sendable, CustomStringConvertible, CustomReflectable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var description: String { "(\(bytes.count) secret bytes)" }

    var customMirror: Mirror { Mirror(self, children: []) }
}
