package import Bytes
package import Identifiers

extension Subject {
    /// `user` is the client's own name for a user; nil where the client acts for itself.
    package init(_ user: ByteText?, of clientID: ClientID) {
        self.init(user.map { "\(clientID.string):\($0.string)" } ?? clientID.string)
    }

    /// The client whose `sub` this is: no id of ours has a colon.
    package var clientID: ClientID {
        ClientID(ByteText(Substring(utf8.prefix { $0 != UInt8(ascii: ":") })))
    }

    /// This client's own name for the user whose `sub` this is; nil where there is none.
    package func user(of clientID: ClientID) -> ByteText? {
        guard utf8.starts(with: "\(clientID.string):".utf8) else { return nil }
        let user = utf8.dropFirst(clientID.text.count + 1)
        return user.isEmpty ? nil : ByteText(Substring(user))
    }
}
