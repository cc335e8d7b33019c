import Clients
import KeyFollowing

extension KeyAudit {
    func append(to registry: any Registry, by actor: Actor) throws(RegistryFailure) {
        try registry.appendAudit(
            action: action, target: target, details: details, by: actor, at: Clock.now())
    }
}
