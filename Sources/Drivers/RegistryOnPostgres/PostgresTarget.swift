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

    /// - Throws: A failure that says what is wrong with the text, without what may be a password.
    package init(_ text: String) throws(RegistryFailure) {
        var complaint: UnsafeMutablePointer<CChar>?
        let options = unsafe PQconninfoParse(text, &complaint)
        defer { unsafe PQfreemem(complaint) }
        guard let options = unsafe options else {
            // libpq's words repeat the text.
            throw PostgresFault.target("it cannot be read").failure
        }
        unsafe PQconninfoFree(options)
        self.text = text
    }

    /// What may be shown: it may hold a password.
    package var description: String { "a PostgreSQL database" }

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
