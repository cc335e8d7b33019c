extension Origin {
    /// Reads `scheme://host[:port]`; upper case and the scheme's own port are put in order.
    package static func parse(
        _ text: String, _ schemes: [String] = webSchemes + socketSchemes + appSchemes
    ) throws(OriginError) -> Origin {
        let shown = shown(text)
        guard let scheme = schemes.first(where: { startsWith($0 + "://", text) }) else {
            throw .unsupportedScheme(shown)
        }
        let rest = Substring(text.utf8.dropFirst(scheme.utf8.count + 3))
        guard !rest.utf8.contains(where: { "/?#@\\".utf8.contains($0) }) else {
            throw .unwantedPart(shown)
        }
        let (hostText, portText) = split(rest)
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

    private static func startsWith(_ prefix: String, _ text: String) -> Bool {
        FieldGrammar.areSameName(Substring(text.utf8.prefix(prefix.utf8.count)), prefix)
    }

    /// Errors repeat what was given, so that a list's bad entry is found; not at any length.
    private static func shown(_ text: String) -> String {
        let plain = text.utf8.prefix(128).filter { $0 > 0x20 && $0 < 0x7F }
        return String(decoding: plain, as: UTF8.self)
    }

    private static func split(_ text: Substring) -> (host: Substring, port: Substring?) {
        let from = text.utf8.firstIndex(of: UInt8(ascii: "]")) ?? text.startIndex
        guard let colon = text.utf8[from...].firstIndex(of: UInt8(ascii: ":")) else {
            return (text, nil)
        }
        return (text[..<colon], text[text.utf8.index(after: colon)...])
    }

    private static func host(_ text: Substring) -> String? {
        if text.utf8.first == UInt8(ascii: "[") {
            guard text.utf8.last == UInt8(ascii: "]") else { return nil }
            let inside = text.dropFirst().dropLast()
            guard inside.utf8.contains(UInt8(ascii: ":")), let address = IPAddress(inside) else {
                return nil
            }
            return address.isIPv4 ? nil : "[\(address)]"
        }
        let name = FieldGrammar.lowercased(text)
        let labels = name.split(separator: ".", omittingEmptySubsequences: false)
        guard name.utf8.count <= 253, labels.allSatisfy(isLabel) else { return nil }
        // A name whose last label is a number is an IPv4 address to browsers, or nothing.
        let isNumeric = labels.last?.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ?? false
        return isNumeric && IPAddress(name) == nil ? nil : name
    }

    /// `localhost`, `-` or `.`, say: whatever the application calls itself, letter by letter.
    private static func appHost(_ text: Substring) -> String? {
        let isName = text.utf8.allSatisfy { byte in
            byte >= 0x30 && byte <= 0x39 || byte | 0x20 >= 0x61 && byte | 0x20 <= 0x7A
                || "-._".utf8.contains(byte)
        }
        return isName && (1...253).contains(text.utf8.count) ? String(text) : nil
    }

    private static func isLabel(_ label: Substring) -> Bool {
        (1...63).contains(label.utf8.count) && label.utf8.first != UInt8(ascii: "-")
            && label.utf8.last != UInt8(ascii: "-")
            && label.utf8.allSatisfy {
                $0 >= 0x30 && $0 <= 0x39 || $0 >= 0x61 && $0 <= 0x7A || $0 == UInt8(ascii: "-")
                    || $0 == UInt8(ascii: "_")
            }
    }

    private static func port(_ text: Substring) -> UInt16? {
        guard (1...5).contains(text.utf8.count), text.utf8.first != UInt8(ascii: "0"),
            text.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 })
        else { return nil }
        return UInt16(text)
    }
}
