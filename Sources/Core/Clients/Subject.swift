package import Bytes

/// The `sub` of a client's tokens: its id, and after a colon its own name for a user.
package enum Subject {
    /// `user` is nil where the client acts for itself.
    package static func full(_ user: ByteText?, of clientID: String) -> String {
        user.map { "\(clientID):\($0)" } ?? clientID
    }

    /// The client whose `sub` this is: no id of ours has a colon.
    package static func clientID(of subject: String) -> String {
        String(Substring(subject.utf8.prefix { $0 != UInt8(ascii: ":") }))
    }

    /// The client's own name for the user whose `sub` this is; nil where there is none.
    package static func user(of subject: String, _ clientID: String) -> ByteText? {
        guard subject.utf8.starts(with: "\(clientID):".utf8) else { return nil }
        let user = subject.utf8.dropFirst(clientID.utf8.count + 1)
        return user.isEmpty ? nil : ByteText(Substring(user))
    }
}
