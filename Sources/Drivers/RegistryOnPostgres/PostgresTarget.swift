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
        self.text = text
        hasPassword = values.keys.contains("password") || values.keys.contains("sslpassword")
        description = Self.description(values)
    }

    /// As a URL without what is secret, or the section of the service file that has the rest.
    private static func description(_ values: [ByteText: String]) -> String {
        if let service = values["service"] { return "service=\(service)" }
        let user = values["user"].map { "\($0)@" } ?? ""
        let host = values["host"] ?? values["hostaddr"] ?? ""
        let port = values["port"].map { ":\($0)" } ?? ""
        return "postgresql://\(user)\(host)\(port)/\(values["dbname"] ?? "")"
    }

    /// Those that come later win.
    var options: [Option] {
        [
            Option(name: "fallback_application_name", value: "usher"),
            Option(name: "target_session_attrs", value: "read-write"),
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
