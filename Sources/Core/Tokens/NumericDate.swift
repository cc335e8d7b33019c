/// Seconds since the Unix epoch in JSON (RFC 7519 §2): a number, perhaps with a fraction.
package enum NumericDate {
    /// The last second of the year 9999. Later dates, and those before the epoch, are refused.
    package static let latest: Int64 = 253_402_300_799

    /// To which side a fraction is rounded: always the one that makes the token good for less long.
    enum Rounding { case down, up }

    /// Reads a number that has already been found to be strict JSON.
    ///
    /// - Returns: Nil where it is not within 0 … `latest`; `1e400` is infinite and so among these.
    static func read(
        _ range: Range<Int>, of json: Span<UInt8>, rounding: Rounding
    ) -> Int64? {
        var whole: Int64 = 0
        for index in range {
            let digit = json[index] &- UInt8(ascii: "0")
            guard digit < 10, whole <= latest else {
                return readFraction(range, of: json, rounding: rounding)
            }
            whole = whole &* 10 &+ Int64(digit)
        }
        return whole <= latest ? whole : nil
    }

    private static func readFraction(
        _ range: Range<Int>, of json: Span<UInt8>, rounding: Rounding
    ) -> Int64? {
        var text = ""
        for index in range { text.unicodeScalars.append(Unicode.Scalar(json[index])) }
        guard let seconds = Double(text), seconds >= 0, seconds <= Double(latest) else {
            return nil
        }
        return Int64(seconds.rounded(rounding == .down ? .down : .up))
    }
}
