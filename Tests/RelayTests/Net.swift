import Dispatch
import Locking
import Relay
import Synchronization
import Testing
import WebSocket

/// The loops of one thread, and the clients at the other ends of their sockets.
final class Net {
    /// Of all loops there are, on whatever thread.
    let mailboxes: [Mailbox]
    private(set) var loops: [Loop] = []
    /// Those who are on their way to another loop stand under the socket they had.
    var clients: [SocketID: Client] = [:]
    /// What the handlers asked for, where somebody wants to know.
    var asked: [LoopAction]?
    func note(_ actions: [LoopAction]) {
        asked? += actions.filter { action in
            switch action {
            // How a node of a cluster waits is nothing that clients hear of.
            case .hold, .release: false
            default: true
            }
        }
    }

    /// Hears of each call of a handler, when what it asked for is carried out.
    var watch: ((LoopCall, Loop, [LoopAction]) -> Void)?
    /// Runs all nodes of a cluster, where this is one.
    var cluster: (() -> Void)?
    /// What a client was sent that no server may send.
    var complaints: [String] = []
    /// Turns don't end and mail waits, until whoever holds the net says so.
    var isHeld = true
    /// A connection goes to the loop of the first room it joins.
    private let isMoving: Bool
    private var homes: [Int: Int] = [:]

    init(_ mailboxes: [Mailbox], isMoving: Bool = false) {
        self.mailboxes = mailboxes
        self.isMoving = isMoving
    }

    /// Begins anew, with the handlers of this service.
    func start(_ service: Relay, loops indices: Range<Int>, seconds: Int64 = 0) {
        loops = indices.map { index in
            Loop(service, index, self, home: isMoving ? { [unowned self] in home($0) } : nil)
        }
        for loop in loops { loop.advance(seconds: seconds) }
    }

    /// Hashes differ from process to process; the order in which rooms come up does not.
    private func home(_ affinity: Int) -> Int {
        if let home = homes[affinity] { return home }
        let home = homes.count % mailboxes.count
        homes[affinity] = home
        return home
    }

    /// Who has this socket now.
    func client(_ socket: SocketID) -> Client? {
        guard let client = clients[socket], client.isOpen, client.socket == socket else {
            return nil
        }
        return client
    }

    /// Lets everything that is on its way arrive, until nothing is left.
    func run() {
        while !isQuiet { turn() }
        #expect(complaints == [])
    }

    var isQuiet: Bool { loops.allSatisfy(\.isQuiet) }

    /// One of each loop.
    func turn() {
        for loop in loops {
            loop.collect()
            loop.endTurn()
        }
    }

    /// What follows by itself, unless the net is held; with the other nodes of a cluster.
    func settle() { if !isHeld { (cluster ?? run)() } }
}

/// Runs `body` with loops on threads of their own, all at the same time.
func race(
    _ service: Relay, loops count: Int, _ mailboxes: [Mailbox]? = nil,
    _ body: @escaping @Sendable (Loop) throws -> Void
) {
    let failures = Lock<[String]>([])
    let waiting = Atomic(count)
    let mailboxes = mailboxes ?? (0..<count).map { _ in Mailbox() }
    DispatchQueue.concurrentPerform(iterations: count) { index in
        let net = Net(mailboxes)
        net.start(service, loops: index..<(index + 1))
        waiting.subtract(1, ordering: .relaxed)
        // Not for ever: a machine may run fewer threads at once than there are loops.
        for _ in 0..<100_000 where waiting.load(ordering: .relaxed) > 0 {}
        do { try body(net.loops[0]) } catch { net.complaints.append("\(error)") }
        let complaints = net.complaints
        failures.withLock { $0 += complaints }
    }
    #expect(failures.withLock { $0 } == [])
}
