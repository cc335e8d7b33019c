import Bytes
import StrictJSON
import WebSocket

/// What stands at the other end of a connection, in either dialect.
class Client {
    private(set) weak var loop: Loop?
    /// The last it had; of no meaning to the server once it is closed.
    private(set) var socket = SocketID(raw: .max)
    /// A loop has it: it is neither on its way nor closed.
    private(set) var isOpen = false
    private(set) var isClosed = false
    /// Why the server closes it; nothing more is sent then.
    var closeCode: CloseCode?

    /// What it says waits in its loop, in order.
    var isHeld = false
    var waiting: [String] = []

    /// Its connection id as peers see it.
    var connection = ""
    private(set) var secret = ""
    /// The number of the last event that came.
    var seq = 0
    /// What the client has dealt with when it asks for a resume.
    var resumedAfter = 0
    /// The last number before a resume, where it succeeded.
    private(set) var resumedAt: Int?
    private var texts: [String] = []

    // MARK: What the loops do

    func arrive(at loop: Loop, _ socket: SocketID) {
        self.loop = loop
        self.socket = socket
        isOpen = true
    }

    func leave(isClosed: Bool) {
        if isClosed { waiting = [] }
        isOpen = false
        self.isClosed = isClosed
    }

    func receive(_ text: String) {
        texts.append(text)
        guard let event = try? JSONValue.parse(Array(text.utf8)).object else {
            loop?.net.complaints.append("no strict JSON: \(text)")
            return
        }
        if let number = event["seq"]?.int64 {
            if number != seq + 1 { loop?.net.complaints.append("\(number) follows \(seq)") }
            seq += 1
        }
        guard event["type"] == "welcome" || event["type"] == "resumed" else { return }
        let data = event["data"]?.object
        connection = data?["connectionId"]?.string?.string ?? ""
        secret = data?["session"]?.string?.string ?? ""
        guard event["type"] == "resumed" else { return }
        // What came before is replayed again.
        seq = resumedAfter
        resumedAt = data?["seq"]?.int64.map { Int($0) }
    }

    // MARK: Reading and saying

    /// How many events came since the last one that was taken.
    var unread: Int { texts.count }

    /// What came since the last call, or as much of it.
    func take(_ count: Int = .max) -> [String] {
        defer { texts.removeFirst(min(count, texts.count)) }
        return Array(texts.prefix(count))
    }

    /// - Returns: What came to this client.
    @discardableResult
    func say(_ text: String) -> [String] {
        loop?.receive(text, from: self)
        loop?.net.settle()
        return take()
    }

    @discardableResult
    func join(
        _ room: String, id: String? = nil, name: String? = "N", more: String = ""
    ) -> [String] {
        let name = name.map { #","name":"\#($0)""# } ?? ""
        let id = id.map { #","id":"\#($0)""# } ?? ""
        return say(#"{"action":"join-room","roomId":"\#(room)"\#(name)\#(id)\#(more)}"#)
    }

    @discardableResult
    func send(_ payload: String, to target: Client, ack: String? = nil) -> [String] {
        let ack = ack.map { #","ack":\#($0)"# } ?? ""
        return say(
            #"{"action":"send-payload","target":"\#(target.connection)","#
                + #""payload":\#(payload)\#(ack)}"#)
    }

    @discardableResult
    func resume(_ secret: String, after seq: Int, more: String = "") -> [String] {
        resumedAfter = seq
        return say(#"{"action":"resume","session":"\#(secret)","seq":\#(seq)\#(more)}"#)
    }

    /// As `say`, and nothing follows from it yet.
    func ask(_ text: String, resumingAfter seq: Int? = nil) {
        resumedAfter = seq ?? resumedAfter
        loop?.receive(text, from: self)
    }

    func close(_ end: SocketEnd = .lost) {
        loop?.close(self, end)
        loop?.net.settle()
    }
}
