package import Bytes
package import HTTPMessages

/// Where a request goes. Shows its origin alone: what is behind may be a secret.
package struct HTTPURL: Equatable, Sendable, CustomStringConvertible {
    static let bytesMax = 8192

    package let origin: Origin
    /// Path and query, as they stand in the request line.
    package let target: ByteText

    /// - Parameter text: Absolute, http or https, as it is to be sent: in ASCII, percent-encoded.
    /// - Throws: `invalidURL`, which does not repeat the text.
    package init(_ text: ByteText) throws(HTTPClientError) {
        guard text.count <= Self.bytesMax else { throw .invalidURL(.tooLong) }
        guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw .invalidURL(.unencoded)
        }
        guard !text.utf8.contains(UInt8(ascii: "#")) else { throw .invalidURL(.fragment) }
        let bytes = text.utf8[...]
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")) else {
            throw .invalidURL(.noOrigin)
        }
        let host = bytes.index(colon, offsetBy: 3, limitedBy: bytes.endIndex) ?? bytes.endIndex
        let end = bytes[host...].firstIndex { $0 == 0x2F || $0 == 0x3F } ?? bytes.endIndex
        do throws(OriginError) {
            origin = try Origin.parse(ByteText(Substring(bytes[..<end])), ["https", "http"])
        } catch {
            throw .invalidURL(.noOrigin)
        }
        let rest = ByteText(Substring(bytes[end...]))
        target = rest.hasPrefix("/") ? rest : "/\(rest)"
    }

    /// As `Host` is sent: with the port where that is not the scheme's own.
    package var authority: ByteText { origin.text.dropFirst(origin.scheme.count + 3) }

    /// Whether nobody on the way can read what goes there, nor alter what comes from it.
    package var isSafe: Bool { origin.scheme == "https" || origin.isLoopback }

    /// Without the brackets of IPv6.
    var host: ByteText {
        guard origin.isAddress, origin.host.hasPrefix("[") else { return origin.host }
        return ByteText(Substring(origin.host.utf8.dropFirst().dropLast()))
    }

    package var description: String { origin.description }
}

/// Why a text is no URL to ask.
package enum URLFault: String, Equatable, Sendable, CaseIterable {
    case noOrigin = "origin"
    case unencoded
    case fragment
    case tooLong = "too_long"
}
