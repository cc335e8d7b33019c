/// Base64 with the standard alphabet and padding (RFC 4648 §4), decoded strictly.
package enum Base64 {
    package static func encode(_ bytes: [UInt8]) -> String {
        let text = [UInt8](capacity: (bytes.count + 2) / 3 * 4) { out in
            encode(bytes.span, into: &out)
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func encode(_ bytes: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
        let digits = digits
        var at = 0
        while at < bytes.count {
            let count = min(bytes.count &- at, 3)
            let second = count > 1 ? bytes[at &+ 1] : 0
            let third = count > 2 ? bytes[at &+ 2] : 0
            let bits = UInt32(bytes[at]) << 16 | UInt32(second) << 8 | UInt32(third)
            out.append(digits[Int(bits >> 18)])
            out.append(digits[Int(bits >> 12 & 63)])
            out.append(count > 1 ? digits[Int(bits >> 6 & 63)] : UInt8(ascii: "="))
            out.append(count > 2 ? digits[Int(bits & 63)] : UInt8(ascii: "="))
            at &+= 3
        }
    }

    /// The bytes, or nil: wrong alphabet, white space, missing padding, stray trailing bits.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4) else { return nil }
        var count = text.count
        while count > max(text.count - 2, 0), text[count - 1] == UInt8(ascii: "=") { count -= 1 }
        var isGood = true
        let bytes = [UInt8](capacity: count * 3 / 4) { out in
            isGood = decode(text, count, into: &out)
        }
        return isGood ? bytes : nil
    }

    private static func decode(
        _ text: Span<UInt8>, _ count: Int, into out: inout OutputSpan<UInt8>
    ) -> Bool {
        let values = values
        var seen: UInt8 = 0
        var at = 0
        while at &+ 3 < count {
            let (first, second) = (values[Int(text[at])], values[Int(text[at &+ 1])])
            let (third, fourth) = (values[Int(text[at &+ 2])], values[Int(text[at &+ 3])])
            seen |= first | second | third | fourth
            out.append(first << 2 | second >> 4)
            out.append(second << 4 | third >> 2)
            out.append(third << 6 | fourth)
            at &+= 4
        }
        guard seen < 64, count &- at != 1 else { return false }
        guard at < count else { return true }
        // Two characters, or three; what they hold beyond whole bytes must be zero.
        let (first, second) = (values[Int(text[at])], values[Int(text[at &+ 1])])
        let third = count &- at == 3 ? values[Int(text[at &+ 2])] : 0
        guard first | second | third < 64 else { return false }
        out.append(first << 2 | second >> 4)
        guard count &- at == 3 else { return second & 15 == 0 }
        out.append(second << 4 | third >> 2)
        return third & 3 == 0
    }

    private static let digits = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each character; 0x80 for those outside the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0x80, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        return values
    }()
}
