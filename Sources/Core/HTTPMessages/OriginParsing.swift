package import Bytes

extension Origin {
    /// Reads `scheme://host[:port]`; upper case and the scheme's own port are put in order.
    package static func parse(
        _ text: ByteText, _ schemes: [ByteText] = webSchemes + socketSchemes + appSchemes
    ) throws(OriginError) -> Origin {
        let shown = shown(text)
        guard let scheme = schemes.first(where: { startsWith("\($0)://", text) }) else {
            throw .unsupportedScheme(shown)
        }
        let rest = text.dropFirst(scheme.count + 3)
        guard !rest.utf8.contains(where: { "/?#@\\".utf8.contains($0) }) else {
            throw .unwantedPart(shown)
        }
        let (hostText, portText) = split(rest.utf8[...])
        let isApp = appSchemes.contains(scheme)
        guard let host = isApp ? appHost(hostText) : host(hostText) else {
            throw .invalidHost(shown)
        }
        guard let portText else {
            return Origin(scheme: scheme, host: host, port: defaultPort(scheme))
        }
        guard let port = port(portText) else { throw .invalidPort(shown) }
        return Origin(scheme: scheme, host: host, port: port)
    }

    private static func startsWith(_ prefix: ByteText, _ text: ByteText) -> Bool {
        ByteText(Substring(text.utf8.prefix(prefix.count))).equalsIgnoringCase(prefix)
    }

    /// Errors repeat what was given, so that a list's bad entry is found; not at any length.
    private static func shown(_ text: ByteText) -> ByteText {
        let plain = text.utf8.prefix(128).filter { $0 > 0x20 && $0 < 0x7F }
        return ByteText(String(decoding: plain, as: UTF8.self))
    }

    private static func split(
        _ bytes: Substring.UTF8View
    ) -> (host: Substring.UTF8View, port: Substring.UTF8View?) {
        let from = bytes.firstIndex(of: UInt8(ascii: "]")) ?? bytes.startIndex
        guard let colon = bytes[from...].firstIndex(of: UInt8(ascii: ":")) else {
            return (bytes, nil)
        }
        return (bytes[..<colon], bytes[bytes.index(after: colon)...])
    }

    private static func host(_ bytes: Substring.UTF8View) -> ByteText? {
        if bytes.first == UInt8(ascii: "[") {
            guard bytes.last == UInt8(ascii: "]") else { return nil }
            let inside = bytes.dropFirst().dropLast()
            guard inside.contains(UInt8(ascii: ":")), let address = IPAddress(Substring(inside))
            else { return nil }
            return address.isIPv4 ? nil : "[\(address)]"
        }
        guard bytes.count <= 253 else { return nil }
        let name = FieldGrammar.lowercased(ByteText(Substring(bytes)))
        let labels = name.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy(isLabel) else { return nil }
        // A name whose last label is a number is an IPv4 address to browsers, or nothing.
        let isNumeric = labels.last?.allSatisfy(\.isASCIIDigit) ?? false
        return isNumeric && IPAddress(name.string) == nil ? nil : name
    }

    /// `localhost`, `-` or `.`, say: whatever the application calls itself, letter by letter.
    private static func appHost(_ bytes: Substring.UTF8View) -> ByteText? {
        let isName = bytes.allSatisfy { $0.isASCIILetterOrDigit || "-._".utf8.contains($0) }
        return isName && (1...253).contains(bytes.count) ? ByteText(Substring(bytes)) : nil
    }

    private static func isLabel(_ label: Substring.UTF8View) -> Bool {
        (1...63).contains(label.count) && label.first != UInt8(ascii: "-")
            && label.last != UInt8(ascii: "-")
            && label.allSatisfy { $0.isASCIILetterOrDigit || "-_".utf8.contains($0) }
    }

    private static func port(_ bytes: Substring.UTF8View) -> UInt16? {
        guard (1...5).contains(bytes.count), bytes.first != UInt8(ascii: "0"),
            bytes.allSatisfy(\.isASCIIDigit)
        else { return nil }
        return UInt16(Substring(bytes))
    }
}
