import Bytes
import CMicrohttpd
import Glibc

/// The first line as libmicrohttpd has cut it up, in place, into three C strings.
struct RequestLine {
    let method: ByteText
    let isHTTP10: Bool
    /// Of the whole header, from the method to the empty line.
    let headerBytes: Int
    /// Where the lines of the header must lie; nil where that is not to be checked.
    let layout: HeaderLayout?
    /// Whether the three strings lie side by side. Where they do not, the line held a NUL, behind
    /// which a C string hides the rest, or more than one space.
    let isWhole: Bool

    init(
        _ exchange: Exchange, target: UnsafePointer<CChar>?, method: UnsafePointer<CChar>?,
        version: UnsafePointer<CChar>?, headerSize: Int
    ) {
        self.method = ByteText(unsafe method.map { unsafe String(cString: $0) } ?? "")
        headerBytes = headerSize
        isHTTP10 = unsafe version.map { unsafe strcmp($0, "HTTP/1.0") == 0 } ?? false
        guard HeaderLayout.isKnown else {
            isWhole = true
            layout = nil
            return
        }
        let methodLength = unsafe method.map { unsafe strlen($0) } ?? 0
        let versionStart = exchange.targetAddress &+ UInt(exchange.targetLength) &+ 1
        isWhole =
            UInt(bitPattern: target) == exchange.targetAddress
            && UInt(bitPattern: method) &+ UInt(methodLength) &+ 1 == exchange.targetAddress
            && UInt(bitPattern: version) == versionStart
        layout = HeaderLayout(
            start: versionStart &+ UInt("HTTP/1.1".utf8.count),
            end: UInt(bitPattern: method) &+ UInt(headerSize))
    }
}

/// Follows the header's lines through libmicrohttpd's buffer, where they lie as they came but for
/// NULs in place of separators. Its 0.9 releases end a value silently at a NUL that was sent,
/// glue a folded line to the *name* before it, and take a bare LF for the end of a line: each
/// shows as a gap that is not that of a CRLF. Addresses only; nothing is read through them.
struct HeaderLayout {
    private var cursor: UInt
    private let end: UInt

    /// Later releases parse anew, and refuse those things themselves.
    static let isKnown = unsafe MHD_get_version().map { unsafe strncmp($0, "0.", 2) == 0 } ?? false

    private static let lineEnd: UInt = 2

    /// - Parameters:
    ///   - start: Behind the version, at the end of the first line.
    ///   - end: Behind the empty line that ends the header.
    init(start: UInt, end: UInt) {
        cursor = start
        self.end = end
    }

    /// Whether the field lies where the next line must.
    mutating func pass(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        let nameStart = UInt(bitPattern: name.baseAddress)
        let valueStart = UInt(bitPattern: value.baseAddress)
        guard nameStart == cursor &+ Self.lineEnd, valueStart > nameStart &+ UInt(name.count),
            valueStart <= end
        else { return false }
        cursor = valueStart &+ UInt(value.count)
        return true
    }

    /// Whether nothing but the empty line is left.
    var endsInTime: Bool { cursor &+ 2 &* Self.lineEnd == end }
}
