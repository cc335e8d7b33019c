package import Bytes
package import Identifiers

/// Which clients there are and what origins they list: all of them, so that no stranger's request
/// needs a query.
package struct ClientIndex: Sendable {
    /// What a look at the registry found of one client.
    package struct Entry: Equatable, Sendable {
        package let id: ClientID
        /// None while the client is disabled.
        package var origins: [ByteText] = []

        package init(id: ClientID) { self.id = id }
    }

    private var origins: [ClientID: [ByteText]] = [:]
    /// How many clients list an origin.
    private var listings: [ByteText: Int] = [:]

    package init() {}

    package func knows(_ id: ClientID) -> Bool { origins[id] != nil }

    package func lists(_ origin: ByteText) -> Bool { listings[origin] != nil }

    package mutating func set(_ entry: Entry) {
        unlist(origins.updateValue(entry.origins, forKey: entry.id) ?? [])
        for origin in entry.origins { listings[origin, default: 0] += 1 }
    }

    /// Takes note of a client whose origins the next look will tell.
    package mutating func note(_ id: ClientID) {
        if origins[id] == nil { origins[id] = [] }
    }

    /// Forgets the clients that are not among these.
    package mutating func keep(_ ids: Set<ClientID>) {
        for (id, listed) in origins where !ids.contains(id) {
            origins[id] = nil
            unlist(listed)
        }
    }

    private mutating func unlist(_ gone: [ByteText]) {
        for origin in gone {
            guard let count = listings[origin] else { continue }
            listings[origin] = count > 1 ? count - 1 : nil
        }
    }
}
