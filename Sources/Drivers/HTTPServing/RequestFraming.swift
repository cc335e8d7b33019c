import Bytes
import HTTPMessages

/// What libmicrohttpd lets pass and a proxy in front might read differently: where two readers
/// disagree about the end of a request, the rest of it is smuggled past one (RFC 9112 §11.2).
enum RequestFraming {
    /// The body's declared length; nil where it is chunked.
    enum Length: Equatable {
        case known(UInt64)
        case chunked
        case refused(reason: String)
    }

    static func length(of headers: HeaderFields, isHTTP10: Bool) -> Length {
        var (hosts, lengths, encodings) = (0, 0, 0)
        var length: UInt64 = 0
        var isChunked = false
        let fields = headers.fields
        // By their lengths first: most fields are none of these.
        for index in fields.indices where mayFrame(fields[index].name.count) {
            if fields[index].isNamed("Host") {
                hosts += 1
            } else if fields[index].isNamed("Content-Length") {
                lengths += 1
                guard let given = decimal(fields[index].value) else {
                    return .refused(reason: "Content-Length is no decimal number")
                }
                length = given
            } else if fields[index].isNamed("Transfer-Encoding") {
                encodings += 1
                isChunked = fields[index].value.equalsIgnoringCase("chunked")
            }
        }
        guard hosts == 1 || hosts == 0 && isHTTP10 else {
            return .refused(reason: "HTTP/1.1 wants one Host field")
        }
        guard lengths + encodings <= 1 else {
            return .refused(reason: "more than one of Content-Length and Transfer-Encoding")
        }
        guard encodings == 0 || isChunked && !isHTTP10 else {
            return .refused(reason: "Transfer-Encoding must be chunked, and in HTTP/1.1")
        }
        return isChunked ? .chunked : .known(length)
    }

    /// `Host`, `Content-Length` and `Transfer-Encoding` are so long.
    private static func mayFrame(_ nameLength: Int) -> Bool {
        nameLength == 4 || nameLength == 14 || nameLength == 17
    }

    private static func decimal(_ text: ByteText) -> UInt64? {
        guard text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return UInt64(text.string)
    }
}
