package import Access
package import Identifiers
internal import Locking
package import Signalling
internal import Synchronization
package import Tokens
internal import WebSocket

/// What was decided about one connection before its handshake was answered.
///
/// It counts against the limits from the decision on until it is released: by the handler when the
/// socket closes, or by its own end when the socket never came to be. Where a session stays behind,
/// that one has the place from then on.
package final class SocketAdmission: SocketOwner, Sendable {
    package let dialect: Dialect
    /// What the token of the handshake gives. A classic connection stays open past its end.
    package let grant: TokenGrant

    private let address: AddressGroup
    private let ledger: ConnectionLedger
    /// Before its rights were looked at.
    private let rightsVersion: Int
    private let isReleased = Atomic(false)
    private let passage = Lock<(any AnyObject & Sendable)?>(nil)

    /// Counts against the limits, or tells which it met.
    init(
        _ claims: TokenClaims, dialect: Dialect, address: AddressGroup, ledger: ConnectionLedger,
        rightsVersion: Int
    ) throws(AdmissionRefusal) {
        self.dialect = dialect
        grant = TokenGrant(claims)
        self.address = address
        self.ledger = ledger
        self.rightsVersion = rightsVersion
        let hit = ledger.enter(place)
        guard let hit else { return }
        isReleased.store(true, ordering: .relaxed)
        throw .limit(hit)
    }

    deinit { release() }

    /// Whether anybody's rights have changed since they were looked at: a note of that may have
    /// come before there was a connection to close.
    package var mayHaveLostRights: Bool { ledger.rightsVersion != rightsVersion }

    package var token: RevocableToken { grant.token }
    package var clientID: ClientID { token.clientID }
    package var subject: Subject { token.subject }

    /// Not kept, since there is one for each connection.
    package var place: ConnectionPlace { ConnectionPlace(of: grant, at: address) }

    package var rooms: [RoomPattern] { grant.rooms }

    /// Gives the connection's place back; only the first call does anything.
    package func release() {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        ledger.exit(place)
    }

    /// Leaves the place to the connection's session, whose client is away from now on.
    package func park(_ session: ConnectionID) {
        guard !isReleased.exchange(true, ordering: .relaxed) else { return }
        ledger.park(place, session)
    }

    /// What the relay has given a connection to take along to another loop; nil for one that is
    /// new.
    package func takePassage() -> (any AnyObject & Sendable)? {
        passage.withLock { passage in
            defer { passage = nil }
            return passage
        }
    }

    package func give(_ passage: any AnyObject & Sendable) {
        self.passage.withLock { $0 = passage }
    }
}

extension ConnectionPlace {
    /// `address` is what `addressText` gave, or an address.
    package init(of grant: TokenGrant, address: String) {
        self.init(of: grant, at: AddressGroup(address))
    }

    package var addressText: String { address.text }

    init(of grant: TokenGrant, at address: AddressGroup) {
        self.init(
            address: address, client: grant.token.clientID, subject: grant.namedSubject)
    }
}
