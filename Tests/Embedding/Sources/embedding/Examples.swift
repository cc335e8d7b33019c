import UsherKeySet
import UsherVerifier

// The examples in the libraries' comments, so that the compiler reads them too. A test holds that
// they all stand here.

enum Answer { case welcome, forbidden }

func makingVerifiers(bytesOfJWKS: [UInt8], text: String, now: Int64) throws {
    do {
        let verifier = try Verifier(
            issuer: "https://auth.example", audience: "https://auth.example",
            algorithms: [.es256], keys: .keySet(json: bytesOfJWKS))
        let token = try verifier.verify(text, atSecondsSinceEpoch: now)
        _ = token
    }
    do {
        let verifier = try Verifier(
            issuer: "https://auth.example", audience: "https://relay.example",
            algorithms: [.es256], keys: .keySet(json: bytesOfJWKS), leewaySeconds: 5,
            cacheCapacity: 10_000)
        _ = verifier
    }
    do {
        let verifier = try Verifier(
            issuer: "https://auth.example", audience: "https://relay.example",
            algorithms: [.es256], keys: .keySet(json: bytesOfJWKS))
        _ = verifier
    }
    do {
        let verifier = try Verifier(
            issuer: "https://auth.example", audience: "https://relay.example",
            algorithms: [.es256], keys: .folder(path: "/etc/relay/issuer-keys"))
        _ = verifier
    }
    let fixed = KeySource.keySet(json: bytesOfJWKS)
    let followed = KeySource.folder(path: "/etc/relay/issuer-keys")
    _ = (fixed, followed)
    let algorithms: Set<Verifier.Algorithm> = [.es256, .eddsa]
    let fromConfiguration = Verifier.Algorithm(rawValue: "ES256")
    _ = (algorithms, fromConfiguration)
}

func changingKeys(of verifier: Verifier, bytesOfTheIssuersNewJWKS: [UInt8]) throws {
    try verifier.update(keySet: bytesOfTheIssuersNewJWKS)
    if let fault = verifier.keyFault { print(fault.code, fault.description) }
    do throws(VerifierConfigurationError) {
        try verifier.update(keySet: Array("<html>".utf8))
    } catch {
        print(error.code, error.description)  // verifier_key_set_refused `keys` is refused: …
    }
}

func verifying(_ text: String, with verifier: Verifier, now: Int64) throws -> Answer {
    do throws(TokenRejection) {
        let token = try verifier.verify(text, atSecondsSinceEpoch: now)
        print("welcome,", token.name ?? token.subject)
    } catch {
        print("401 invalid_token; for the log:", error.code)
    }
    let token = try verifier.verify(text, atSecondsSinceEpoch: now)
    print(token.subject, "of client", token.clientID, "goes by", token.name ?? "no name")
    print("may enter", token.rooms, "with scopes", token.scopes)
    print(token.tokenID, "of", token.issuer, "for", token.audience)
    print("good from", token.notBefore ?? token.issuedAt, "until", token.expiresAt)
    guard token.has(scope: "signal") else { return .forbidden }
    guard token.allows(room: "team-7") else { return .forbidden }
    return .welcome
}

func telling(_ rejection: TokenRejection) {
    switch rejection {
    case .keysUnavailable: print("503")
    case .expired(let secondsAgo): print("401, and", secondsAgo, "seconds late")
    default: print("401; for the log:", rejection.code)
    }
}

func makingKeySets(text: String, now: Int64, isTest: Bool) async throws {
    do {
        let keys = try RemoteKeySet(
            url: "https://auth.example/.well-known/jwks.json", issuer: "https://auth.example",
            audience: "https://relay.example", algorithms: [.es256])
        let token = try await keys.verify(text, atSecondsSinceEpoch: now)
        _ = token
    }
    do {
        let keys = try RemoteKeySet(
            url: "https://auth.example/.well-known/jwks.json", issuer: "https://auth.example",
            audience: "https://relay.example", algorithms: [.es256, .eddsa])
        _ = keys
    }
    let transport: RemoteKeySet.Transport = isTest ? .insecureHTTPToLoopback : .https
    _ = transport
    do throws(RemoteKeySetError) {
        _ = try RemoteKeySet(
            url: "http://auth.example/keys", issuer: "https://auth.example",
            audience: "https://relay.example", algorithms: [.es256])
    } catch {
        print(error.code, error.description)  // key_set_url `url` is refused: it must be https…
    }
}

func following(_ keys: RemoteKeySet, text: String, now: Int64) async throws {
    do throws(TokenRejection) {
        let token = try await keys.verify(text, atSecondsSinceEpoch: now)
        print(token.subject)
    } catch .keysUnavailable {
        print("503: it is not the token's fault")
    } catch {
        print("401 invalid_token; for the log:", error.code)
    }
    try await keys.refresh()  // At start: better to fail now than with the first request.
    do throws(KeySetFault) {
        try await keys.refresh()
    } catch {
        print("no keys yet:", error.code, error.description)
    }
}

func watching(_ keys: RemoteKeySet) -> Bool {
    let status = keys.status
    if status.condition != .current, let fault = status.lastFault {
        print("keys are \(status.condition.rawValue): \(fault.code)")
    }
    switch keys.status.condition {
    case .current: print("ready")
    case .aged: print("ready, but look at lastFault")
    case .unavailable: print("not ready")
    }
    let isReady = keys.status.condition != .unavailable
    return isReady
}
