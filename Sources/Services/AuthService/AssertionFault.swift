/// Why a client assertion is not taken, as far as the assertion alone tells (RFC 7523 §3).
///
/// None of it depends on what is registered, so the client may be told all of it.
struct AssertionFault: Error, Equatable {
    /// Stable across releases, for the log.
    let code: String
    /// Goes to the client; names the member at fault, and holds nothing of the assertion.
    let description: String

    static func malformed(_ what: String) -> AssertionFault {
        AssertionFault(
            code: "assertion_malformed", description: "client_assertion is no signed JWT: \(what)")
    }

    static func header(_ member: String, _ expected: String) -> AssertionFault {
        AssertionFault(
            code: "assertion_header", description: "client_assertion: \(member) \(expected)")
    }

    static func claim(_ claim: String, _ expected: String) -> AssertionFault {
        AssertionFault(
            code: "assertion_claim", description: "client_assertion: \(claim) \(expected)")
    }
}
