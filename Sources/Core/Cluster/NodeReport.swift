package import Bytes
import Sessions

/// What a node tells of itself, for operators at whatever node.
package struct NodeReport: Equatable, Sendable {
    /// No name of a host is that long.
    private static let serverBytesMax = 256

    package var connections: UInt32
    package var sessions: UInt32
    package var rooms: UInt32
    /// Of clients, that were acted on there since its process started.
    package var messages: UInt64
    /// The server of NATS that it is connected to, as `host:port`; empty while it is to none.
    package let natsServer: ByteText
    /// How long the store took to answer the last time that it was looked at; nil where that is
    /// not known.
    package var storeMilliseconds: UInt32?

    package init(
        connections: UInt32 = 0, sessions: UInt32 = 0, rooms: UInt32 = 0, messages: UInt64 = 0,
        natsServer: ByteText = "", storeMilliseconds: UInt32? = nil
    ) {
        self.connections = connections
        self.sessions = sessions
        self.rooms = rooms
        self.messages = messages
        self.natsServer = natsServer.utf8.count <= Self.serverBytesMax ? natsServer : ""
        self.storeMilliseconds = storeMilliseconds
    }

    func write(to out: inout ByteWriter) {
        out.put(connections)
        out.put(sessions)
        out.put(rooms)
        out.put(messages)
        out.put(natsServer.utf8)
        out.put(storeMilliseconds != nil)
        if let storeMilliseconds { out.put(storeMilliseconds) }
    }

    init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        (connections, sessions) = (try input.number(), try input.number())
        (rooms, messages) = (try input.number(), try input.number())
        natsServer = try input.byteText()
        storeMilliseconds = try input.flag() ? try input.number() : nil
        guard natsServer.utf8.count <= Self.serverBytesMax else { throw input.fault }
    }
}

/// How a node stands in its cluster, as it says itself; of others nothing is said. The raw value is
/// how it is said to other nodes.
package enum SaidStanding: UInt8, Equatable, Sendable {
    case member = 1
    case joining = 2
    case cutOff = 3
    case lost = 4
    /// A member that will drain soon, and still lets peers in.
    case stopping = 5

    init?(_ standing: NodeStanding) {
        switch standing {
        case .member: self = .member
        case .joining: self = .joining
        case .cutOff: self = .cutOff
        case .lost: self = .lost
        case .condemned, .left, .refused: return nil
        }
    }
}
