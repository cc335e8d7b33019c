import Hummingbird
import HummingbirdTesting
import UsherVerifier

// A key set and a token as an issuer would hand them out. The private key was thrown away.
private let keySet = Array(
    (#"{"keys":[{"crv":"P-256","kty":"EC","x":"O9_FXk0U26hGnxJBqWM-Aacel_WEJHNUhfW0-Ert12g","#
        + #""y":"_rNdjkCVAX4e_X1UsTZ7XHglfsuQQttOa1T2RH73-bs","#
        + #""kid":"dYp4pUcAH21mvsfEs_MYVbWzc53c7UH4xdMglgY7UrU","alg":"ES256","use":"sig"}]}"#)
        .utf8)
private let token =
    "eyJhbGciOiJFUzI1NiIsImtpZCI6ImRZcDRwVWNBSDIxbXZzZkVzX01ZVmJXemM1M2M3VUg0eGRNZ2xnWTdVclUi"
    + "LCJ0eXAiOiJhdCtqd3QifQ.eyJhdWQiOiJodHRwczovL3JlbGF5LmV4YW1wbGUiLCJjbGllbnRfaWQiOiJjMSIs"
    + "ImV4cCI6MTgwMDAwMDYwMCwiaWF0IjoxODAwMDAwMDAwLCJpc3MiOiJodHRwczovL2F1dGguZXhhbXBsZSIsImp0"
    + "aSI6InQxIiwibmFtZSI6IkFubiIsInJvb21zIjpbInRlYW0tKiJdLCJzY29wZSI6InNpZ25hbCIsInN1YiI6ImMx"
    + "OmFubiJ9.RVTKmH36UYlwuG2nJdvqquAIRQV7-bZUro5CUX5ImhALSkFMP-19p8bK1lWLz9FtCews_SDQ0hRUjUBZ"
    + "2Urkng"

/// Goes through the routes as clients would, when the token is good, and later.
func check() async throws {
    let verifier = try Verifier(
        issuer: "https://auth.example", audience: "https://relay.example", algorithms: [.es256],
        keys: .keySet(json: keySet))
    for (now, expected) in [
        (1_800_000_001, HTTPResponse.Status.ok), (1_800_000_630, .unauthorized),
    ] {
        let tokenGuard = TokenGuard { text async throws(TokenRejection) in
            try verifier.verify(text, atSecondsSinceEpoch: Int64(now))
        }
        try await Application(router: makeRouter(tokenGuard)).test(.router) { client in
            func expect(
                _ status: HTTPResponse.Status, _ path: String, _ authorization: String?
            ) async throws {
                let headers = authorization.map {
                    HTTPFields([.init(name: .authorization, value: $0)])
                }
                let answer = try await client.execute(
                    uri: path, method: .get, headers: headers ?? [:])
                precondition(answer.status == status, "\(path): \(answer.status)")
            }
            try await expect(.ok, "/health", nil)
            try await expect(.unauthorized, "/rooms/team-1", nil)
            try await expect(.unauthorized, "/rooms/team-1", "Basic YTpi")
            try await expect(.unauthorized, "/rooms/team-1", "Bearer \(token)x")
            try await expect(.unauthorized, "/rooms/team-1", "Bearer \(token), Bearer \(token)")
            try await expect(expected, "/rooms/team-1", "Bearer \(token)")
            if expected == .ok { try await expect(.forbidden, "/rooms/other", "Bearer \(token)") }
        }
    }
    print("a good token opens its own rooms, and nothing else opens any")
}
