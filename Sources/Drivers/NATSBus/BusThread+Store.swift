import Bytes
import Cluster
import StrictJSON

extension BusThread: BusOutput {
    var monotonicMilliseconds: Int64 { BusClock.milliseconds() }
    var isBackedUp: Bool { unwrittenBytes > 0 }
    var server: ByteText? { spoken.map { ByteText($0.server.authority) } }
    var storeMilliseconds: Int64? { standing.report?.answerMilliseconds }

    mutating func read(_ key: StoreKey, request: UInt64) {
        let text: JSONValue = ["last_by_subj": .string(subjects.subject(key))]
        ask(subjects.request("STREAM.MSG.GET"), text, .read(key, request: request))
    }

    mutating func next(after revision: Revision, request: UInt64) {
        let text: JSONValue = [
            "seq": .number(JSONNumber(Int64(clamping: revision.raw &+ 1))),
            "next_by_subj": .string(subjects.rooms),
        ]
        ask(subjects.request("STREAM.MSG.GET"), text, .next(request: request))
    }

    mutating func write(_ key: StoreKey, _ bytes: [UInt8], from base: Revision, request: UInt64) {
        let write = BusRequests.Write(
            key: key, bytes: bytes, base: base, request: request,
            former: seen?.revision ?? .absent, since: BusClock.milliseconds())
        // Beside the bytes there are headers.
        if fitting(bytes.count + 128) == nil { refuse(.write(write)) } else { send(write) }
    }

    private mutating func send(_ write: BusRequests.Write) {
        guard let line else { return refuse(.write(write)) }
        let number = requests.add(.write(write), at: write.since)
        need(
            line.publish(
                write.bytes, to: subjects.subject(write.key), ifLastIs: write.base.raw,
                reply: "\(line.inbox).a.\(number)"))
    }

    /// Sends once more what was refused too early.
    mutating func sendAgain(_ now: Int64) {
        let due = early.filter { $0.at <= now }
        guard !due.isEmpty else { return }
        early.removeAll { $0.at <= now }
        for (_, write) in due { send(write) }
    }

    mutating func purge(_ key: StoreKey, upTo revision: Revision) {
        let text: JSONValue = [
            "filter": .string(subjects.subject(key)),
            // The first that is kept; of a revision that somebody made up there is no next one.
            "seq": .number(JSONNumber(Int64(clamping: revision.raw &+ 1))),
        ]
        ask(subjects.request("STREAM.PURGE"), text, .purge)
    }

    mutating func listen(as incarnation: Incarnation) {
        self.incarnation = incarnation
        need(listenOnLine(as: incarnation))
    }

    mutating func send(_ frame: [UInt8], to incarnation: Incarnation) {
        need(fitting(frame.count)?.publish(frame, to: subjects.frames(to: incarnation)))
    }

    mutating func heartbeat(_ bytes: [UInt8]) {
        need(fitting(bytes.count)?.publish(bytes, to: subjects.heartbeats))
    }

    // MARK: Asking

    /// The connection, if there is one and its server takes so many bytes in a message.
    private func fitting(_ count: Int) -> NATSLine? {
        guard let line = spoken else { return nil }
        guard count <= line.payloadMax else {
            standing.notify(.tooLong(bytes: count))
            return nil
        }
        return line
    }

    private mutating func refuse(_ asked: BusRequests.Asked) {
        if let event = asked.unanswered() { later.append(event) }
    }

    private mutating func ask(_ subject: String, _ text: JSONValue?, _ asked: BusRequests.Asked) {
        guard let line else { return refuse(asked) }
        let number = requests.add(asked, at: BusClock.milliseconds())
        need(
            line.publish(
                text?.serialized() ?? [], to: subject, reply: "\(line.inbox).a.\(number)"))
    }

    /// Whether the bucket is still the same.
    mutating func look() {
        lookedAt = BusClock.milliseconds()
        guard !requests.isLooking else { return }
        ask(subjects.request("STREAM.INFO"), nil, .look)
    }

    mutating func restartWatch() {
        guard let line else { return }
        let (text, name) = watch.restart(subjects, to: line.inbox, at: BusClock.milliseconds())
        need(line.subscribe("\(line.inbox).w.\(name)", for: .watch))
        guard let text = try? JSONValue.parse(text) else { return }
        ask(subjects.request("CONSUMER.CREATE") + ".\(name)", text, .watch)
    }

    // MARK: Answers

    /// `bytes` are nil where nobody listens to what was asked.
    mutating func answered(_ bytes: [UInt8]?, _ number: UInt64) {
        guard let asked = requests.take(number) else { return }
        guard let bytes else {
            silentSince = silentSince ?? BusClock.milliseconds()
            if let event = asked.unanswered() { events.append(event) }
            // Nobody takes what is written: the stream may be gone.
            if case .write = asked { look() }
            return
        }
        switch asked {
        case .write(let write): written(bytes, write)
        case .read(let key, let request):
            let subject = ByteText(subjects.subject(key))
            let (answer, mark) = JetStreamAnswer.read(bytes, subject: subject)
            if case .found(_, let revision) = answer { see(revision) }
            told(answer, request)
            // Somebody's own tool has deleted it, and left a mark: no write from absent would ever
            // be taken.
            if let mark { purge(key, upTo: mark) }
        case .next(let request): told(next(bytes), request)
        case .look: looked(bytes)
        case .watch: watching(bytes)
        case .purge: break
        }
    }

    private mutating func next(_ bytes: [UInt8]) -> StoreAnswer {
        let found: (subject: ByteText, bytes: [UInt8], revision: Revision)
        switch JetStreamAnswer.message(bytes) {
        case .none: return .found(nil, .absent)
        case .unreadable: return .unreadable
        case .some(let subject, let bytes, let revision): found = (subject, bytes, revision)
        case .mark(let subject, let revision):
            if let key = subjects.key(subject) { purge(key, upTo: revision) }
            return .next(nil, [], revision)
        }
        see(found.revision)
        guard case .room(let room)? = subjects.key(found.subject) else {
            return .next(nil, [], found.revision)
        }
        return .next(room, found.bytes, found.revision)
    }

    private mutating func written(_ bytes: [UInt8], _ write: BusRequests.Write) {
        let answer = JetStreamAnswer.written(bytes, stream: subjects.stream)
        if case .accepted(let revision) = answer {
            guard revision > write.former else {
                // The bucket has lost what came between: as the next connection will find.
                events.append(.answer(.unknown, request: write.request))
                return lose(.bucketGone)
            }
            see(revision)
        } else if answer == .conflict, JetStreamAnswer.isTooEarly(bytes) {
            var write = write
            guard let at = write.next(BusClock.milliseconds()) else {
                return told(.unknown, write.request)
            }
            write.refusals += 1
            return early.append((at, write))
        } else if answer == .unknown {
            noteRefusal(bytes)
        }
        told(answer, write.request)
    }

    /// Where it says why nothing was stored.
    private func noteRefusal(_ bytes: [UInt8]) {
        // That the stream is gone is found by whoever looks.
        guard case .failure(let refusal) = JetStreamAnswer.object(bytes),
            refusal.code != JetStreamAnswer.Code.noStream
        else { return }
        standing.refused(refusal, at: BusClock.milliseconds())
    }

    private mutating func told(_ answer: StoreAnswer, _ request: UInt64) {
        if answer != .unknown, answer != .unreadable { silentSince = nil }
        events.append(.answer(answer, request: request))
    }

    private mutating func looked(_ bytes: [UInt8]) {
        switch JetStreamAnswer.object(bytes) {
        case .success(let info):
            standing.looked(info, after: BusClock.milliseconds() - lookedAt)
            if let found = Bucket.epoch(info), found != seen?.epoch { lose(.bucketGone) }
        case .failure(let refusal):
            if refusal.code == JetStreamAnswer.Code.noStream { lose(.bucketGone) }
        case nil: break
        }
    }

    private mutating func watching(_ bytes: [UInt8]) {
        // Whatever keeps it from being made, it is asked for again when it has been silent.
        noteRefusal(bytes)
        guard case .success(let info) = JetStreamAnswer.object(bytes),
            let pending = info["num_pending"]?.int64,
            let name = info["name"]?.string, UInt64(hex: name) == watch.id
        else { return }
        if watch.began(pending: pending, at: BusClock.milliseconds()) {
            events.append(.watchedAll)
        }
    }
}
