extension String {
    /// Whether both are spelled with the same bytes. `==` also takes texts for equal that only look
    /// the same (Unicode's canonical equivalence), which names in tokens must never be.
    package func hasSameBytes(as other: String) -> Bool {
        let (left, right) = (utf8.span, other.utf8.span)
        guard left.count == right.count else { return false }
        for index in left.indices where left[index] != right[index] { return false }
        return true
    }
}
