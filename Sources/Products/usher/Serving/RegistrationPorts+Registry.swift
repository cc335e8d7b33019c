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
                try directory.client(id)?.registrationTokenDigest
            },
            client: registry.client(id:),
            add: { client, actor throws(RegistryFailure) in
                try registry.add(client, by: actor)
                directory.noteChanged(client.clientID)
            },
            update: { id, update, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id) }
                return try registry.update(id: id, update, by: actor, at: Clock.now())
            },
            remove: { id, actor throws(RegistryFailure) in
                defer { directory.noteChanged(id) }
                try registry.remove(id: id, by: actor, at: Clock.now())
            },
            isUsable: { (try? VerifyingKey($0)) != nil })
    }
}
