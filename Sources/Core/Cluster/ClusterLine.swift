import Bytes
import Sessions
package import Signalling

/// A `Link` between two nodes of a cluster, with its frames as bytes.
///
/// What is too long for one frame is cut, and joined at the other end: mails behind it wait until
/// it is there.
package struct ClusterLine: Sendable {
    /// What a frame brought.
    package struct Arrival: Sendable {
        /// For the first time, in order.
        package var mails: [ClusterMail] = []
        /// Mail of ours that stands at the other node from now on, by number.
        package var answered: Range<UInt64> = 1..<1
        /// How many mails were nothing that a node of this version says; they are passed over.
        package var unreadableCount = 0
    }

    /// What was said to the other node, and is not known to stand there.
    package struct Waiting: Equatable, Sendable {
        package internal(set) var mails = 0
        package internal(set) var bytes = 0
        /// How long the oldest of those that were sent has waited, to a tick.
        package internal(set) var oldestMilliseconds: Int64 = 0
    }

    /// What one mail in a frame may have; longer ones are cut.
    static let partBytesMax = 128 << 10

    private let own: Incarnation
    private let other: Incarnation
    private var link: Link<ClusterMail>
    /// Of a mail whose last part has not arrived; nil once it is too long.
    private var parts: [UInt8]? = []
    /// Versions of rooms that are not on the link yet, of each room one, and in which order.
    private var offers: [RoomDigest: Offer] = [:]
    private var offered = Ring<RoomDigest>()

    private struct Offer {
        var revision: Revision
        var bytes: [UInt8]
        var sdps: [JoinerSDP]
    }

    package init(
        from own: Incarnation, to other: Incarnation,
        _ limits: Link<ClusterMail>.Limits = Link<ClusterMail>.Limits()
    ) {
        self.own = own
        self.other = other
        link = Link(limits)
    }

    /// How many mails were sent once more.
    package var resentCount: Int { link.resentCount }
    /// How many frames there were to be sent, answers alone as well.
    package var frameCount: Int { link.frameCount }
    /// What is said now goes soon.
    package var hasWindow: Bool { link.hasWindow }
    /// Nothing of ours is unanswered.
    package var isIdle: Bool { link.isIdle && offered.isEmpty }

    /// `tick` is how many milliseconds pass from one `tick()` to the next.
    package func waiting(tick: Int64) -> Waiting {
        Waiting(
            mails: link.waitingCount + offers.count,
            bytes: offers.values.reduce(link.waitingBytes) {
                $1.sdps.reduce($0 + $1.bytes.count) { $0 + $1.sdp.count }
            },
            oldestMilliseconds: Int64(link.oldestTicks) * tick)
    }

    /// Sends a version of a room once the link has room for it: a later one takes its place until
    /// then, with what is to be told of those `isThere` still.
    package mutating func offer(
        _ room: RoomDigest, _ revision: Revision, _ bytes: [UInt8], sdps: [JoinerSDP],
        isThere: (ConnectionID) -> Bool
    ) {
        guard var offer = offers.removeValue(forKey: room) else {
            offers[room] = Offer(revision: revision, bytes: bytes, sdps: sdps)
            return offered.append(room)
        }
        if revision > offer.revision {
            (offer.revision, offer.bytes) = (revision, bytes)
            offer.sdps.removeAll { !isThere($0.connection) }
        }
        offer.sdps += sdps
        offers[room] = offer
    }

    /// The bucket was made anew: versions of the former one tell nobody anything.
    package mutating func forgetOffers() { (offers, offered) = ([:], Ring()) }

    private mutating func sendOffers() {
        while link.hasWindow, !offered.isEmpty {
            let room = offered.removeFirst()
            guard let offer = offers.removeValue(forKey: room) else { continue }
            append(.document(room, offer.revision, offer.bytes, sdps: offer.sdps))
        }
    }

    /// Sends something, behind what was offered before unless that has to wait.
    ///
    /// - Returns: Its number, of its last part where it has several.
    @discardableResult
    package mutating func push(_ mail: ClusterMail) -> UInt64 {
        sendOffers()
        return append(mail)
    }

    @discardableResult
    private mutating func append(_ mail: ClusterMail) -> UInt64 {
        let whole = mail.size
        guard whole > Self.partBytesMax else { return link.push(mail, size: whole) }
        let mail = mail.fitting
        let size = mail.size
        // Only by somebody's doing who is no node: nobody would take it.
        guard size <= ClusterMail.bytesMax else { return link.lastNumber }
        var out = ByteWriter(capacity: size)
        mail.write(to: &out)
        var rest = out.bytes[...]
        while !rest.isEmpty {
            let part = ClusterMail.part(
                Array(rest.prefix(Self.partBytesMax)), isLast: rest.count <= Self.partBytesMax)
            rest = rest.dropFirst(Self.partBytesMax)
            link.push(part, size: part.size)
        }
        return link.lastNumber
    }

    /// What is to be published now: asked for at the end of each turn, until there is none.
    package mutating func nextFrame() -> [UInt8]? {
        sendOffers()
        return link.nextFrame().map { ClusterFrame(from: own, to: other, $0).encoded }
    }

    /// A while has passed.
    package mutating func tick(isBackedUp: Bool = false) {
        link.tick(isBackedUp: isBackedUp)
    }

    /// A frame from the other node. One that is not of this line is taken for nothing.
    package mutating func receive(_ frame: ClusterFrame) -> Arrival {
        guard frame.sender == other, frame.receiver == own else { return Arrival() }
        let linked = link.receive(frame.line)
        var arrival = Arrival(answered: linked.answered)
        guard linked.mails.contains(where: \.isPart) else {
            arrival.mails = linked.mails
            return arrival
        }
        arrival.mails.reserveCapacity(linked.mails.count)
        for mail in linked.mails {
            guard case .part(let bytes, let isLast) = mail else {
                arrival.mails.append(mail)
                continue
            }
            take(bytes, isLast: isLast, &arrival)
        }
        return arrival
    }

    private mutating func take(_ bytes: [UInt8], isLast: Bool, _ arrival: inout Arrival) {
        let count = (parts?.count ?? 0) + bytes.count
        if count > ClusterMail.bytesMax { parts = nil }
        parts?.append(contentsOf: bytes)
        guard isLast else { return }
        defer { parts = [] }
        guard let parts, let mail = ClusterMail(whole: parts) else {
            arrival.unreadableCount += 1
            return
        }
        arrival.mails.append(mail)
    }
}

extension ClusterMail {
    fileprivate var isPart: Bool { if case .part = self { true } else { false } }

    /// Without what is to be told with joins, as far as that makes it too long: whoever lacks it
    /// asks for it, one at a time.
    fileprivate var fitting: ClusterMail {
        guard size > Self.bytesMax,
            case .document(let room, let revision, let bytes, let sdps) = self
        else { return self }
        var rest = Self.bytesMax - ClusterMail.document(room, revision, bytes, sdps: []).size
        let fitting = sdps.prefix {
            rest -= ClusterMail.document(room, revision, [], sdps: [$0]).size
            return rest >= 0
        }
        return .document(room, revision, bytes, sdps: Array(fitting))
    }

    /// Nil where the bytes are no mail, or a part of one.
    fileprivate init?(whole bytes: [UInt8]) {
        var input = ByteReader(bytes[...])
        guard let mail = try? ClusterMail(&input, of: bytes), input.isAtEnd else { return nil }
        if case .part = mail { return nil }
        self = mail
    }
}
