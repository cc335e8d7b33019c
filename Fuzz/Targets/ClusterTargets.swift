import Bytes
import Cluster
import Identifiers
import Relay
import Rooms
import Signalling

extension FuzzTarget {
    static let clusterFrame = FuzzTarget(
        check: fuzzClusterFrame,
        work: { bytes in { _ = try? ClusterFrame(bytes) } },
        benign: { bytes in
            let mails = Array(
                repeating: ClusterMail.kick(number: 1, ConnectionID(raw: 2)),
                count: bytes.count / 17)
            return ClusterFrame(
                from: Incarnation(raw: 1), to: Incarnation(raw: 2),
                .init(first: 1, mails: mails, acknowledged: 0)
            ).encoded
        })

    static let nodeWords = FuzzTarget(
        check: fuzzNodeWords,
        work: { bytes in { _ = try? NodeRecord(bytes) } },
        benign: { bytes in
            let alike = NodeRecord.Alike(setting: "issuer", value: "https://auth.example.org")
            return NodeRecord(
                .alive, epoch: BucketEpoch(createdAt: 1, nonce: 2), nodeName: "a",
                alike: Array(repeating: alike, count: bytes.count / 38)
            ).encoded
        })

    static let roomDocument = FuzzTarget(
        check: fuzzRoomDocument,
        work: { bytes in { _ = try? RoomDocument(bytes) } },
        benign: { bytes in
            var document = RoomDocument(
                epoch: BucketEpoch(createdAt: 1, nonce: 2), clientID: "a", name: "r")
            for index in 0..<UInt64(bytes.count / 40) {
                let member = RoomMember(
                    connection: ConnectionID(raw: index), route: .v1(subject: "a:x"),
                    peerID: PeerID("\(index)"))
                _ = try? document.join(member, at: Incarnation(raw: 1))
            }
            return document.encoded
        })

    static let roomPage = FuzzTarget(
        check: fuzzRoomPage,
        work: { bytes in { _ = RoomPage(bytes) } },
        benign: { bytes in
            let room = RoomSummary(clientID: "a", room: "r", members: [])
            return RoomPage(Array(repeating: room, count: bytes.count / 22)).encoded
        })
}

/// What is taken for a frame is written as it was, and a line takes it once.
func fuzzClusterFrame(_ bytes: [UInt8]) {
    guard let frame = try? ClusterFrame(bytes) else { return }
    require(frame.encoded == bytes, "a frame has one spelling")
    var line = ClusterLine(from: frame.receiver, to: frame.sender)
    let arrival = line.receive(frame)
    require(arrival.mails.count <= frame.line.mails.count, "nothing comes of nothing")
    require(line.receive(frame).mails.isEmpty, "a frame counts once")
}

/// The keys of nodes and of the bucket, heartbeats, what goes over with a session, and the shelf of
/// a node.
func fuzzNodeWords(_ bytes: [UInt8]) {
    if let record = try? NodeRecord(bytes) {
        require(record.encoded == bytes, "a record has one spelling")
    }
    if let state = try? HandOverState(bytes, upTo: 1) {
        require(state.encoded(in: 1) == bytes, "a state has one spelling")
    }
    // Whatever stands there is its digest, and it was written just now.
    let digest = Array(bytes.suffix(32))
    let stamp = bytes.dropFirst(10).prefix(8).reduce(Int64(0)) { $0 << 8 | Int64($1) }
    if let shelf = try? NodeShelf(bytes, upTo: 1, at: stamp, sha256: { _ in digest }) {
        require(shelf.encoded(sha256: { _ in digest }) == bytes, "a shelf has one spelling")
    }
    if let list = try? OpenList(bytes) {
        require(list.encoded == bytes, "a list has one spelling")
    }
    if let format = try? FormatRecord(bytes) {
        require(format.encoded == bytes, "a format has one spelling")
    }
    if let heartbeat = try? Heartbeat(bytes) {
        require(heartbeat.encoded == bytes, "a heartbeat has one spelling")
    }
    if let text = ByteText(bytes.span), let key = StoreKey(text) {
        require(ByteText(key.text) == text, "a key has one spelling")
    }
}

/// What is taken for a page of a node's rooms is written as it was.
func fuzzRoomPage(_ bytes: [UInt8]) {
    guard let page = RoomPage(bytes) else { return }
    require(page.encoded == bytes, "a page has one spelling")
}

/// What is taken for a document is written as it was, and goes on.
func fuzzRoomDocument(_ bytes: [UInt8]) {
    guard var document = try? RoomDocument(bytes) else { return }
    require(document.encoded == bytes, "a document has one spelling")
    let newcomer = RoomMember(
        connection: ConnectionID(raw: 1), route: .classic(address: 0), peerID: PeerID("new"))
    _ = try? document.join(newcomer, at: Incarnation(raw: 1))
    for member in document.room.members.prefix(3) { document.leave(member.connection, .left) }
    guard document.encoded.count <= RoomDocument.bytesMax else { return }
    let again = mustTake("a later version is taken") { try RoomDocument(document.encoded) }
    require(again == document, "a later version is read as it is")
}
