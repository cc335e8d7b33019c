/// Which of the two vocabularies of PROTOCOL a connection speaks.
package enum Dialect: Sendable, Equatable {
    /// PROTOCOL §2: fixed for ever, spoken by clients that offer no subprotocol of ours.
    case classic

    /// The subprotocol by which a client asks for v1.
    package static let v1Subprotocol = "usher.v1"
    /// What stands before the token in the subprotocol that carries one.
    package static let bearerPrefix = "usher.bearer."

    /// The dialect for what a client offered, and the subprotocol that the answer selects.
    ///
    /// v1 is not spoken yet, so every connection is classic. `usher.v1` is selected all the same
    /// for a client that sent its token as a subprotocol: browsers fail a handshake in which they
    /// offered subprotocols and none was selected, and the one that bears the token is never
    /// echoed.
    ///
    /// - Parameter offered: As in the handshake. Where one bears a token, `usher.v1` must be
    ///   offered too, which admission checks.
    /// - Returns: Nil as subprotocol where none is selected.
    package static func negotiated(
        offered: [String]
    ) -> (dialect: Dialect, subprotocol: String?) {
        let bearsToken = offered.contains { $0.utf8.starts(with: bearerPrefix.utf8) }
        return (.classic, bearsToken ? v1Subprotocol : nil)
    }
}
