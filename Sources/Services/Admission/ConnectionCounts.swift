internal import Access
internal import Identifiers
internal import Signalling

/// Which limit a connection met, and when it makes sense to try again.
struct LimitHit: Equatable, Sendable {
    enum Limit: String, Sendable {
        case total = "connections_max"
        case address = "connections_per_address_max"
        case rate = "connections_per_second"
        case client = "connections_per_client_max"
        case subject = "connections_per_subject_max"
    }

    let limit: Limit
    var retryAfterSeconds = 5
}

/// What one connection counts against.
package struct ConnectionPlace: Sendable {
    let address: AddressGroup
    let client: ClientID
    /// Nil for a client that acts for itself.
    let subject: Subject?
}

/// How many connections there are, by what they count against. A value: time is given.
///
/// A session whose client is away counts like a connection, but never keeps one out: connections
/// enter as if there were no such sessions, and one that goes on without resuming any has the
/// oldest end that are over a limit with it. So whoever comes back finds its session, and a limit
/// is passed only by connections that have not said yet which they are.
///
/// Only what has a limit is counted. An address is remembered while it has connections or a bucket
/// that is not full; of those without connections at most `idleAddressesMax` are.
struct ConnectionCounts: Sendable {
    private struct Address: Sendable {
        var open = 0
        var bucket: TokenBucket?
    }

    private let limits: AdmissionConfiguration
    private let rate: TokenBucket.Rate?
    private let idleAddressesMax: Int
    private var addresses: [AddressGroup: Address] = [:]
    private var idleAddresses = 0
    private struct Named: Hashable, Sendable {
        let client: ClientID
        let subject: Subject
    }

    private var clients: [ClientID: Int] = [:]
    private var subjects: [Named: Int] = [:]
    private(set) var total = 0
    private var away = AwayPlaces()
    /// Sessions that had to end for connections.
    private(set) var awayEnded = 0

    init(limits: AdmissionConfiguration, idleAddressesMax: Int = 1 << 16) {
        self.limits = limits
        self.idleAddressesMax = idleAddressesMax
        rate = TokenBucket.Rate(
            perSecond: limits.connectionsPerSecond, burst: limits.connectionBurst)
    }

    private var countsAddresses: Bool { limits.connectionsPerAddressMax > 0 }
    var addressCount: Int { addresses.count }
    var awayCount: Int { away.count }

    /// A handshake begins: takes from the address's budget, whatever comes of it.
    mutating func knock(_ key: AddressGroup, at now: Int64) -> LimitHit? {
        guard countsAddresses else { return nil }
        let known = addresses[key]
        if let known, known.open >= limits.connectionsPerAddressMax {
            return LimitHit(limit: .address)
        }
        guard let rate else { return nil }
        var address = known ?? Address()
        var bucket = address.bucket ?? TokenBucket(rate, at: now)
        let wait = bucket.take(rate, at: now)
        address.bucket = bucket
        if known == nil {
            forgetSome(at: now)
            idleAddresses += 1
        }
        addresses[key] = address
        return wait.map { LimitHit(limit: .rate, retryAfterSeconds: $0) }
    }

    /// Counts a connection, or tells which limit it met; then nothing was counted.
    mutating func enter(_ place: ConnectionPlace) -> LimitHit? {
        if let hit = limitHit(by: place) { return hit }
        add(place)
        return nil
    }

    /// Which limit a connection would meet.
    func limitHit(by place: ConnectionPlace) -> LimitHit? {
        if isReached(limits.connectionsMax, by: total) { return LimitHit(limit: .total) }
        if isReached(limits.connectionsPerAddressMax, by: addresses[place.address]?.open ?? 0) {
            return LimitHit(limit: .address)
        }
        if isReached(limits.connectionsPerClientMax, by: clients[place.client] ?? 0) {
            return LimitHit(limit: .client)
        }
        if let subject = Self.subject(place),
            isReached(limits.connectionsPerSubjectMax, by: subjects[subject] ?? 0)
        {
            return LimitHit(limit: .subject)
        }
        return nil
    }

    /// Clients name their subjects as they like, so that one name is another's in each.
    private static func subject(_ place: ConnectionPlace) -> Named? {
        place.subject.map { Named(client: place.client, subject: $0) }
    }

    private func isReached(_ limit: Int, by count: Int) -> Bool { limit > 0 && count >= limit }

    private mutating func add(_ place: ConnectionPlace) {
        total += 1
        if countsAddresses {
            if addresses[place.address]?.open == 0 { idleAddresses -= 1 }
            addresses[place.address, default: Address()].open += 1
        }
        if limits.connectionsPerClientMax > 0 { clients[place.client, default: 0] += 1 }
        if limits.connectionsPerSubjectMax > 0, let subject = Self.subject(place) {
            subjects[subject, default: 0] += 1
        }
    }

    /// A connection that had entered is over.
    mutating func exit(_ place: ConnectionPlace) {
        total -= 1
        Self.subtract(place.client, from: &clients)
        if let subject = Self.subject(place) { Self.subtract(subject, from: &subjects) }
        guard var address = addresses[place.address] else { return }
        address.open -= 1
        if address.open == 0 {
            guard address.bucket != nil else {
                addresses[place.address] = nil
                return
            }
            idleAddresses += 1
        }
        addresses[place.address] = address
    }

    private static func subtract<Key: Hashable>(_ key: Key, from counts: inout [Key: Int]) {
        guard let count = counts[key] else { return }
        counts[key] = count > 1 ? count - 1 : nil
    }

    // MARK: Sessions whose clients are away

    /// A connection that had entered is over, but its session stays.
    mutating func park(_ place: ConnectionPlace, _ session: ConnectionID) {
        exit(place)
        putBack(place, session)
    }

    /// In the order of going away.
    var awaySessions: [(session: ConnectionID, place: ConnectionPlace)] { away.all }

    func place(ofAway session: ConnectionID) -> ConnectionPlace? { away.place(of: session) }

    /// A session is there again, without a connection before it.
    mutating func putBack(_ place: ConnectionPlace, _ session: ConnectionID) {
        away.add(session, at: place)
    }

    /// A session has ended, or its client is back.
    mutating func unpark(_ session: ConnectionID) { away.remove(session) }

    /// A connection that had entered goes on, and resumes nothing.
    ///
    /// - Returns: Sessions that have to end for it; they count for nothing from now on.
    mutating func settle(_ place: ConnectionPlace) -> [ConnectionID] {
        var ended: [ConnectionID] = []
        while let session = firstOverLimit(place) {
            away.remove(session)
            ended.append(session)
        }
        awayEnded += ended.count
        return ended
    }

    private func firstOverLimit(_ place: ConnectionPlace) -> ConnectionID? {
        if let subject = Self.subject(place) {
            let count = away.count(ofSubject: subject.subject, of: subject.client)
            let isOver = isPassed(
                limits.connectionsPerSubjectMax, by: subjects[subject] ?? 0, and: count)
            if isOver { return away.firstOfSubject(at: place) }
        }
        let ofClient = away.count(ofClient: place.client)
        if isPassed(limits.connectionsPerClientMax, by: clients[place.client] ?? 0, and: ofClient) {
            return away.firstOfClient(at: place)
        }
        let ofAddress = away.count(ofAddress: place.address)
        let open = addresses[place.address]?.open ?? 0
        if isPassed(limits.connectionsPerAddressMax, by: open, and: ofAddress) {
            return away.firstOfAddress(at: place)
        }
        return isPassed(limits.connectionsMax, by: total, and: away.count)
            ? away.first(at: place) : nil
    }

    private func isPassed(_ limit: Int, by connections: Int, and away: Int) -> Bool {
        limit > 0 && away > 0 && connections + away > limit
    }

    // MARK: Memory

    /// Keeps the table bounded: idle addresses whose bucket is full go first. Should half of the
    /// places still be taken, as in a flood from very many addresses, all idle ones go: each then
    /// has its burst again, which costs less than the memory. Either way half the places are free
    /// afterwards, so that the cost of looking at all is spread over as many handshakes.
    private mutating func forgetSome(at now: Int64) {
        guard idleAddresses >= idleAddressesMax, let rate else { return }
        addresses = addresses.filter { entry in
            entry.value.open > 0 || entry.value.bucket?.isFull(rate, at: now) == false
        }
        idleAddresses = addresses.values.count { $0.open == 0 }
        guard idleAddresses > idleAddressesMax / 2 else { return }
        addresses = addresses.filter { $0.value.open > 0 }
        idleAddresses = 0
    }
}
