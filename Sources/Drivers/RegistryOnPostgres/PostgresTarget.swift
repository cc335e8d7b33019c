import Bytes
internal import CPQ
package import Clients
import Glibc

/// Which database a registry is in: a URL (`postgresql://…`) or keywords (`service=usher`), as
/// libpq takes them.
package struct PostgresTarget: Sendable, CustomStringConvertible {
    struct Option {
        let name: String
        let value: String
    }

    private let text: String
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
        self.text = text
        try unsafe Self.check(options)
    }

    /// A password with a character that wants to be written otherwise in a URL ends up as part of
    /// another value, which libpq would repeat.
    private static func check(
        _ options: UnsafeMutablePointer<PQconninfoOption>
    ) throws(RegistryFailure) {
        var next = unsafe options
        while let keyword = unsafe next.pointee.keyword {
            let value = unsafe next.pointee.val.map { unsafe ByteText(String(cString: $0)) }
            if unsafe strcmp(keyword, "host") == 0, value?.utf8.contains(UInt8(ascii: "@")) == true
            {
                throw PostgresFault.target("a host with an @: in a password it is written %40")
                    .failure
            }
            if unsafe strcmp(keyword, "port") == 0, value?.isListOfNumbers == false {
                throw PostgresFault.target(
                    "a port that is no number: in a password / is written %2F, and ? %3F"
                ).failure
            }
            unsafe next = next + 1
        }
    }

    /// What may be shown: it may hold a password.
    package var description: String { "a PostgreSQL database" }

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
