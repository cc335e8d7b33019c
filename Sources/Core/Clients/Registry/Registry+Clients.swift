package import Bytes
package import Identifiers

/// What may become of clients.
extension Registry {
    /// Stores a new client: one that an operator adds, or that was registered over HTTP.
    ///
    /// - Throws: `.clientExists`; `.registrationsFull` where its registrar has as many already as
    ///   it may; `.originTaken` where a client over HTTP wants an origin that another has.
    package func add(_ client: Client, by actor: Actor) throws(RegistryFailure) {
        try write { rows in
            let id = client.clientID
            guard try rows.client(id) == nil else {
                throw RegistryFailure.clientExists(id: id)
            }
            if let registrar = client.registration?.registrar {
                let max = ClientRegistration.perRegistrarMax
                guard try rows.count(registeredBy: registrar) < max else {
                    throw RegistryFailure.registrationsFull(max: max)
                }
            }
            let stamp = AuditStamp(actor: actor, at: client.createdAt)
            try rows.settle(client.origins, of: id, stamp)
            try rows.put(client)
            let action = client.registration == nil ? "client.add" : "client.register"
            try rows.append(action, id.string, AuditDetails.added(client), stamp)
        }
    }

    /// Every client, oldest first.
    package func list() throws(RegistryFailure) -> [Client] {
        try read { rows in
            try rows.clientIDs().compactMap { try rows.client($0) }
        }
    }

    /// One client; nil where there is none.
    package func client(id: ClientID) throws(RegistryFailure) -> Client? {
        try read { try $0.client(id) }
    }

    /// Changes what a client is granted or called; its secrets stay. What changes nothing writes
    /// nothing, not even to the audit log.
    ///
    /// - Returns: The client from now on.
    @discardableResult
    package func update(
        id: ClientID, _ update: ClientUpdate, by actor: Actor, at now: Int64
    ) throws(RegistryFailure) -> Client {
        try change(id, "client.update", actor, now) { client, rows in
            try rows.settle(
                update.origins ?? [], of: id, had: client.origins, AuditStamp(actor: actor, at: now)
            )
            client = update.applied(to: client)
            return AuditDetails.changed(update)
        }
    }

    /// Takes origins that are the service's own from clients that registered themselves.
    package func keepOrigins(_ origins: [ByteText], at now: Int64) throws(RegistryFailure) {
        try write { try $0.settle(origins, of: nil, AuditStamp(actor: .server, at: now)) }
    }

    /// Adds a secret, of which `digest` is the SHA-256, and dates the end of the one before, which
    /// stays good for `graceSeconds`, 0 to a year.
    ///
    /// - Returns: The client's secrets from now on.
    /// - Throws: `.refused` when the grace is out of range.
    @discardableResult
    package func rotateSecret(
        id: ClientID, digest: [UInt8], graceSeconds: Int64, by actor: Actor, at now: Int64
    ) throws(RegistryFailure) -> SecretRotation {
        try write { rows in
            var client = try rows.existing(id)
            let rotation: SecretRotation
            do throws(RegistrationError) {
                rotation = try SecretRotation(
                    of: client.secrets, adding: digest, atSecondsSinceEpoch: now,
                    graceSeconds: graceSeconds)
            } catch {
                throw RegistryFailure.refused(reason: error.description)
            }
            client.secrets = rotation.secrets
            try rows.put(client)
            try rows.append(
                "client.rotate_secret", id.string, AuditDetails.rotated(rotation),
                AuditStamp(actor: actor, at: now))
            return rotation
        }
    }

    /// Refuses the client tokens and, through those who follow the registry, closes its sockets.
    package func disable(id: ClientID, by actor: Actor, at now: Int64) throws(RegistryFailure) {
        try change(id, "client.disable", actor, now) { client, _ in
            client.isEnabled = false
            return ""
        }
    }

    /// Takes `disable` back.
    package func enable(id: ClientID, by actor: Actor, at now: Int64) throws(RegistryFailure) {
        try change(id, "client.enable", actor, now) { client, _ in
            client.isEnabled = true
            return ""
        }
    }

    /// Forgets the client, its secrets and its keys for good. The audit log keeps its name.
    package func remove(id: ClientID, by actor: Actor, at now: Int64) throws(RegistryFailure) {
        try write { rows in
            let client = try rows.existing(id)
            try rows.removeClient(id)
            try rows.append(
                "client.remove", id.string, AuditDetails.removed(client),
                AuditStamp(actor: actor, at: now))
        }
    }

    /// Writes what `body` makes of a client, and its line in the log, unless that is what it was.
    @discardableResult
    private func change(
        _ id: ClientID, _ action: String, _ actor: Actor, _ now: Int64,
        _ body: (inout Client, any RegistryRows) throws -> String
    ) throws(RegistryFailure) -> Client {
        try write { rows in
            let before = try rows.existing(id)
            var client = before
            let details = try body(&client, rows)
            guard client != before else { return client }
            try rows.put(client)
            try rows.append(action, id.string, details, AuditStamp(actor: actor, at: now))
            return client
        }
    }
}

extension RegistryRows {
    func existing(_ id: ClientID) throws -> Client {
        guard let client = try client(id) else {
            throw RegistryFailure.clientUnknown(id: id)
        }
        return client
    }

    /// Decides whose origins are that a client (nil: the service) is to list, of which it `had`
    /// some before: an operator's word takes them from those that registered themselves, and who
    /// registers itself takes none from anybody.
    func settle(
        _ origins: [ByteText], of id: ClientID?, had: [ByteText] = [], _ stamp: AuditStamp
    ) throws {
        let known = Set(had)
        for origin in origins {
            for holder in try holders(of: origin) where holder.id != id {
                guard stamp.actor.share == nil else {
                    if known.contains(origin) { continue }
                    throw RegistryFailure.originTaken(origin.string)
                }
                guard holder.isRegistered, var other = try client(holder.id) else { continue }
                other.origins.removeAll { $0 == origin }
                try put(other)
                try append(
                    "client.update", holder.id.string,
                    "origin \(origin) taken for \(id?.string ?? "the service")", stamp)
            }
        }
    }

    /// Adds a line, its texts bounded as `AuditEntry` bounds them.
    func append(
        _ action: String, _ target: String, _ details: String, _ stamp: AuditStamp
    ) throws {
        try append(
            AuditEntry(
                id: 0, at: stamp.at, actor: stamp.actor.description, action: action,
                target: target, details: details))
    }
}

/// Who makes a change, and when.
struct AuditStamp {
    let actor: Actor
    /// Seconds since the Unix epoch.
    let at: Int64
}
