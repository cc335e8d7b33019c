import Bytes
internal import CPQ
package import Clients

/// Which database a registry is in: a URL (`postgresql://…`) or keywords (`service=usher`), as
/// libpq takes them.
package struct PostgresTarget: Sendable, CustomStringConvertible {
    struct Option {
        let name: String
        let value: String
    }

    private let text: String
    /// Whether the text itself has a password, of the role or of a key file.
    package let hasPassword: Bool
    /// Host, port and database, as they can be shown.
    package let description: String
    private var attributes = "read-write"

    /// - Throws: A failure that says what is wrong with the text, without what may be a password.
    package init(_ text: String) throws(RegistryFailure) {
        var complaint: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &complaint)
        defer { unsafe PQfreemem(complaint) }
        guard let options = unsafe options else {
            // libpq's words repeat the text.
            throw PostgresFault.target("it cannot be read").failure
        }
        defer { unsafe PQconninfoFree(options) }
        var values: [ByteText: String] = [:]
        var option = unsafe options
        while let keyword = unsafe option.pointee.keyword {
            if let value = unsafe option.pointee.val {
                unsafe values[ByteText(String(cString: keyword))] = String(cString: value)
            }
            unsafe option += 1
        }
        try Self.check(values)
        self.text = text
        hasPassword = values.keys.contains("password") || values.keys.contains("sslpassword")
        description = Self.description(values)
    }

    /// A password with a character that wants to be written otherwise in a URL ends up as part of
    /// another value, which libpq would repeat.
    private static func check(_ values: [ByteText: String]) throws(RegistryFailure) {
        if values["host"]?.utf8.contains(UInt8(ascii: "@")) == true {
            throw PostgresFault.target("a host with an @: in a password it is written %40").failure
        }
        if let name = values["dbname"].map({ ByteText($0) }),
            name.utf8.contains(UInt8(ascii: "@")) || name.utf8.contains(UInt8(ascii: "/"))
        {
            throw PostgresFault.target(
                "a database with an @ or a /: in a password these are written %40 and %2F"
            ).failure
        }
        if let port = values["port"], !ByteText(port).isListOfNumbers {
            throw PostgresFault.target(
                "a port that is no number: in a password / is written %2F, and ? %3F"
            ).failure
        }
    }

    /// As a URL without what is secret, or the section of the service file that has the rest.
    private static func description(_ values: [ByteText: String]) -> String {
        if let service = values["service"] { return "service=\(service)" }
        let user = values["user"].map { "\($0)@" } ?? ""
        let host = values["host"] ?? values["hostaddr"] ?? ""
        let port = values["port"].map { ":\($0)" } ?? ""
        return "postgresql://\(user)\(host)\(port)/\(values["dbname"] ?? "")"
    }

    /// The same, with servers that take no changes as well.
    var takingReplicas: PostgresTarget {
        var target = self
        target.attributes = "any"
        return target
    }

    /// Those that come later win.
    var options: [Option] {
        [
            Option(name: "fallback_application_name", value: "usher"),
            Option(name: "target_session_attrs", value: attributes),
            // A server that is gone without a word is noticed.
            Option(name: "keepalives_idle", value: "10"),
            Option(name: "keepalives_interval", value: "5"),
            Option(name: "keepalives_count", value: "2"),
            Option(name: "tcp_user_timeout", value: "10000"),
            Option(name: "dbname", value: text),
            Option(name: "client_encoding", value: "UTF8"),
        ]
    }
}

extension ByteText {
    fileprivate var isListOfNumbers: Bool {
        utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ",") }
    }
}
