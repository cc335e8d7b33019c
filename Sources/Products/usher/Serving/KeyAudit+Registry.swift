import ClientStorage
import Clients
import KeyFollowing

extension KeyAudit {
    func append(to registry: ClientRegistry, by actor: Actor) throws(RegistryError) {
        try registry.appendAudit(
            action: action, target: target, details: details, by: actor, at: Clock.now())
    }
}
