import Bytes
import StrictJSON
import Testing
import WebSocket

/// A v1 client as its library would be: it numbers what it says, resumes when its socket is lost,
/// and then says again what was not answered.
final class Walker {
    let subject: String
    /// Where it is, or was last.
    private(set) var node: Int
    private(set) var client: Client
    private(set) var connection: String
    private var secret = ""
    private var seq = 0
    /// As it was told: who else is in its room.
    private(set) var view: Set<String> = []
    private(set) var room: String?
    private var lastAck = 0
    /// By `ack`, what was said and not answered.
    private(set) var pending: [(ack: Int, text: String)] = []
    /// Numbers of payloads that came, by who sent them, in order.
    private(set) var heard: [String: [Int]] = [:]
    /// By `ack`: whether it was taken, or why not.
    private(set) var answers: [Int: String] = [:]
    private(set) var complaints: [String] = []
    var hasEnded = false
    /// It has asked for a resume and was not answered.
    private(set) var isResuming = false
    /// Where nodes end in order, 1012 says no more than that it is to come back elsewhere.
    var comesBack = false

    init(_ subject: String, node: Int, _ client: Client) {
        self.subject = subject
        self.node = node
        self.client = client
        connection = client.connection
        secret = client.secret
    }

    var isAway: Bool { client.isClosed }
    var isReady: Bool { !isAway && !isResuming && !hasEnded }

    // MARK: Saying

    @discardableResult
    private func say(_ text: (Int) -> String) -> Int {
        lastAck += 1
        pending.append((lastAck, text(lastAck)))
        hear(client.say(pending[pending.count - 1].text))
        return lastAck
    }

    func join(_ room: String) {
        self.room = room
        say { #"{"action":"join-room","roomId":"\#(room)","name":"N","ack":\#($0)}"# }
    }

    func leave() {
        guard let room else { return }
        say { #"{"action":"leave-room","roomId":"\#(room)","ack":\#($0)}"# }
        self.room = nil
    }

    func send(_ number: Int, to other: String) -> Int {
        say {
            #"{"action":"send-payload","target":"\#(other)","payload":{"n":\#(number)},"#
                + #""ack":\#($0)}"#
        }
    }

    func broadcast(_ number: Int) -> Int {
        say {
            #"{"action":"broadcast","roomId":"\#(room ?? "")","payload":{"n":\#(number)},"#
                + #""ack":\#($0)}"#
        }
    }

    // MARK: Losing and finding the way

    /// - Parameter isNoticed: Whether the server hears that the socket is gone.
    func lose(isNoticed: Bool) {
        listen()
        if isNoticed { client.close(.lost) }
    }

    /// Goes on over another socket.
    func resume(_ client: Client, at node: Int? = nil) {
        listen()
        self.client = client
        self.node = node ?? self.node
        isResuming = true
        hear(client.resume(secret, after: seq))
    }

    func close() {
        client.close(.peerClosed(code: 1000))
        hasEnded = true
    }

    // MARK: Hearing

    func listen() { hear(client.take()) }

    private func hear(_ texts: [String]) {
        let wasResuming = isResuming
        for text in texts { hear(text) }
        // All that was missed has come with the answer: what is open now did not arrive.
        if wasResuming, !isResuming, !hasEnded {
            for (_, text) in pending { hear(client.say(text)) }
        }
        if client.closeCode == .replaced || client.closeCode == .restarting && !comesBack {
            hasEnded = true
        }
    }

    private func hear(_ text: String) {
        guard let event = try? JSONValue.parse(Array(text.utf8)).object,
            let data = event["data"]?.object
        else { return complaints.append(text) }
        if let number = event["seq"]?.int64 { seq = Int(number) }
        let other = data["connectionId"]?.string?.string ?? ""
        switch event["type"]?.string?.string {
        case "resumed":
            secret = client.secret
            isResuming = false
            if other != connection { complaints.append("another's session: \(text)") }
        case "room_state":
            let members = data["members"]?.array ?? []
            view = Set(members.compactMap { $0.object?["connectionId"]?.string?.string })
        case "someone_joined":
            if !view.insert(other).inserted { complaints.append("joined twice: \(text)") }
        case "someone_left":
            if view.remove(other) == nil { complaints.append("left twice: \(text)") }
        case "payload": heard[other, default: []].append(Int(data["n"]?.int64 ?? 0))
        case "ack": answered(Int(data["ack"]?.int64 ?? 0), "ok")
        case "error":
            let code = data["code"]?.string?.string ?? ""
            if code == "resume_failed" { (hasEnded, isResuming) = (true, false) }
            answered(Int(data["ack"]?.int64 ?? 0), code)
        default: break
        }
    }

    private func answered(_ ack: Int, _ answer: String) {
        guard let index = pending.firstIndex(where: { $0.ack == ack }) else {
            if answer != "resume_failed" { complaints.append("answered twice: \(ack) \(answer)") }
            return
        }
        let text = pending.remove(at: index).text
        if text.contains("leave-room") { view = [] }
        if text.contains("join-room"), answer != "ok" { room = nil }
        answers[ack] = answer
    }
}
