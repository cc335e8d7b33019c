extension RemoteKeySet {
    /// How it stands with the keys at one moment.
    ///
    /// ```swift
    /// let status = keys.status
    /// if status.condition != .current, let fault = status.lastFault {
    ///     print("keys are \(status.condition.rawValue): \(fault.code)")
    /// }
    /// ```
    public struct Status: Equatable, Sendable {
        /// Whether tokens can be verified.
        ///
        /// ```swift
        /// switch keys.status.condition {
        /// case .current: print("ready")
        /// case .aged: print("ready, but look at lastFault")
        /// case .unavailable: print("not ready")
        /// }
        /// ```
        public enum Condition: String, Sendable {
            /// There are keys, of the last ten minutes.
            case current
            /// There are keys older than ten minutes: no token came for a while, or the issuer does
            /// not answer.
            case aged
            /// There are no keys that may be used: none was fetched yet, or the last good set is an
            /// hour old.
            case unavailable
        }

        /// Whether tokens can be verified.
        public let condition: Condition
        /// How many keys tokens are verified with.
        public let keyCount: Int
        /// How old the set in use is; nil where there is none.
        public let ageSeconds: Int64?
        /// How many fetches were begun so far.
        public let fetchCount: UInt64
        /// How many fetches have failed since the last that did not.
        public let consecutiveFailures: Int
        /// Why the last fetch failed; nil where it did not.
        public let lastFault: KeySetFault?
    }
}
