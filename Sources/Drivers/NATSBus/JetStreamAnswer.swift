import Bytes
import Cluster
import StrictJSON

/// What JetStream says, read strictly: what is not understood is no answer.
enum JetStreamAnswer {
    /// What its refusals mean (`err_code`).
    enum Code {
        static let wrongLastSequence = 10_071
        /// The same, where another write of that key is on its way through the servers.
        static let writeUnderWay = 10_164
        static let noMessage = 10_037
        static let noStream = 10_059
        static let streamExists = 10_058
        static let noReplicas = 10_074
        static let notForAccount = 10_039
        static let notEnabled = 10_076
        /// What an account, a server or a stream may have is used up: of resources altogether, of
        /// memory, of files, of streams, of consumers, and of bytes that a stream may hold.
        static let quotas = [
            10_002, 10_023, 10_028, 10_047, 10_027, 10_026, 10_077,
        ]
    }

    struct Refusal: Error, Equatable {
        let code: Int
        let text: String

        /// A quota is used up, and nothing else is wrong.
        var isOfQuota: Bool { Code.quotas.contains(code) }
    }

    /// A document is a third longer in base64.
    private static let limits = JSONLimits(bytesMax: 4 << 20, membersMax: 4096)

    /// The object, or its `error`; nil where it is neither.
    static func object(_ text: [UInt8]) -> Result<JSONObject, Refusal>? {
        guard let object = (try? JSONValue.parse(text, limits: limits))?.object else { return nil }
        guard let error = object["error"] else { return .success(object) }
        guard let error = error.object, let code = error["err_code"]?.int64 else { return nil }
        let text = error["description"]?.string?.string ?? "no reason given"
        return .failure(Refusal(code: Int(clamping: code), text: text))
    }

    /// To a write.
    static func written(_ text: [UInt8], stream: ByteText) -> StoreAnswer {
        switch object(text) {
        case .success(let ack):
            guard ack["stream"]?.string == stream, let number = ack["seq"]?.int64, number > 0
            else { return .unknown }
            return .accepted(Revision(raw: UInt64(number)))
        case .failure(let refusal):
            let isConflict =
                refusal.code == Code.wrongLastSequence || refusal.code == Code.writeUnderWay
            return isConflict ? .conflict : .unknown
        case nil: return .unknown
        }
    }

    /// Whether a write was refused for another one of its key that is on its way: nobody knows yet
    /// at which revision the key will be, and it may stay at the one that it is at.
    static func isTooEarly(_ text: [UInt8]) -> Bool {
        guard case .failure(let refusal) = object(text) else { return false }
        return refusal.code == Code.writeUnderWay
    }

    /// A message of the stream.
    enum Message: Equatable {
        case none
        case unreadable
        case some(subject: ByteText, [UInt8], Revision)
        /// That somebody's own tool has deleted a key.
        case mark(subject: ByteText, Revision)
    }

    static func message(_ text: [UInt8]) -> Message {
        switch object(text) {
        case .failure(let refusal):
            return refusal.code == Code.noMessage ? .none : .unreadable
        case .success(let answer):
            guard let message = answer["message"]?.object, let subject = message["subject"]?.string,
                let number = message["seq"]?.int64, number > 0
            else { return .unreadable }
            let revision = Revision(raw: UInt64(number))
            if message["hdrs"]?.string.map(isMark) == true {
                return .mark(subject: subject, revision)
            }
            guard let data = message["data"] else { return .some(subject: subject, [], revision) }
            guard let text = data.string, let bytes = Base64.decode(text.utf8.span) else {
                return .unreadable
            }
            return .some(subject: subject, bytes, revision)
        case nil: return .unreadable
        }
    }

    /// To a read; with the revision of the mark where the key was deleted.
    static func read(_ text: [UInt8], subject: ByteText) -> (answer: StoreAnswer, mark: Revision?) {
        switch message(text) {
        case .none: (.found(nil, .absent), nil)
        case .some(subject, let bytes, let revision): (.found(bytes, revision), nil)
        case .mark(subject, let revision): (.unreadable, revision)
        case .unreadable, .some, .mark: (.unreadable, nil)
        }
    }

    private static func isMark(_ headers: ByteText) -> Bool {
        guard let bytes = Base64.decode(headers.utf8.span), let text = ByteText(bytes.span) else {
            return false
        }
        return text.split(separator: 0x0A).contains { $0.hasPrefix("KV-Operation:") }
    }
}

/// What the watch of the nodes' keys brings.
struct WatchedMessage: Sendable {
    /// Where a message stands, as the consumer's reply subject tells it:
    /// `$JS.ACK.<stream>.<consumer>.<tries>.<of stream>.<of consumer>.<time>.<pending>`, with a
    /// domain and an account behind `ACK` where there are any.
    struct Place: Sendable {
        let watch: UInt64
        let revision: Revision
        let number: UInt64
        let pending: UInt64

        init?(_ reply: ByteText) {
            let parts = reply.split(separator: UInt8(ascii: "."))
            let start = parts.count == 9 ? 3 : 5
            guard parts.count == 9 || parts.count >= 11, parts[0] == "$JS", parts[1] == "ACK",
                let watch = UInt64(hex: parts[start]),
                let revision = UInt64(parts[start + 2].string), revision > 0,
                let number = UInt64(parts[start + 3].string),
                let pending = UInt64(parts[start + 5].string)
            else { return nil }
            self.watch = watch
            self.revision = Revision(raw: revision)
            self.number = number
            self.pending = pending
        }
    }

    enum Content: Sendable {
        /// There is nothing, up to this number of the consumer.
        case beat(last: UInt64?)
        /// Of a subject; nil where somebody has deleted the key.
        case value(ByteText, [UInt8]?, Place)
    }

    /// Which watch has asked for it.
    let watch: UInt64
    let content: Content
}
