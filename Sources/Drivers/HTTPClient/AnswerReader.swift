import Bytes
import HTTPMessages

/// Reads one answer (RFC 9112), strictly, from bytes as they come.
struct AnswerReader {
    private enum Phase: Equatable {
        case statusLine, fields
        case body(length: Int)
        case bodyUntilEnd
        case chunkSize
        case chunk(left: Int)
        case chunkEnd, trailers
        case complete
    }

    private static let chunkSizeDigitsMax = 16

    private let limits: AnswerLimits
    /// Whether the answer is one to HEAD, which has no body whatever its header says.
    private let isToHead: Bool
    private var phase = Phase.statusLine
    /// What has come of a line that has not ended.
    private var line: [UInt8] = []
    private var headBytes = 0
    private var fields = 0
    private var isOldVersion = false

    /// Whole once `isComplete`.
    private(set) var response = HTTPResponse(status: 0)
    /// Whether the server keeps the connection, and nothing about the answer speaks against it.
    private(set) var keepsConnection = false
    /// Whether any byte has come.
    private(set) var hasBegun = false

    var isComplete: Bool { phase == .complete }

    init(limits: AnswerLimits, isToHead: Bool) {
        self.limits = limits
        self.isToHead = isToHead
    }

    /// Takes what has come next.
    mutating func take(_ piece: [UInt8]) throws(AnswerFault) {
        guard !piece.isEmpty else { return }
        hasBegun = true
        var at = 0
        while at < piece.count, phase != .complete {
            switch phase {
            case .body(let length):
                at += append(piece, from: at, atMost: length - response.body.count)
                if response.body.count == length { phase = .complete }
            case .chunk(let left):
                let count = append(piece, from: at, atMost: left)
                at += count
                phase = count == left ? .chunkEnd : .chunk(left: left - count)
            case .bodyUntilEnd:
                guard piece.count - at <= limits.bodyBytesMax - response.body.count else {
                    throw .bodyTooLarge
                }
                at += append(piece, from: at, atMost: .max)
            default: at = try takeLine(piece, from: at)
            }
        }
        // What nobody asked for may be meant for the next to ask.
        if at < piece.count { keepsConnection = false }
    }

    /// The other side has ended the connection, in order.
    ///
    /// - Returns: Whether the answer is whole.
    mutating func end() -> Bool {
        if phase == .bodyUntilEnd { phase = .complete }
        return isComplete
    }

    private mutating func append(_ piece: [UInt8], from start: Int, atMost most: Int) -> Int {
        let count = min(piece.count - start, most)
        response.body += piece[start..<(start + count)]
        return count
    }
}

// MARK: - Lines

extension AnswerReader {
    /// Takes bytes through the next LF, or all.
    private mutating func takeLine(_ piece: [UInt8], from start: Int) throws(AnswerFault) -> Int {
        let lineFeed = piece[start...].firstIndex(of: UInt8(ascii: "\n"))
        let end = lineFeed.map { $0 + 1 } ?? piece.count
        if phase == .chunkEnd, line.count + end - start > 2 { throw .chunkEnd }
        // What frames a chunk is no part of the head, but for extensions.
        let isFraming = phase == .chunkSize || phase == .chunkEnd
        let room = limits.headBytesMax - headBytes + (isFraming ? Self.chunkSizeDigitsMax + 2 : 0)
        guard line.count + end - start <= room else {
            throw isFraming ? .chunkExtension : .headTooLarge
        }
        line += piece[start..<end]
        guard lineFeed != nil else { return end }
        guard line.count >= 2, line[line.count - 2] == UInt8(ascii: "\r") else { throw .newline }
        if !isFraming { headBytes += line.count }
        let whole = line.dropLast(2)
        line = []
        try take(line: Array(whole))
        return end
    }

    private mutating func take(line: [UInt8]) throws(AnswerFault) {
        switch phase {
        case .statusLine: try takeStatus(line)
        case .fields:
            guard line.isEmpty else { return try takeField(line, isTrailer: false) }
            try endHead()
        case .chunkSize: try takeChunkSize(line)
        case .chunkEnd:
            guard line.isEmpty else { throw .chunkEnd }
            phase = .chunkSize
        case .trailers:
            guard line.isEmpty else { return try takeField(line, isTrailer: true) }
            phase = .complete
        case .body, .bodyUntilEnd, .chunk, .complete: break
        }
    }

    /// `HTTP/1.1 200 OK`; the reason may be missing, with the space before it.
    private mutating func takeStatus(_ line: [UInt8]) throws(AnswerFault) {
        let isOld = line.starts(with: "HTTP/1.0 ".utf8)
        guard isOld || line.starts(with: "HTTP/1.1 ".utf8), line.count >= 12,
            line.count == 12 || line[12] == 0x20, FieldGrammar.isFieldValue(line.span),
            let status = Self.number(line[9..<12], radix: 10), (100...599).contains(status)
        else { throw .statusLine }
        guard status != 101 else { throw .upgrade }
        isOldVersion = isOld
        response = HTTPResponse(status: status)
        phase = .fields
    }

    private mutating func takeField(
        _ line: [UInt8], isTrailer: Bool
    ) throws(AnswerFault) {
        fields += 1
        guard fields <= limits.fieldsMax else { throw .tooManyFields }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw .field }
        let (name, value) = (Array(line[..<colon]), Array(line[(colon + 1)...]))
        guard FieldGrammar.isToken(name.span), FieldGrammar.isFieldValue(value.span) else {
            throw .field
        }
        // Nobody here needs trailers, and none may pass for a field of the head.
        guard !isTrailer else { return }
        response.headers.add(
            ByteText(String(decoding: name, as: UTF8.self)),
            FieldGrammar.trimmed(ByteText(String(decoding: value, as: UTF8.self))))
    }

    /// Digits alone, of which there is one at least.
    private static func number(_ digits: ArraySlice<UInt8>, radix: Int) -> Int? {
        guard !digits.isEmpty, digits.count <= chunkSizeDigitsMax,
            digits.allSatisfy({ 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 | 0x20 })
        else { return nil }
        return Int(String(decoding: digits, as: UTF8.self), radix: radix)
    }
}

// MARK: - Framing

extension AnswerReader {
    /// How the body ends: RFC 9112 §6.3.
    private mutating func endHead() throws(AnswerFault) {
        guard response.status >= 200 else {
            phase = .statusLine
            return
        }
        let headers = response.headers
        let codings = headers.values("Transfer-Encoding")
        let lengths = headers.values("Content-Length")
        keepsConnection = !isOldVersion && !saysClose
        if isToHead || response.status == 204 || response.status == 304 {
            // 204 has no length: who says otherwise may send a body all the same.
            if response.status == 204, !codings.isEmpty || !lengths.isEmpty {
                keepsConnection = false
            }
            phase = .complete
        } else if !codings.isEmpty {
            guard lengths.isEmpty else { throw .lengthAndCoding }
            guard codings.count == 1, codings[0].equalsIgnoringCase("chunked"), !isOldVersion else {
                throw .coding
            }
            phase = .chunkSize
        } else if !lengths.isEmpty {
            guard lengths.count == 1,
                let length = Self.number(Array(lengths[0].utf8)[...], radix: 10)
            else { throw .length }
            guard length <= limits.bodyBytesMax else { throw .bodyTooLarge }
            phase = length == 0 ? .complete : .body(length: length)
        } else {
            keepsConnection = false
            phase = .bodyUntilEnd
        }
    }

    private var saysClose: Bool {
        response.headers.values("Connection").contains { value in
            value.split(separator: UInt8(ascii: ",")).contains {
                FieldGrammar.trimmed($0).equalsIgnoringCase("close")
            }
        }
    }

    /// `1F;name=value`
    private mutating func takeChunkSize(_ line: [UInt8]) throws(AnswerFault) {
        let end = line.firstIndex(of: UInt8(ascii: ";")) ?? line.count
        guard let size = Self.number(line[..<end], radix: 16) else { throw .chunkSize }
        headBytes += line.count - end
        guard headBytes <= limits.headBytesMax, FieldGrammar.isFieldValue(line.span) else {
            throw .chunkExtension
        }
        guard size <= limits.bodyBytesMax - response.body.count else { throw .bodyTooLarge }
        phase = size == 0 ? .trailers : .chunk(left: size)
    }
}
