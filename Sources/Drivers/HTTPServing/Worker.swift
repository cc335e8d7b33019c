import CEpoll
import CMicrohttpd
import Glibc
import HTTPMessages
import Locking
import Synchronization

/// One thread of a server: it accepts connections and runs libmicrohttpd for those it has.
///
/// The listener, libmicrohttpd's epoll set and every connection lie in an epoll set of ours. From
/// a connection it hears that bytes came and that its peer has ended, which libmicrohttpd misses
/// where both come at once.
///
/// `@unchecked Sendable`: what is not constant, atomic or locked is touched by the thread alone,
/// which libmicrohttpd's callbacks run on too.
@safe final class Worker: @unchecked Sendable {
    let core: ServerCore
    /// Connections that it has, or is about to get.
    let load = Atomic(0)
    private let listener: Int32
    private let poll: Int32
    private let alarm: Int32
    let mailbox = Lock(WorkerMail())
    private let events: UnsafeMutablePointer<epoll_event>

    private var thread: pthread_t?
    private var visits: [Visit] = []
    /// Those that began in this turn.
    private var fresh: [Visit] = []
    /// Connections whose peer has ended.
    private var ended: [Visit] = []
    /// The connection that is being given to libmicrohttpd.
    private var arriving: Visit?
    /// Requests whose answers are made elsewhere.
    var waiting: [ObjectIdentifier: WaitingRequest] = [:]
    /// Whether libmicrohttpd has something to do that no descriptor tells of.
    private var mustRunAgain = false
    private var isListening = false
    /// When it listens again, on the clock of `Clock`.
    private var listensAgainAt: Int64 = 0
    private(set) var now = Clock.milliseconds
    private var lastSweep = Clock.milliseconds

    /// What an event is about where it is no connection; a connection's is its address.
    private enum Key {
        static let listener: UInt64 = 0
        static let daemon: UInt64 = 1
        static let alarm: UInt64 = 2
    }

    private static let eventsMax = 256
    private static let acceptedPerTurnMax = 32
    private static let sweepMilliseconds: Int64 = 1000
    /// How long those who come wait in the kernel's queue before the next try.
    private static let pauseMilliseconds: Int64 = 50
    /// How many connections more than another worker one has before that one gets the next.
    private static let unevenMax = 8
    /// How often libmicrohttpd runs before a connection whose peer has ended is looked at.
    private static let looksMin = 4
    /// How long one may then keep bytes unread: over TLS the last of them may never be read.
    private static let unreadMillisecondsMax: Int64 = 100

    /// nil where the system has no descriptors left. Does not own `listener`.
    init?(_ core: ServerCore, listener: Int32) {
        self.core = core
        self.listener = listener
        poll = epoll_create1(Int32(EPOLL_CLOEXEC))
        alarm = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        unsafe events = .allocate(capacity: Self.eventsMax)
        guard poll >= 0, alarm >= 0, watch(alarm, EPOLLIN.rawValue, Key.alarm) else { return nil }
    }

    deinit {
        unsafe events.deallocate()
        if poll >= 0 { close(poll) }
        if alarm >= 0 { close(alarm) }
    }

    // MARK: From any thread

    /// Makes the thread look at what libmicrohttpd was told: without threads of its own it wakes
    /// nobody.
    func wake() { _ = eventfd_write(alarm, 1) }

    /// Lets the thread close every connection and end.
    func end() {
        mailbox.withLock { $0.mustEnd = true }
        wake()
    }

    /// Has the thread tell libmicrohttpd that an upgraded connection is over. When it ends it frees
    /// all.
    func release(_ handle: UpgradeHandle) {
        mailbox.withLock { mailbox in
            if !mailbox.mustEnd { mailbox.released.append(handle) }
        }
        wake()
    }

    private func take(_ arrival: WorkerMail.Arrival) {
        load.add(1, ordering: .relaxed)
        let isTaken = mailbox.withLock { mailbox in
            if !mailbox.mustEnd { mailbox.arrivals.append(arrival) }
            return !mailbox.mustEnd
        }
        if isTaken { wake() } else { turnAway(arrival) }
    }

    private func turnAway(_ arrival: WorkerMail.Arrival) {
        load.subtract(1, ordering: .relaxed)
        core.ledger.leave(arrival.visit)
        close(arrival.visit.descriptor)
    }

    // MARK: The thread

    /// Runs until `end`; owns the daemon from here on.
    func run(_ daemon: Daemon, among workers: [Worker]) {
        thread = pthread_self()
        _ = watch(daemon.poll, EPOLLIN.rawValue, Key.daemon)
        listen()
        while !mailbox.withLock({ $0.mustEnd }) { turn(daemon, workers) }
        if isListening { forget(listener) }
        // It must not stop with connections that are suspended.
        waitForAnswers()
        daemon.run()
        daemon.stop()
        let late = mailbox.withLock { mailbox in
            defer { mailbox.arrivals = [] }
            return mailbox.arrivals
        }
        for arrival in late { turnAway(arrival) }
    }

    private func turn(_ daemon: Daemon, _ workers: [Worker]) {
        let count = unsafe epoll_wait(poll, events, Int32(Self.eventsMax), wait(for: daemon))
        precondition(count >= 0 || errno == EINTR, "the worker's own epoll descriptor is broken")
        now = Clock.milliseconds
        var (hasNewcomers, hasMail) = (false, false)
        for position in 0..<Int(max(count, 0)) {
            let (key, what) = unsafe (events[position].data.u64, events[position].events)
            switch key {
            case Key.listener: hasNewcomers = true
            case Key.daemon: break  // Which is run anyway.
            case Key.alarm: hasMail = true
            default: react(key, to: what)
            }
        }
        // Only now, since it may free connections that events are about.
        if hasMail { collectMail(daemon) }
        if hasNewcomers { acceptNewcomers(daemon, workers) }
        repeat {
            mustRunAgain = false
            daemon.run()
        } while mustRunAgain
        // It may have marked an upgraded connection, to be closed the next time it runs.
        if core.configuration.tls != nil { daemon.run() }
        if !fresh.isEmpty { watchFresh() }
        if !ended.isEmpty { ended.removeAll { !tend($0) } }
        if !isListening, now >= listensAgainAt { listen() }
        if now >= lastSweep + Self.sweepMilliseconds { sweep() }
    }

    private func wait(for daemon: Daemon) -> Int32 {
        var next = lastSweep + Self.sweepMilliseconds
        if !isListening { next = min(next, listensAgainAt) }
        if !ended.isEmpty {
            let isSoon = ended.contains { $0.lastLook.count < Self.looksMin }
            next = min(next, isSoon ? now : now + Self.unreadMillisecondsMax / 10)
        }
        return Int32(clamping: min(max(0, next - now), daemon.timeout))
    }

    private func collectMail(_ daemon: Daemon) {
        var count: eventfd_t = 0
        _ = unsafe eventfd_read(alarm, &count)
        let (arrivals, released) = mailbox.withLock { mailbox in
            defer {
                mailbox.arrivals.removeAll()
                mailbox.released.removeAll()
            }
            return (mailbox.arrivals, mailbox.released)
        }
        for handle in released { handle.release() }
        resumeAnswered()
        for arrival in arrivals { give(arrival, to: daemon) }
    }

    private func sweep() {
        lastSweep = now
        let (limit, seconds) = (core.configuration.requestSecondsMax, Int(now / 1000))
        guard limit > 0 else { return }
        for visit in visits where visit.isOverdue(at: seconds, requestSecondsMax: limit) {
            shutdown(visit.descriptor, Int32(SHUT_RDWR))
        }
    }

    // MARK: Accepting

    private func listen() {
        isListening = watch(
            listener, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue, Key.listener)
        if !isListening { listensAgainAt = now + Self.pauseMilliseconds }
    }

    /// Leaves those who come in the kernel's queue for a moment.
    private func pause() {
        if isListening { forget(listener) }
        isListening = false
        listensAgainAt = now + Self.pauseMilliseconds
    }

    private func acceptNewcomers(_ daemon: Daemon, _ workers: [Worker]) {
        for _ in 0..<Self.acceptedPerTurnMax {
            guard core.ledger.mayAccept else { return pause() }
            var name = sockaddr_storage()
            var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let descriptor = unsafe usher_accept(listener, &name, &size)
            guard descriptor >= 0 else {
                let number = errno
                switch number {
                case EAGAIN: return
                case EMFILE, ENFILE, ENOBUFS, ENOMEM:
                    core.noteWant(number, at: now)
                    return pause()
                case EBADF, EFAULT, EINVAL, ENOTSOCK, EOPNOTSUPP: return pause()
                default: continue  // That one is gone again; accept(2) says to go on.
                }
            }
            let address = SocketAddress.address(&name) ?? IPAddress(bits: 0)
            let visit = Visit(
                descriptor: descriptor, group: address.group,
                isExempt: core.configuration.exemptProxies.contains { $0.contains(address) },
                at: Int(now / 1000))
            guard core.ledger.admit(visit) == nil else {
                SocketAddress.reset(descriptor)
                continue
            }
            let arrival = WorkerMail.Arrival(visit: visit, name: name, nameSize: size)
            let worker = idlest(among: workers)
            if worker === self {
                load.add(1, ordering: .relaxed)
                give(arrival, to: daemon)
            } else {
                worker.take(arrival)
            }
        }
    }

    /// This one, unless another has clearly less to do: the kernel wakes the same thread again and
    /// again.
    private func idlest(among workers: [Worker]) -> Worker {
        var (best, least) = (self, load.load(ordering: .relaxed) - Self.unevenMax)
        for worker in workers {
            let load = worker.load.load(ordering: .relaxed)
            if load < least { (best, least) = (worker, load) }
        }
        return best
    }

    private func give(_ arrival: WorkerMail.Arrival, to daemon: Daemon) {
        var name = arrival.name
        arriving = arrival.visit
        daemon.add(arrival.visit.descriptor, &name, arrival.nameSize)
        guard arriving != nil else { return }
        // It was refused, and closed, before it began.
        arriving = nil
        load.subtract(1, ordering: .relaxed)
        core.ledger.leave(arrival.visit)
    }

    // MARK: What libmicrohttpd tells

    /// The connection that was just given to libmicrohttpd, which has taken it.
    func begin() -> Visit? {
        guard let visit = arriving.take() else { return nil }
        visit.place = visits.count
        visits.append(visit)
        visit.hasBegun.store(true, ordering: .relaxed)
        fresh.append(visit)
        return visit
    }

    /// Watches those that began in this turn and are still here: a handshake that came at once is
    /// through by then.
    private func watchFresh() {
        let what = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        for visit in fresh where !visit.hasLeft {
            let key = unsafe UInt(bitPattern: Unmanaged.passUnretained(visit).toOpaque())
            visit.isWatched = watch(visit.descriptor, what, UInt64(key))
        }
        fresh.removeAll(keepingCapacity: true)
    }

    /// The socket is closed once this has returned, and not before.
    func end(_ visit: Visit) {
        leave(visit)
        visit.isOver = true
        let last = visits.removeLast()
        if last !== visit {
            visits[visit.place] = last
            last.place = visit.place
        }
        load.subtract(1, ordering: .relaxed)
    }

    /// It is no connection of HTTP any more: another thread reads it from now on.
    func leave(_ visit: Visit) {
        guard !visit.hasLeft else { return }
        visit.hasLeft = true
        core.ledger.leave(visit)
        if visit.isWatched { forget(visit.descriptor) }
    }

    func noteAnswer(on visit: Visit) {
        visit.noteAnswer(at: Int(now / 1000))
        if visit.hasEnded { lookAfter(visit) }
    }

    /// Whether it is this thread; to be asked once it runs.
    var isRunningHere: Bool { thread.map { pthread_equal($0, pthread_self()) != 0 } ?? false }

    /// Lets libmicrohttpd run once more before the thread waits.
    func runAgain() { mustRunAgain = true }

    // MARK: Peers that have ended

    private func react(_ key: UInt64, to what: UInt32) {
        guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(key)) else { return }
        let visit = unsafe Unmanaged<Visit>.fromOpaque(pointer).takeUnretainedValue()
        if what & EPOLLIN.rawValue != 0 { visit.noteBytes(at: Int(now / 1000)) }
        guard what & ~EPOLLIN.rawValue != 0, !visit.hasEnded else { return }
        visit.hasEnded = true
        lookAfter(visit)
    }

    private func lookAfter(_ visit: Visit) {
        guard !visit.isLookedAfter else { return }
        visit.isLookedAfter = true
        visit.lastLook = Visit.LastLook()
        ended.append(visit)
    }

    /// Shuts a connection down once nothing is left that could complete its request. Returns
    /// whether it must be looked at again.
    ///
    /// A request that has come whole is answered: who ends behind it may still read.
    private func tend(_ visit: Visit) -> Bool {
        visit.isLookedAfter = isWaitedFor(visit)
        return visit.isLookedAfter
    }

    private func isWaitedFor(_ visit: Visit) -> Bool {
        let isAnswering = visit.isAnswering.load(ordering: .relaxed)
        guard !visit.isOver, !visit.mayStay, !isAnswering else { return false }
        let unread = usher_unread(visit.descriptor)
        if unread != visit.lastLook.unreadBytes {
            visit.lastLook = Visit.LastLook(unreadBytes: unread, count: 0, firstAt: now)
        }
        visit.lastLook.count += 1
        guard visit.lastLook.count > Self.looksMin else { return true }
        guard unread <= 0 || now - visit.lastLook.firstAt >= Self.unreadMillisecondsMax
        else { return true }
        shutdown(visit.descriptor, Int32(SHUT_RDWR))
        return false
    }

    // MARK: epoll

    private func watch(_ descriptor: Int32, _ what: UInt32, _ key: UInt64) -> Bool {
        var event = unsafe epoll_event(events: what, data: epoll_data_t(u64: key))
        return unsafe epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &event) == 0
    }

    private func forget(_ descriptor: Int32) {
        epoll_ctl(poll, EPOLL_CTL_DEL, descriptor, nil)
    }
}
