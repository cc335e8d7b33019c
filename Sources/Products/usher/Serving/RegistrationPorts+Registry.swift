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
            tokenDigest: { id throws(RegistryFailure) in
                try RegistryError.failing { () throws(RegistryError) in
                    try directory.client(id)?.registrationTokenDigest
                }
            },
            client: { id throws(RegistryFailure) in
                try RegistryError.failing { () throws(RegistryError) in
                    try registry.client(id: id)
                }
            },
            add: { client, actor throws(RegistryFailure) in
                try RegistryError.failing { () throws(RegistryError) in
                    try registry.add(client, by: actor)
                }
                directory.noteChanged(client.clientID)
            },
            update: { id, update, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id) }
                return try RegistryError.failing { () throws(RegistryError) in
                    try registry.update(
                        id: id, update, by: actor, atSecondsSinceEpoch: Clock.now())
                }
            },
            remove: { id, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id) }
                try RegistryError.failing { () throws(RegistryError) in
                    try registry.remove(id: id, by: actor, atSecondsSinceEpoch: Clock.now())
                }
            },
            isUsable: { (try? VerifyingKey($0)) != nil })
    }
}
