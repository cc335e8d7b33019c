import Bytes

/// Before there is a session, libpq gives no SQLSTATE apart: it stands in the text, once
/// `PQERRORS_VERBOSE` is set, as `FATAL:  28P01: …`. What libpq itself complains of has no state
/// and is told apart by its words, which are English as long as nobody calls setlocale(3); those of
/// the server, which may be in any language, are never looked at.
extension PostgresFault {
    private static let bytesMax = 512

    /// Why no connection came about: each host, and each way to one, has a line.
    init(connecting text: [UInt8]) {
        let lines = Self.lines(text)
        let told = Self.joined(lines)
        self =
            lines.isEmpty ? .unreachable(told) : .init(ofEach: lines.map { Self.fault($0, told) })
    }

    /// The one that tells most.
    init(ofEach faults: [PostgresFault]) {
        // Of several hosts one may be a replica, as it should: what keeps the others away counts.
        let counting = faults.filter { $0.kind != .readOnly }
        self =
            counting.last { $0.kind != .unreachable && $0 != .timedOut } ?? counting.last
            ?? faults.last ?? .timedOut
    }

    /// What libpq says of a connection, as one line.
    static func line(_ text: [UInt8]) -> String { joined(lines(text)) }

    private static func joined(_ lines: [ByteText]) -> String {
        let bytes = Array(lines.map { Array($0.utf8) }.joined(separator: Array("; ".utf8)))
        return String(decoding: bytes.prefix(bytesMax), as: UTF8.self)
    }

    /// Without those that name a place in the server's source, or go on with what was said.
    private static func lines(_ text: [UInt8]) -> [ByteText] {
        text.split(separator: UInt8(ascii: "\n"))
            .filter { $0.first != UInt8(ascii: "\t") }
            .map { ByteText(String(decoding: $0, as: UTF8.self)) }
            .filter { !$0.hasPrefix("LOCATION:  ") }
    }

    private static func fault(_ line: ByteText, _ told: String) -> PostgresFault {
        if let state = state(in: Array(line.utf8)) { return .refused(state: state, message: told) }
        if line.contains("no password supplied") {
            return .refused(state: "28P01", message: told)
        }
        if line.contains("could not translate host name") { return .hostUnknown(told) }
        if line.contains("session is read-only") || line.contains("server is in hot standby mode") {
            return .refused(state: "25006", message: told)
        }
        if line.contains("certificate") || line.contains("does not support SSL")
            || line.contains("SSL error")
        {
            return .tls(told)
        }
        return .unreachable(told)
    }

    /// The five characters between `:  ` and `: `.
    private static func state(in line: [UInt8]) -> ByteText? {
        let before = Array(":  ".utf8)
        let after = Array(": ".utf8)
        let count = before.count + 5 + after.count
        guard line.count >= count else { return nil }
        for start in 0...(line.count - count) {
            let part = line[start..<(start + count)]
            let state = part.dropFirst(before.count).prefix(5)
            guard part.starts(with: before), part.suffix(after.count).elementsEqual(after),
                state.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) })
            else { continue }
            return ByteText(String(decoding: state, as: UTF8.self))
        }
        return nil
    }
}

extension ByteText {
    func contains(_ part: StaticString) -> Bool {
        let wanted = ByteText("\(part)")
        guard wanted.count <= count else { return false }
        return (0...(count - wanted.count)).contains { start in
            utf8.span.extracting(start..<(start + wanted.count)).equals(wanted.utf8.span)
        }
    }
}
