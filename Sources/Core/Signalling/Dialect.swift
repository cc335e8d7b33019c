package import Bytes

/// Which of the two vocabularies of docs/protocol.md a connection speaks.
package enum Dialect: String, Sendable, Equatable {
    /// docs/protocol.md §2: fixed for ever, spoken by clients that offer no subprotocol of ours.
    case classic
    /// docs/protocol.md §3: for clients that offer `usher.v1`.
    case v1

    /// The subprotocol by which a client asks for v1.
    package static let v1Subprotocol: ByteText = "usher.v1"
    /// What stands before the token in the subprotocol that carries one.
    package static let bearerPrefix: ByteText = "usher.bearer."

    /// The dialect for what a client offered, and the subprotocol that the answer selects: never
    /// the one that bears the token.
    ///
    /// - Parameter offered: As in the handshake. Where one bears a token, `usher.v1` must be
    ///   offered too, which admission checks.
    /// - Returns: Nil as subprotocol where none is selected.
    package static func negotiated(
        offered: [ByteText]
    ) -> (dialect: Dialect, subprotocol: ByteText?) {
        offered.contains(v1Subprotocol) ? (.v1, v1Subprotocol) : (.classic, nil)
    }
}
