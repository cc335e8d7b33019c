import Foundation
import Hummingbird
import UsherKeySet
import UsherVerifier

// `guarded-rooms https://auth.example` serves on port 8080 for tokens of that issuer, which names
// itself as the audience too; without an argument the routes are tried out with a fixed token.
if let issuer = CommandLine.arguments.dropFirst().first {
    let keys = try RemoteKeySet(
        url: issuer + "/.well-known/jwks.json", issuer: issuer, audience: issuer,
        algorithms: [.es256])
    try await keys.refresh()
    let tokenGuard = TokenGuard { text async throws(TokenRejection) in
        try await keys.verify(text, atSecondsSinceEpoch: Int64(Date().timeIntervalSince1970))
    }
    let address = BindAddress.hostname("127.0.0.1", port: 8080)
    let app = Application(
        router: makeRouter(tokenGuard), configuration: .init(address: address))
    try await app.runService()
} else {
    try await check()
}
