import Bytes
import Clients
import HTTPMessages
import Identifiers
import Tokens

/// Authenticates clients by their secret or by a key of theirs (RFC 6749 §2.3, RFC 7523 §2.2).
final class ClientAuthenticator: Sendable {
    private let issuer: ByteText
    private let ports: AuthPorts
    private let check: SecretCheck
    private let decoys: DecoyKeys
    /// Of marks of assertions, apart from what else a client writes: that must not keep it from
    /// saying who it is.
    private let marks = WriteRate()
    private let guesses = GuessLimit()

    init(issuer: String, _ ports: AuthPorts) {
        self.issuer = ByteText(issuer)
        self.ports = ports
        check = SecretCheck(sha256: ports.sha256, constantTimeEqual: ports.constantTimeEqual)
        decoys = DecoyKeys(sha256: ports.sha256)
    }

    /// The client that the credentials prove.
    func client(
        for credentials: PresentedCredentials, from address: String, now: Int64
    ) throws(OAuthRefusal) -> Client {
        switch credentials {
        case .secret(let clientID, let secret):
            return try client(clientID, address, now, wrong: "wrong_secret", Self.secretText) {
                check.isRight(secret.string, of: $0, atSecondsSinceEpoch: now)
            }
        case .assertion(let text, let clientID):
            let assertion = try read(text, beside: clientID, address, now)
            let client = try client(
                assertion.clientID, address, now, wrong: "wrong_signature", Self.assertionText
            ) { isSigned(assertion, by: $0) }
            guard try isFirstUse(assertion, of: client, now) else {
                logRefusal(client.clientID, address, reason: "assertion_replayed")
                throw .invalidClient("client_assertion was used before: give each its own jti")
            }
            return client
        }
    }

    /// The client of this id, where what was presented proves it. There is one answer for every
    /// cause why not, `text`. An unknown id is not logged: people mix up id and secret.
    private func client(
        _ id: ClientID, _ address: String, _ now: Int64, wrong: String, _ text: String,
        isProof: (Client?) -> Bool
    ) throws(OAuthRefusal) -> Client {
        try guesses.check(id, from: address, now: now)
        let known = try lookUp(id)
        var isProven = isProof(known)
        if isProven, let known, known.isEnabled { return known }
        var client = known
        if !isProven, let newer = try newer(than: client) {
            client = newer
            isProven = isProof(newer)
        }
        guard isProven, let client, client.isEnabled else {
            if !isProven { try guesses.record(id, from: address, now: now) }
            logRefusal(
                client?.clientID, address,
                reason: isProven ? "disabled" : client == nil ? "unknown_client" : wrong)
            throw .invalidClient(text)
        }
        return client
    }

    private static let secretText =
        "client_id and client_secret do not belong together, or are disabled"
    private static let assertionText =
        "client_assertion is not signed with a key registered for this client (by kid, or its only "
        + "one), or the client is disabled"

    /// The client as it is now, where another process has given a known one another secret or key
    /// just now, whoever's look has brought that. An unknown one was looked for in the same way, so
    /// that both cost the same.
    private func newer(than client: Client?) throws(OAuthRefusal) -> Client? {
        guard let client else { return nil }
        _ = ports.catchUp()
        let latest = try lookUp(client.clientID)
        return latest == client ? nil : latest
    }

    private func lookUp(_ id: ClientID) throws(OAuthRefusal) -> Client? {
        id.isPlausible ? try ports.ask(ports.client, id) : nil
    }

    private func logRefusal(_ clientID: ClientID?, _ address: String, reason: String) {
        ports.log(
            "client_authentication_failed",
            [("client_id", clientID?.string ?? "-"), ("address", address), ("reason", reason)])
    }
}

// MARK: private_key_jwt

extension ClientAuthenticator {
    /// Everything that the assertion alone tells; every fault is `invalid_client` (RFC 7523 §3.2).
    private func read(
        _ text: ByteText, beside clientID: ClientID?, _ address: String, _ now: Int64
    ) throws(OAuthRefusal) -> ClientAssertion {
        let assertion: ClientAssertion
        do throws(AssertionFault) {
            assertion = try ClientAssertion(text, issuer: issuer, now: now)
        } catch {
            logRefusal(nil, address, reason: error.code)
            throw .invalidClient(error.description)
        }
        if let clientID, clientID != assertion.clientID {
            throw .invalidRequest("client_id is not the sub of client_assertion")
        }
        return assertion
    }

    /// One signature check always, with a decoy where there is no key to check with.
    private func isSigned(_ assertion: ClientAssertion, by client: Client?) -> Bool {
        let key = key(for: assertion, of: client)
        guard let checked = key ?? decoys.key(for: assertion.algorithm) else { return false }
        let isGood = ports.verifySignature(checked, assertion.signature, assertion.signingInput)
        return isGood && key != nil
    }

    /// The registered key decides the algorithm (RFC 8725 §3.1). Without a `kid` there must be only
    /// one that can be meant: nothing is tried out.
    private func key(for assertion: ClientAssertion, of client: Client?) -> PublicKey? {
        let keys = client?.assertionKeys.filter { $0.algorithm == assertion.algorithm } ?? []
        guard let keyID = assertion.keyID else { return keys.count == 1 ? keys.first : nil }
        return keys.first { ByteText($0.keyID) == keyID }
    }

    /// Marked last, so that nobody but the client can use up a `jti` of its. Nor can whoever
    /// replays one use up what it may write: what is marked already is not written anew.
    private func isFirstUse(
        _ assertion: ClientAssertion, of client: Client, _ now: Int64
    ) throws(OAuthRefusal) -> Bool {
        let mark = "assertion:\(assertion.clientID):\(assertion.tokenID)"
        if try ports.ask(ports.isUsed, mark) { return false }
        try marks.take(client, now)
        return try ports.ask(ports.markUsed, mark, assertion.replayableUntil)
    }
}
