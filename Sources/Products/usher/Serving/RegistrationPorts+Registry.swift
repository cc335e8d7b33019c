import AuthService
import ClientStorage
import Clients
import Cryptography
import Identifiers

extension RegistrationPorts {
    /// Registrations in the registry; `directory` learns of them at once.
    static func over(
        _ registry: ClientRegistry, followedBy directory: ClientDirectory
    ) -> RegistrationPorts {
        RegistrationPorts(
            tokenDigest: { id throws(RegistryFailure) in
                try RegistryError.failing { () throws(RegistryError) in
                    try directory.client(id.string)?.registrationTokenDigest
                }
            },
            client: { id throws(RegistryFailure) in
                try RegistryError.failing { () throws(RegistryError) in
                    try registry.client(id: id.string)
                }
            },
            add: { client, actor throws(RegistryFailure) in
                try RegistryError.failing { () throws(RegistryError) in
                    try registry.add(client, by: actor)
                }
                directory.noteChanged(client.clientID.string)
            },
            update: { id, update, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id.string) }
                return try RegistryError.failing { () throws(RegistryError) in
                    try registry.update(
                        id: id.string, update, by: actor, atSecondsSinceEpoch: Clock.now())
                }
            },
            remove: { id, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id.string) }
                try RegistryError.failing { () throws(RegistryError) in
                    try registry.remove(
                        id: id.string, by: actor, atSecondsSinceEpoch: Clock.now())
                }
            },
            isUsable: { (try? VerifyingKey($0)) != nil })
    }
}
