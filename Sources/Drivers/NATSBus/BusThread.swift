import Bytes
import Cluster
import Cryptography
import Threads

/// What the bus thread holds, and how it turns: it alone sends, and calls the handler.
struct BusThread<Note: Sendable>: ~Copyable {
    static var tickMilliseconds: Int64 { 100 }
    static var lookMilliseconds: Int64 { 2000 }
    /// Without answers of the store for so long, another server is tried.
    static var silenceMillisecondsMax: Int64 { 3000 }
    private static var forbiddenMax: Int { 32 }
    static var lastFlushMillisecondsMax: Int64 { 1000 }

    let configuration: NATSConfiguration
    private(set) var subjects: Subjects
    let mailbox: BusMailbox<Note>
    let standing: BusStanding

    var line: NATSLine?
    /// Where there is no line.
    var carrier: Carrier?
    /// How far the bucket is known to have come; outlives the connection.
    var seen: Bucket.Seen?
    var incarnation: Incarnation?
    var requests = BusRequests()
    var watch = Watch()
    var dials: Dials
    /// To be told to the handler now.
    var events: [BusEvent] = []
    /// With the next tick: what is asked while there is no connection has no haste, and whoever
    /// asks again at once shall not turn in circles.
    var later: [BusEvent] = []
    /// Writes that were refused since another one of their key was on its way.
    var early: [(at: Int64, write: BusRequests.Write)] = []
    /// Since when the store gives no answers.
    var silentSince: Int64?
    var isLeavingServer = false
    /// Since when what waits for the line's socket has not become less.
    var stuckSince: Int64?
    /// What the line's socket had not taken at the end of the turn before.
    private(set) var unwrittenBytes = 0
    var lookedAt: Int64 = 0
    /// All servers that were known at the last connection, and when they are asked what they are:
    /// those that said nothing, and all.
    var servers: [NATSServer] = []
    var askAroundAt: Int64 = 0
    var askAllAt: Int64 = 0
    /// What the servers refused, each told once: by the right that lacks, since each refusal
    /// names another subject, or else in their words.
    private var lacking: Set<Right> = []
    private var forbidden: Set<ByteText> = []
    /// What the connection that is being made may not hear.
    private var deafness: ByteText?

    init(
        _ configuration: NATSConfiguration, _ mailbox: BusMailbox<Note>, _ standing: BusStanding
    ) {
        self.configuration = configuration
        self.mailbox = mailbox
        self.standing = standing
        subjects = Subjects(cluster: configuration.cluster)
        let chance = Int(SecureRandom.uint64() >> 8)
        dials = Dials(configuration.servers, chance: chance)
    }

    /// Until it is told to stop.
    mutating func run<Handler: BusHandler & ~Copyable>(_ handler: inout Handler)
    where Handler.Note == Note {
        var nextTick = BusClock.milliseconds()
        var isStopping = false
        while !isStopping {
            dialIfDue()
            let next = early.reduce(nextTick) { min($0, $1.at) }
            let (hasMail, hasLine) = mailbox.wait(
                millisecondsMax: events.isEmpty ? next - BusClock.milliseconds() : 0,
                beside: spoken)
            if !early.isEmpty { sendAgain(BusClock.milliseconds()) }
            hand(to: &handler)
            if hasLine {
                for arrival in readLine() {
                    take(arrival.what, from: arrival.line)
                    hand(to: &handler)
                }
            }
            let batch = hasMail ? mailbox.collect() : BusMailbox<Note>.Batch()
            isStopping = batch.isStopping
            for (number, arrival) in batch.arrivals {
                take(arrival, from: number)
                hand(to: &handler)
            }
            for note in batch.notes {
                handler.told(note, &self)
                hand(to: &handler)
            }
            let now = BusClock.milliseconds()
            if now >= nextTick || isStopping {
                // Late by more than one tick, those that were missed are not made up for.
                nextTick = max(nextTick + Self.tickMilliseconds, now)
                tick(now)
                hand(to: &handler)
                handler.ticked(&self)
                hand(to: &handler)
            }
            handler.turnEnded(&self)
            writeLine(now)
        }
        finish()
    }

    /// What is said goes over it.
    var spoken: NATSLine? { line ?? carrier?.line }

    private func readLine() -> [(what: Arrival, line: UInt32)] {
        guard let line = spoken else { return [] }
        var arrivals: [(Arrival, UInt32)] = []
        line.read { arrivals.append(($0, line.number)) }
        return arrivals
    }

    private mutating func writeLine(_ now: Int64) {
        guard let spoken else { return }
        let before = spoken.unwrittenBytes
        spoken.write()
        let after = spoken.unwrittenBytes
        unwrittenBytes = after
        guard after > 0, after == before else {
            stuckSince = nil
            return
        }
        let since = stuckSince ?? now
        stuckSince = since
        if now - since > NATSLine.unwrittenMillisecondsMax { need(false) }
    }

    private mutating func hand<Handler: BusHandler & ~Copyable>(to handler: inout Handler)
    where Handler.Note == Note {
        while !events.isEmpty {
            let told = events
            events = []
            for event in told { handler.heard(event, &self) }
        }
    }

    private mutating func finish() {
        line?.flush(millisecondsMax: Self.lastFlushMillisecondsMax)
        line?.close()
        line = nil
        let arrivals = mailbox.close().arrivals
        dropCarrier()
        for case (_, .dialled(let result, let lent, _)) in arrivals {
            if case .success(let other) = result { other.line.close() } else { lent?.close() }
        }
        standing.end()
    }

    // MARK: What comes

    private mutating func take(_ arrival: Arrival, from number: UInt32) {
        switch arrival {
        case .opened(let line, let attempt): return opened(line, attempt)
        case .dialled(let result, let lent, let attempt): return dialled(result, lent, attempt)
        default: break
        }
        if case .forbidden(let text) = arrival {  // While it is made as well.
            // Who hears nobody would take all others for dead.
            if Right.isToHear(text) {
                if let line, line.number == number {
                    lose(.deaf(line.server, text.string))
                } else {
                    deafness = text
                    if carrier?.line.number == number { dropCarrier() }
                }
            }
            return noteForbidden(text)
        }
        if carrier?.line.number == number { return carried(arrival) }
        // Of a connection that is given up, nothing counts any more.
        guard let line, line.number == number else { return }
        switch arrival {
        case .answer(let bytes, let request): answered(bytes, request)
        case .frame(let bytes): events.append(.frame(bytes))
        case .heartbeat(let bytes): events.append(.heartbeat(bytes))
        case .watched(let message):
            let heard = watch.heard(message, subjects, at: BusClock.milliseconds())
            if let event = heard.event {
                if case .watched(_, _, let revision) = event { see(revision) }
                events.append(event)
            }
            if heard.completes { events.append(.watchedAll) }
            if heard.isGap { restartWatch() }
        case .closed: lose(.lost(line.server))
        case .leaving: isLeavingServer = true
        case .opened, .dialled, .forbidden: break
        }
    }

    private mutating func noteForbidden(_ text: ByteText) {
        if let right = subjects.right(refusedBy: text) {
            guard lacking.insert(right).inserted else { return }
            return standing.notify(.forbidden("\(text): \(right)"))
        }
        guard forbidden.count < Self.forbiddenMax, forbidden.insert(text).inserted else { return }
        standing.notify(.forbidden(text.string))
    }

    mutating func see(_ revision: Revision) {
        if let known = seen?.revision, revision > known { seen?.revision = revision }
    }

    private mutating func tick(_ now: Int64) {
        spoken?.giveBack()
        events += later
        later = []
        for asked in requests.takeLate(now) {
            if let event = asked.unanswered() {
                events.append(event)
                silentSince = silentSince ?? now - BusRequests.millisecondsMax
            }
        }
        guard line != nil else { return }
        if watch.isSilent(at: now) { restartWatch() }
        if now - lookedAt >= Self.lookMilliseconds { look() }
        if now >= askAroundAt { askAround(now) }
    }
}

// MARK: Connections

extension BusThread {
    /// Whether another server is to be tried although there is a connection.
    private func wantsAnother(_ now: Int64) -> Bool {
        guard dials.hasChoice else { return false }
        if isLeavingServer { return true }
        return silentSince.map { now - $0 >= Self.silenceMillisecondsMax } ?? false
    }

    private mutating func dialIfDue() {
        let now = BusClock.milliseconds()
        guard line == nil || wantsAnother(now) else { return }
        guard let (server, attempt) = dials.begin(now, avoiding: line?.server) else { return }
        deafness = nil
        let (configuration, mailbox, seen, standing) = (configuration, mailbox, seen, standing)
        let mayLend = line == nil && carrier == nil && seen != nil
        let thread = try? OwnThread(named: "usher-bus-dial") {
            var lent: NATSLine?
            let result: Result<Dialled, NATSFault>
            do throws(NATSFault) {
                let lend: (NATSLine) -> Bool = { line in
                    let isTaken = mailbox.put(.opened(line, attempt: attempt), line: 0)
                    if isTaken { lent = line }
                    return isTaken
                }
                let dialled = try Dialled.dial(
                    server, configuration, seen: seen, mailbox, notify: standing.notify,
                    lend: mayLend ? lend : nil)
                result = .success(dialled)
            } catch {
                result = .failure(error)
            }
            guard !mailbox.put(.dialled(result, lent: lent, attempt: attempt), line: 0) else {
                return
            }
            if case .success(let dialled) = result { dialled.line.close() } else { lent?.close() }
        }
        // Not waited for: the look-up of a name may take for ever.
        if let thread { thread.detach() } else { dialled(.failure(.noThread), nil, attempt) }
    }

    private mutating func opened(_ line: NATSLine, _ attempt: Int) {
        guard self.line == nil, carrier == nil, seen != nil, dials.isUnderWay(attempt) else {
            return
        }
        carry(line)
    }

    private mutating func dialled(
        _ result: Result<Dialled, NATSFault>, _ lent: NATSLine?, _ attempt: Int
    ) {
        let now = BusClock.milliseconds()
        let isAwaited = dials.ended(attempt)
        switch result {
        case .failure(var fault):
            if let lent { giveBack(lent, after: fault) }
            guard isAwaited else { return }
            // No answer, since it can hear none.
            if case .notReady(let server, _, nil) = fault, let deafness {
                fault = .deaf(server, deafness.string)
            }
            dials.failed(at: now, jitter: Int64(SecureRandom.uint64() % 100))
            if line == nil { standing.wait(for: fault, at: now) }
        case .success(let dialled) where dialled.line.isClosed:
            Self.end(dialled.line)
            guard isAwaited else { return }
            dials.failed(at: now, jitter: Int64(SecureRandom.uint64() % 100))
            if line == nil { standing.wait(for: .lost(dialled.line.server), at: now) }
        case .success(let dialled):
            if carrier?.line.number == dialled.line.number { carrier = nil }
            guard isAwaited, line == nil || wantsAnother(now) else {
                return Self.end(dialled.line)
            }
            dials.succeeded(knowing: dialled.others)
            if let line { lose(isLeavingServer ? .leaving(line.server) : .silent(line.server)) }
            adopt(dialled)
        }
    }

    private mutating func adopt(_ dialled: Dialled) {
        line = dialled.line
        subjects = subjects.inBucket(dialled.epoch.nonce)
        if seen?.epoch != dialled.epoch {
            seen = Bucket.Seen(epoch: dialled.epoch, revision: .absent)
        }
        watch = Watch()
        silentSince = nil
        stuckSince = nil
        isLeavingServer = false
        lookedAt = BusClock.milliseconds()
        servers = dialled.servers(beside: configuration.servers)
        (askAroundAt, askAllAt) = (lookedAt, lookedAt)
        for what in dialled.differences { standing.notify(.bucketDiffers(what)) }
        events.append(.connected(dialled.epoch))
        need(dialled.line.subscribe(dialled.line.inbox + ".a.*", for: .answers))
        need(line?.subscribe(subjects.heartbeats, for: .heartbeats))
        if let incarnation { need(listenOnLine(as: incarnation)) }
        restartWatch()
        dropCarrier()
        if line != nil { standing.connected(dialled, servers) }
    }

    func listenOnLine(as incarnation: Incarnation) -> Bool? {
        spoken?.subscribe(subjects.frames(to: incarnation), for: .frames)
    }

    /// What libnats can't do on a connection, the connection is given up for: a part of it may be
    /// on the wire.
    mutating func need(_ isDone: Bool?) {
        guard isDone == false else { return }
        if let line { lose(.lost(line.server)) } else { dropCarrier() }
    }

    mutating func lose(_ fault: NATSFault) {
        guard let former = line else { return }
        line = nil
        standing.lost()
        standing.notify(.disconnected(fault))
        events.append(.disconnected)
        events += requests.takeAll().compactMap { $0.unanswered() }
        events += early.map { .answer(.unknown, request: $0.write.request) }
        early = []
        Self.end(former)
    }

    /// On a thread of its own: libnats waits for its threads, and for a server that reads nothing.
    static func end(_ line: NATSLine) {
        guard let thread = try? OwnThread(named: "usher-bus-end", { line.close() }) else {
            return line.close()
        }
        thread.detach()
    }
}
