internal import Access
internal import Identifiers
internal import Shares
internal import Signalling

/// The places of sessions whose clients are away, and which of them gives way first. A value.
///
/// For room the oldest goes of whoever has most, or of the newcomer itself if nobody has more.
struct AwayPlaces: Sendable {
    private var places: [ConnectionID: (order: Int, place: ConnectionPlace)] = [:]
    /// By client, then by subject.
    private var byClient: [ClientID: Queues<Subject?>] = [:]
    private var clients = Ranking<ClientID>()
    /// By address, then by client.
    private var byAddress: [AddressGroup: Queues<ClientID>] = [:]
    private var lastOrder = 0

    var count: Int { places.count }

    /// In the order of going away.
    var all: [(session: ConnectionID, place: ConnectionPlace)] {
        places.sorted { $0.value.order < $1.value.order }.map { ($0.key, $0.value.place) }
    }

    func place(of session: ConnectionID) -> ConnectionPlace? { places[session]?.place }

    func count(ofClient client: ClientID) -> Int { byClient[client]?.count ?? 0 }

    func count(ofSubject subject: Subject, of client: ClientID) -> Int {
        byClient[client]?.count(of: subject) ?? 0
    }

    func count(ofAddress address: AddressGroup) -> Int { byAddress[address]?.count ?? 0 }

    // MARK: Coming and going

    mutating func add(_ session: ConnectionID, at place: ConnectionPlace) {
        remove(session)
        lastOrder += 1
        places[session] = (lastOrder, place)
        byClient[place.client, default: Queues()].add(session, lastOrder, of: place.subject)
        byAddress[place.address, default: Queues()].add(session, lastOrder, of: place.client)
        clients.set(count(ofClient: place.client), of: place.client)
    }

    /// Nothing happens if it is not there.
    mutating func remove(_ session: ConnectionID) {
        guard let place = places.removeValue(forKey: session)?.place else { return }
        byClient[place.client]?.remove(session, of: place.subject)
        if byClient[place.client]?.count == 0 { byClient[place.client] = nil }
        byAddress[place.address]?.remove(session, of: place.client)
        if byAddress[place.address]?.count == 0 { byAddress[place.address] = nil }
        clients.set(count(ofClient: place.client), of: place.client)
    }

    // MARK: Giving way

    func firstOfSubject(at place: ConnectionPlace) -> ConnectionID? {
        byClient[place.client]?.first(of: place.subject)
    }

    func firstOfClient(at place: ConnectionPlace) -> ConnectionID? {
        byClient[place.client]?.first(preferring: place.subject)
    }

    func firstOfAddress(at place: ConnectionPlace) -> ConnectionID? {
        byAddress[place.address]?.first(preferring: place.client)
    }

    func first(at place: ConnectionPlace) -> ConnectionID? {
        guard let largest = clients.heaviest else { return nil }
        let isOwn = count(ofClient: place.client) >= count(ofClient: largest)
        return byClient[isOwn ? place.client : largest]?.first(preferring: place.subject)
    }
}

/// Sessions in the order of going away, by whom they belong to.
private struct Queues<Owner: Hashable & Sendable>: Sendable {
    private var queues: [Owner: Ranking<ConnectionID>] = [:]
    private var lengths = Ranking<Owner>()
    private(set) var count = 0

    func count(of owner: Owner) -> Int { lengths.weight(of: owner) }

    mutating func add(_ session: ConnectionID, _ order: Int, of owner: Owner) {
        // The heaviest is the oldest.
        queues[owner, default: Ranking()].set(.max - order, of: session)
        count += 1
        note(owner)
    }

    mutating func remove(_ session: ConnectionID, of owner: Owner) {
        queues[owner]?.set(0, of: session)
        count -= 1
        note(owner)
    }

    private mutating func note(_ owner: Owner) {
        let length = queues[owner]?.count ?? 0
        lengths.set(length, of: owner)
        if length == 0 { queues[owner] = nil }
    }

    func first(of owner: Owner) -> ConnectionID? { queues[owner]?.heaviest }

    func first(preferring own: Owner) -> ConnectionID? {
        guard let largest = lengths.heaviest else { return nil }
        return first(of: count(of: own) >= count(of: largest) ? own : largest)
    }
}
