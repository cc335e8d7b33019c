import Bytes
import CMicrohttpd
import HTTPMessages

/// Gathers the header fields of a connection's request in one pass, and holds them to the form of
/// RFC 9112 §5, which libmicrohttpd 0.9 does not.
struct FieldCollector {
    private var fields: [HeaderFields.Field] = []
    private var isMalformed = false
    private var layout: HeaderLayout?

    /// nil where a name is no token, a value holds a control character, or a line is folded or does
    /// not end in CRLF. Other bytes of values are nobody's business here (RFC 9110 §5.5).
    static func headers(of connection: OpaquePointer, _ layout: HeaderLayout?) -> HeaderFields? {
        var collector = FieldCollector()
        collector.layout = layout
        collector.fields.reserveCapacity(8)
        unsafe withUnsafeMutablePointer(to: &collector) { pointer in
            _ = unsafe MHD_get_connection_values_n(
                connection, .HEADER_KIND, collect, UnsafeMutableRawPointer(pointer))
        }
        guard !collector.isMalformed, collector.layout?.endsInTime ?? true else { return nil }
        return HeaderFields(fields: collector.fields)
    }

    private mutating func add(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        let isInPlace = unsafe layout?.pass(name, value) ?? true
        let isNameGood = unsafe FieldGrammar.isToken(
            name.assumingMemoryBound(to: UInt8.self).span)
        let isValueGood = unsafe FieldGrammar.isFieldValue(
            value.assumingMemoryBound(to: UInt8.self).span)
        guard isInPlace, isNameGood, isValueGood else {
            isMalformed = true
            return
        }
        let (nameText, text) = unsafe (
            String(decoding: name, as: UTF8.self),
            String(decoding: Self.trimmed(value), as: UTF8.self)
        )
        fields.append(HeaderFields.Field(name: ByteText(nameText), value: ByteText(text)))
    }

    /// Without the white space at its end, which libmicrohttpd leaves.
    private static func trimmed(_ value: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        var end = value.count
        while end > 0, unsafe value[end - 1] == 0x20 || value[end - 1] == 0x09 { end -= 1 }
        return unsafe UnsafeRawBufferPointer(rebasing: value[..<end])
    }

    private static let collect: MHD_KeyValueIteratorN = {
        cls, _, name, nameSize, value, valueSize in
        guard let collector = unsafe cls?.assumingMemoryBound(to: FieldCollector.self) else {
            return .NO
        }
        let isHidden = UInt(bitPattern: name) == ServerCallbacks.hiddenNameAddress
        guard !isHidden else { return .YES }
        unsafe collector.pointee.add(
            UnsafeRawBufferPointer(start: name, count: name == nil ? 0 : nameSize),
            UnsafeRawBufferPointer(start: value, count: value == nil ? 0 : valueSize))
        return .YES
    }
}
