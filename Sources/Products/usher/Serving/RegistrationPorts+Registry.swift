import AuthService
import Clients
import Cryptography
import Identifiers
import RegistryFollowing

extension RegistrationPorts {
    /// Registrations in the registry; `directory` learns of them at once.
    static func over(
        _ registry: any Registry, followedBy directory: ClientDirectory
    ) -> RegistrationPorts {
        RegistrationPorts(
            tokenDigest: { id throws(RegistryFailure) in
                try directory.client(id.string)?.registrationTokenDigest
            },
            client: { id throws(RegistryFailure) in try registry.client(id: id.string) },
            add: { client, actor throws(RegistryFailure) in
                try registry.add(client, by: actor)
                directory.noteChanged(client.clientID.string)
            },
            update: { id, update, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id.string) }
                return try registry.update(id: id.string, update, by: actor, at: Clock.now())
            },
            remove: { id, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id.string) }
                try registry.remove(id: id.string, by: actor, at: Clock.now())
            },
            isUsable: { (try? VerifyingKey($0)) != nil })
    }
}
