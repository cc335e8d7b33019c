import Bytes
import Identifiers
import StrictJSON

/// A member of the payload and how to read its value as each type.
struct PayloadMember {
    private let member: RawScanner.RawMember

    init(_ member: RawScanner.RawMember) { self.member = member }

    /// Finds the members of a decoded payload.
    ///
    /// - Throws: `.badJSON` unless it is one strict JSON object.
    static func scan(
        _ json: Span<UInt8>, _ names: ShortTextTable
    ) throws(TokenFault) -> RawScanner {
        var scanner = RawScanner(
            limits: JSONLimits(bytesMax: CompactJWS.bytesMax, depthMax: 16), names: names)
        do throws(JSONError) {
            try scanner.scan(json)
        } catch {
            throw .badJSON(.payload)
        }
        return scanner
    }

    /// A string that is not empty.
    func text(_ json: Span<UInt8>, _ claim: Claim) throws(TokenFault) -> String {
        // Two quotes are an empty one.
        guard member.kind == .string, member.value.count > 2 else { throw .malformedClaim(claim) }
        let content = (member.value.lowerBound + 1)..<(member.value.upperBound - 1)
        guard let text = JSONText.unquote(json, content)?.string else {
            throw .malformedClaim(claim)
        }
        return text
    }

    /// A `client_id`, so that nothing else is ever looked up.
    func clientID(_ json: Span<UInt8>) throws(TokenFault) -> ClientID {
        let id = ClientID(try text(json, .clientID))
        guard id.isVisible else { throw .malformedClaim(.clientID) }
        return id
    }

    func date(
        _ json: Span<UInt8>, _ claim: Claim, rounding: NumericDate.Rounding
    ) throws(TokenFault) -> Int64 {
        guard member.kind == .number,
            let date = NumericDate.read(member.value, of: json, rounding: rounding)
        else { throw .malformedClaim(claim) }
        return date
    }

    /// RFC 7519 §4.1.3: one string, or a list of them that is not empty.
    func audience(_ json: Span<UInt8>) throws(TokenFault) -> [String] {
        if member.kind == .string { return [try text(json, .audience)] }
        guard let audience = strings(json), !audience.isEmpty else {
            throw .malformedClaim(.audience)
        }
        return audience
    }

    func scopes(_ json: Span<UInt8>) throws(TokenFault) -> [String] {
        guard let scopes = Scope.parse(try text(json, .scope)) else {
            throw .malformedClaim(.scope)
        }
        return scopes
    }

    func rooms(_ json: Span<UInt8>) throws(TokenFault) -> [RoomPattern] {
        guard let texts = strings(json) else { throw .malformedClaim(.rooms) }
        var rooms: [RoomPattern] = []
        rooms.reserveCapacity(texts.count)
        for text in texts {
            do throws(RoomPatternError) {
                rooms.append(try RoomPattern(text))
            } catch {
                throw .malformedClaim(.rooms)
            }
        }
        return rooms
    }

    /// The strings of an array, whose form the scanner has already checked; nil where the value is
    /// no array or one of its elements no string.
    private func strings(_ json: Span<UInt8>) -> [String]? {
        guard member.kind == .array else { return nil }
        var strings: [String] = []
        strings.reserveCapacity(4)
        var at = member.value.lowerBound + 1
        while at < member.value.upperBound - 1 {
            switch json[at] {
            case 0x20, 0x09, 0x0A, 0x0D, UInt8(ascii: ","): at += 1
            case UInt8(ascii: "\""):
                let content = (at + 1)..<endOfString(json, from: at + 1)
                guard let string = JSONText.unquote(json, content)?.string else { return nil }
                strings.append(string)
                at = content.upperBound + 1
            default: return nil
            }
        }
        return strings
    }

    /// Where the closing quote stands.
    private func endOfString(_ json: Span<UInt8>, from start: Int) -> Int {
        var at = start
        while json[at] != UInt8(ascii: "\"") {
            at += json[at] == UInt8(ascii: "\\") ? 2 : 1
        }
        return at
    }
}

/// The members that are read, by their names, at most 16 bytes long; others are passed over.
struct MemberNames<Name: RawRepresentable<String> & CaseIterable & Sendable>: Sendable {
    let table = ShortTextTable(Name.allCases.map { ShortText($0.rawValue) })
    private let names = Array(Name.allCases)

    /// Which of them a member bears that a scanner with this table has found.
    subscript(member: RawScanner.RawMember) -> Name? {
        member.known > 0 ? names[Int(member.known) - 1] : nil
    }
}
