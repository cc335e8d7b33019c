package import Identifiers

/// Names a room of one client: room `lobby` of client A and room `lobby` of client B are different
/// rooms, always (docs/protocol.md §1).
///
/// Names are compared byte for byte: Unicode's canonical equivalence, which `String` compares by,
/// would let two names meet in one room.
package struct RoomKey: Hashable, Sendable {
    /// Of the bytes; compared before them.
    package let hash: UInt64
    private let bytes: [UInt8]

    package init(clientID: ClientID, room: RoomName, _ hash: RoomHash) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(clientID.utf8.count + 1 + room.utf8.count)
        bytes.append(contentsOf: clientID.utf8)
        bytes.append(0xFF)  // Never a byte of UTF-8, so no two pairs make one key.
        bytes.append(contentsOf: room.utf8)
        self.hash = hash.value(of: bytes)
        self.bytes = bytes
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(hash) }

    package var clientID: ClientID {
        ClientID(String(decoding: bytes.prefix { $0 != 0xFF }, as: UTF8.self))
    }

    /// The room's name, as its members know it.
    package var room: RoomName {
        RoomName(String(decoding: bytes.drop { $0 != 0xFF }.dropFirst(), as: UTF8.self))
    }
}
