import Bytes
import Foundation
import Glibc
import StrictJSON
import Tokens

/// The token that a command reads from stdin.
enum TokenInput {
    /// Without the white space around it.
    ///
    /// - Throws: `CommandFailure` where there is none, or more than a token.
    static func read() throws(CommandFailure) -> String {
        if isatty(STDIN_FILENO) == 1 { complain("paste the token, then press Return and Ctrl-D") }
        guard let bytes = Environment.standardInput(bytesMax: CompactJWS.bytesMax + 64) else {
            throw CommandFailure(
                "token_too_long: stdin holds more than the \(CompactJWS.bytesMax) bytes of a token")
        }
        let token = String(decoding: bytes, as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty else {
            throw CommandFailure("no token on stdin: usher token … < token.txt")
        }
        return token
    }
}

/// A token taken apart, with nothing checked but its form.
struct DecodedToken {
    let header: JSONObject
    let claims: JSONObject

    /// - Throws: `CommandFailure` that says which part is malformed, and nothing of what it holds.
    init(_ token: String) throws(CommandFailure) {
        let bytes = Array(token.utf8)
        do throws(TokenFault) {
            let parts = try CompactJWS(splitting: bytes.span)
            header = try Self.object(.header, parts.header, bytes)
            claims = try Self.object(.payload, parts.payload, bytes)
        } catch {
            throw CommandFailure("this is no token that can be read: \(Self.text(error))")
        }
    }

    private static func object(
        _ part: TokenFault.Part, _ range: Range<Int>, _ token: [UInt8]
    ) throws(TokenFault) -> JSONObject {
        let json = try CompactJWS.decode(part, range, of: token.span)
        let limits = JSONLimits(bytesMax: CompactJWS.bytesMax, depthMax: 16)
        guard let object = (try? JSONValue.parse(json, limits: limits))?.object else {
            throw .badJSON(part)
        }
        return object
    }

    private static func text(_ fault: TokenFault) -> String {
        switch fault {
        case .tooLong: "it is longer than \(CompactJWS.bytesMax) bytes"
        case .badEncoding(let part): "its \(part.rawValue) is not strict base64url"
        case .badJSON(let part): "its \(part.rawValue) is not one strict JSON object"
        default: "it has not three parts with dots between"
        }
    }
}

/// Text out of a token on its way to a terminal.
enum Printable {
    /// Without what moves the cursor or turns the direction of writing.
    static func text(_ text: String) -> String {
        var plain = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { plain.append(isControl(scalar) ? "\u{FFFD}" : scalar) }
        return String(plain)
    }

    /// A string; nothing, where it is none.
    static func text(_ value: JSONValue?) -> String { text(value?.string?.string ?? "") }

    /// A value as JSON on one line.
    static func json(_ value: JSONValue) -> String {
        text(String(decoding: value.serialized(), as: UTF8.self))
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x1F, 0x7F...0x9F, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
