import AuthService
import ClientStorage
import Clients
import Cryptography

extension RegistrationPorts {
    /// Registrations in the registry; `directory` learns of them at once.
    static func over(
        _ registry: ClientRegistry, followedBy directory: ClientDirectory
    ) -> RegistrationPorts {
        RegistrationPorts(
            tokenDigest: { id throws(ClientLookupFailure) in
                try translated { () throws(RegistryError) in
                    try directory.client(id)?.registrationTokenDigest
                }
            },
            client: { id throws(ClientLookupFailure) in
                try translated { () throws(RegistryError) in try registry.client(id: id) }
            },
            add: { client, actor throws(ClientLookupFailure) in
                try translated { () throws(RegistryError) in try registry.add(client, by: actor) }
                directory.noteChanged(client.clientID)
            },
            update: { id, update, actor throws(ClientLookupFailure) in
                defer { directory.noteChanged(id) }
                return try translated { () throws(RegistryError) in
                    try registry.update(
                        id: id, update, by: actor, atSecondsSinceEpoch: Clock.now())
                }
            },
            remove: { id, actor throws(ClientLookupFailure) in
                defer { directory.noteChanged(id) }
                try translated { () throws(RegistryError) in
                    try registry.remove(id: id, by: actor, atSecondsSinceEpoch: Clock.now())
                }
            },
            isUsable: { (try? VerifyingKey($0)) != nil })
    }

    private static func translated<Value>(
        _ body: () throws(RegistryError) -> Value
    ) throws(ClientLookupFailure) -> Value {
        do throws(RegistryError) {
            return try body()
        } catch {
            if case .originTaken(let origin) = error {
                throw ClientLookupFailure(code: error.code, value: origin)
            }
            throw ClientLookupFailure(code: error.code)
        }
    }
}
