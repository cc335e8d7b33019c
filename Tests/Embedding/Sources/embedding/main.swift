import UsherKeySet
import UsherVerifier

// A key set and a token as an issuer would hand them out. The private key was thrown away.
let keySet = Array(
    (#"{"keys":[{"crv":"P-256","kty":"EC","x":"O9_FXk0U26hGnxJBqWM-Aacel_WEJHNUhfW0-Ert12g","#
        + #""y":"_rNdjkCVAX4e_X1UsTZ7XHglfsuQQttOa1T2RH73-bs","#
        + #""kid":"dYp4pUcAH21mvsfEs_MYVbWzc53c7UH4xdMglgY7UrU","alg":"ES256","use":"sig"}]}"#)
        .utf8)
let token =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImRZcDRwVWNBSDIxbXZzZkVzX01ZVmJXemM1M2M3VUg0eGRNZ2xnWTdVclUi"
    + "LCJ0eXAiOiJhdCtqd3QifQ.eyJhdWQiOiJodHRwczovL3JlbGF5LmV4YW1wbGUiLCJjbGllbnRfaWQiOiJjMSIs"
    + "ImV4cCI6MTgwMDAwMDYwMCwiaWF0IjoxODAwMDAwMDAwLCJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZSIsImp0"
    + "aSI6InQxIiwibmFtZSI6IkFubiIsInJvb21zIjpbInRlYW0tKiJdLCJzY29wZSI6InNpZ25hbCIsInN1YiI6ImMx"
    + "OmFubiJ9.RVTKmH36UYlwuG2nJdvqquAIRQV7-bZUro5CUX5ImhALSkFMP-19p8bK1lWLz9FtCews_SDQ0hRUjUBZ"
    + "2Urkng"

let verifier = try Verifier(
    issuer: "https://auth.example", audience: "https://relay.example", algorithms: [.es256],
    keys: .keySet(json: keySet), leewaySeconds: 30)

func rejection(of token: String, at now: Int64) -> TokenRejection? {
    do throws(TokenRejection) {
        _ = try verifier.verify(token, atSecondsSinceEpoch: now)
        return nil
    } catch {
        return error
    }
}

let verified = try verifier.verify(token, atSecondsSinceEpoch: 1_800_000_001)
precondition(verified.subject == "c1:ann")
precondition(verified.scopes == ["signal"])
precondition(verified.allows(room: "team-7") && !verified.allows(room: "other"))
precondition(rejection(of: token, at: 1_800_000_629) == nil)
precondition(rejection(of: token, at: 1_800_000_630) == .expired(secondsAgo: 30))
let altered = token.replacing("MTgwMDAwMDYwMCwi", with: "OTgwMDAwMDYwMCwi")
precondition(altered != token)
precondition(rejection(of: altered, at: 1_800_000_001) == .badSignature)
print("verified \(verified.tokenID) of \(verified.subject), refused what was altered or too old")

// Nothing listens there, so there are no keys, and that is said.
let keys = try RemoteKeySet(
    url: "http://127.0.0.1:1/jwks.json", issuer: "https://auth.example",
    audience: "https://relay.example", algorithms: [.es256], transport: .insecureHTTPToLoopback)
do throws(TokenRejection) {
    _ = try await keys.verify(token, atSecondsSinceEpoch: 1_800_000_001)
    preconditionFailure("verified without keys")
} catch {
    precondition(error == .keysUnavailable)
}
precondition(!watching(keys) && keys.status.consecutiveFailures == 1)
print("without an issuer to ask: \(keys.status.lastFault?.code ?? "no fault")")
