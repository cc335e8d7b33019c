import Bytes

/// The two forms of a P-256 signature: r and s side by side in 32 bytes each (RFC 7518 §3.4), and
/// the DER that OpenSSL speaks (RFC 3279 §2.2.3).
enum ECDSASignature {
    static let rawByteCount = 64
    /// SEQUENCE, and two INTEGERs of up to 33 bytes.
    static let derBytesMax = 72

    /// Whether r and s both lie in 1 … n−1. Zero would pass the equation of a naive verifier for
    /// every message (CVE-2022-21449).
    static func isInRange(_ raw: Span<UInt8>) -> Bool {
        raw.count == rawByteCount
            && isScalar(raw.extracting(0..<32)) && isScalar(raw.extracting(32..<64))
    }

    /// Appends the shortest DER form of a signature that is in range.
    static func appendDER(of raw: Span<UInt8>, to der: inout OutputSpan<UInt8>) {
        let (rStart, rCount) = integer(raw, 0)
        let (sStart, sCount) = integer(raw, 32)
        der.append(0x30)
        der.append(UInt8(rCount + sCount + 4))
        appendInteger(raw, rStart, rCount, end: 32, to: &der)
        appendInteger(raw, sStart, sCount, end: 64, to: &der)
    }

    /// The raw form of a DER signature; nil unless it is exactly one.
    static func raw(fromDER der: Span<UInt8>) -> [UInt8]? {
        guard der.count >= 8, der[0] == 0x30, Int(der[1]) == der.count - 2 else { return nil }
        var raw: [UInt8] = []
        raw.append(addingCapacity: rawByteCount) { $0.append(repeating: 0, count: rawByteCount) }
        var bytes = raw.mutableSpan
        guard let middle = copyInteger(der, at: 2, to: &bytes, end: 32),
            let end = copyInteger(der, at: middle, to: &bytes, end: 64), end == der.count
        else { return nil }
        return raw
    }

    /// n, the order of P-256's generator, most significant word first (FIPS 186-5, SP 800-186).
    private static func isScalar(_ bytes: Span<UInt8>) -> Bool {
        let (w0, w1) = (word(bytes, 0), word(bytes, 8))
        let (w2, w3) = (word(bytes, 16), word(bytes, 24))
        guard w0 | w1 | w2 | w3 != 0 else { return false }
        if w0 != 0xFFFF_FFFF_0000_0000 { return w0 < 0xFFFF_FFFF_0000_0000 }
        if w1 != 0xFFFF_FFFF_FFFF_FFFF { return true }
        if w2 != 0xBCE6_FAAD_A717_9E84 { return w2 < 0xBCE6_FAAD_A717_9E84 }
        return w3 < 0xF3B9_CAC2_FC63_2551
    }

    private static func word(_ bytes: Span<UInt8>, _ start: Int) -> UInt64 {
        var word: UInt64 = 0
        for index in start..<(start &+ 8) { word = word << 8 | UInt64(bytes[index]) }
        return word
    }

    /// Where the 32-byte number at `start` begins without its leading zeros, and how many bytes its
    /// INTEGER has: one more where the top bit would read as a sign.
    private static func integer(_ raw: Span<UInt8>, _ start: Int) -> (start: Int, count: Int) {
        var first = start
        while first < start + 31, raw[first] == 0 { first += 1 }
        return (first, start + 32 - first + (raw[first] >= 0x80 ? 1 : 0))
    }

    private static func appendInteger(
        _ raw: Span<UInt8>, _ start: Int, _ count: Int, end: Int,
        to der: inout OutputSpan<UInt8>
    ) {
        der.append(0x02)
        der.append(UInt8(count))
        if raw[start] >= 0x80 { der.append(0) }
        for index in start..<end { der.append(raw[index]) }
    }

    /// Copies the INTEGER at `start` so that its last byte stands before `end`; returns what
    /// follows it.
    private static func copyInteger(
        _ der: Span<UInt8>, at start: Int, to raw: inout MutableSpan<UInt8>, end: Int
    ) -> Int? {
        guard start + 2 <= der.count, der[start] == 0x02 else { return nil }
        let next = start + 2 + Int(der[start + 1])
        var first = start + 2
        guard next <= der.count, first < next else { return nil }
        while first < next, der[first] == 0 { first += 1 }
        guard next - first <= 32 else { return nil }
        var from = next
        while from - first >= 8 {
            from -= 8
            raw.setWord(der.word(from), at: end - next + from)
        }
        while from > first {
            from -= 1
            raw[end - next + from] = der[from]
        }
        return next
    }
}
