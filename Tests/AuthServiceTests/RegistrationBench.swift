import AuthService
import Bytes
import Clients
import Cryptography
import HTTPMessages
import Identifiers
import Locking
import StrictJSON
import Testing
import Tokens

extension RegistrationPorts {
    /// In the world of a test.
    static func inMemory(_ world: AuthBench.Locked) -> RegistrationPorts {
        @Sendable func act<Value: Sendable>(
            _ body: (inout AuthBench.World) -> Value
        ) throws(RegistryFailure) -> Value {
            let outcome = world.value.withLock { world -> Result<Value, RegistryFailure> in
                let down = world.isRegistryDown ? RegistryFailure.busy : nil
                let fault = world.registrationFault ?? down
                if let fault { return .failure(fault) }
                return .success(body(&world))
            }
            return try outcome.get()
        }
        return RegistrationPorts(
            tokenDigest: { id throws(RegistryFailure) in
                try act { world in
                    world.digestLookups += 1
                    return world.clients[id.string]?.registrationTokenDigest
                }
            },
            client: { id throws(RegistryFailure) in try act { $0.clients[id.string] } },
            add: { client, actor throws(RegistryFailure) in
                try act { world in
                    world.registrationActors.append(actor)
                    world.clients[client.clientID.string] = client
                }
            },
            update: { id, update, actor throws(RegistryFailure) in
                let updated = try act { world -> Client? in
                    guard let client = world.clients[id.string].map(update.applied) else {
                        return nil
                    }
                    world.registrationActors.append(actor)
                    world.clients[id.string] = client
                    return client
                }
                guard let updated else { throw RegistryFailure.clientUnknown(id: id) }
                return updated
            },
            remove: { id, actor throws(RegistryFailure) in
                try act { world in
                    world.registrationActors.append(actor)
                    world.clients[id.string] = nil
                }
            },
            isUsable: { (try? VerifyingKey($0)) != nil })
    }
}

/// A bench on which clients may be registered, a registrar with a token for it, and the requests.
struct RegistrationBench {
    static let path = "/oauth2/register"

    let bench: AuthBench
    /// An initial access token.
    let token: String

    init(
        scopes: [String] = ["client:register", "signal", "session"],
        lifetimeSecondsMax: Int64 = 3600, tokenRequestsPerSecond: Int = 0,
        addressRequestsPerSecond: Int = 0
    ) throws {
        bench = AuthBench(
            tokenRequestsPerSecond: tokenRequestsPerSecond,
            addressRequestsPerSecond: addressRequestsPerSecond, hasRegistration: true)
        try bench.register(
            "c_reg", rooms: ["own"], scopes: scopes, lifetimeSecondsMax: lifetimeSecondsMax)
        token = try bench.issued("scope=client:register", to: "c_reg")
    }

    /// A client as its registration was answered.
    struct Registered {
        let id: String
        let token: String
        let secret: String?
        let json: JSONObject
        var path: String { "\(RegistrationBench.path)/\(id)" }
    }

    func post(
        _ body: String = "{}", token: String?? = nil, contentType: String = "application/json",
        query: String? = nil, peer: String = "127.0.0.1"
    ) throws -> HTTPResponse {
        let token = token ?? self.token
        let headers =
            [("Content-Type", contentType)] + (token.map { [Self.bearer($0)] } ?? [])
        return try #require(
            bench.send("POST", Self.path, query: query, headers: headers, body: body, peer: peer))
    }

    func registered(_ body: String = "{}") throws -> Registered {
        let response = try post(body)
        #expect(response.status == 201, "\(response.errorDescription)")
        let json = try #require(response.json)
        return Registered(
            id: try #require(json["client_id"]?.string?.string),
            token: try #require(json["registration_access_token"]?.string?.string),
            secret: json["client_secret"]?.string?.string, json: json)
    }

    /// Reads, replaces or removes.
    func manage(
        _ method: String, _ client: Registered, _ body: String = "", token: String?? = nil,
        peer: String = "127.0.0.1"
    ) throws -> HTTPResponse {
        try manage(method, client.path, body, token: token ?? client.token, peer: peer)
    }

    func manage(
        _ method: String, _ path: String, _ body: String = "", token: String?,
        peer: String = "127.0.0.1"
    ) throws -> HTTPResponse {
        let type = body.isEmpty ? [] : [("Content-Type", "application/json")]
        return try #require(
            bench.send(
                method, path, headers: type + (token.map { [Self.bearer($0)] } ?? []), body: body,
                peer: peer))
    }

    static func bearer(_ token: String) -> (String, String) { ("Authorization", "Bearer \(token)") }
}
