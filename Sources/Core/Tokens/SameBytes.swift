import Bytes

extension String {
    /// Whether both are spelled with the same bytes. `==` also takes texts for equal that only look
    /// the same (Unicode's canonical equivalence), which names in tokens must never be.
    package func hasSameBytes(as other: String) -> Bool {
        utf8.span.equals(other.utf8.span)
    }
}
