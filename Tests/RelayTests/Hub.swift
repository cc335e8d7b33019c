import Admission
import AdmissionSupport
import Bytes
import Locking
import Relay
import Signalling
import WebSocket

/// A relay with its admission, its loops and its clients, on one thread.
final class Hub {
    let world: World
    private(set) var admission: Admission
    private(set) var service: Relay
    let net: Net
    private let configuration: RelayConfiguration
    private let limits: AdmissionConfiguration
    private let isV1: Bool
    /// Where it is the one node of a cluster.
    private var fleet: Fleet?

    /// With `isMoving`, a connection goes to the loop of the first room it joins; `isV1` is what
    /// clients speak where a test does not say.
    init(
        _ configuration: RelayConfiguration = RelayConfiguration(),
        limits: AdmissionConfiguration = AdmissionConfiguration(), isV1: Bool = true,
        loops count: Int = 2, isMoving: Bool = false, in world: World = World(),
        line: BusLine? = nil
    ) {
        self.world = world
        let one = line == nil && Home.isCluster ? BusLine() : nil
        let line = line ?? one
        self.isV1 = isV1
        self.configuration = configuration
        self.limits = limits
        (admission, service) = world.services(configuration, limits, line: line)
        net = Net((0..<count).map { _ in Mailbox() }, isMoving: isMoving)
        net.start(service, loops: 0..<count)
        net.isHeld = false
        if let one {
            fleet = Fleet(of: self, configuration, one)
            let seconds = world.state.withLock { $0.milliseconds / 1000 }
            for loop in loops { loop.advance(seconds: seconds) }
        }
    }

    var loops: [Loop] { net.loops }

    /// What the handlers ask of their loops, in order, while `body` runs.
    func asked(_ body: () throws -> Void) rethrows -> [LoopAction] {
        net.asked = []
        defer { net.asked = nil }
        try body()
        return net.asked ?? []
    }

    // MARK: Connections

    func admission(token: String, isV1: Bool? = nil) -> SocketAdmission? {
        let headers = isV1 ?? self.isV1 ? [("Sec-WebSocket-Protocol", "usher.v1")] : []
        return admission.admit(handshake("token=\(token)", headers), fromCookie: false).admission
    }

    func open(_ client: Client, _ admission: SocketAdmission, loop: Int = 0) {
        loops[loop].open(client, admission)
        if client.connection.isEmpty { client.connection = world.lastConnection }
        net.settle()
    }

    /// A client that has read nothing yet.
    func connect(token: String, isV1: Bool? = nil, loop: Int = 0) -> Client {
        guard let admission = admission(token: token, isV1: isV1) else {
            preconditionFailure("a good token was refused")
        }
        let client = Client()
        open(client, admission, loop: loop)
        return client
    }

    /// A client with its `welcome` read, if it gets one.
    func connect(
        client id: String = "a", subject: String? = nil, rooms: [String] = ["*"],
        name: String? = nil, seconds: Int64 = 600, isV1: Bool? = nil, loop: Int = 0
    ) throws -> Client {
        let token = try world.token(
            client: id, subject: subject, rooms: rooms, name: name, seconds: seconds)
        let client = connect(token: token, isV1: isV1, loop: loop)
        _ = client.take()
        return client
    }

    /// Ann, Bob and a classic peer, Carl, in room R, in this order; what came is read.
    func meet(subjects: Bool = true) throws -> (Client, Client, Client) {
        let ann = try connect(subject: subjects ? "ann" : nil)
        let bob = try connect(subject: subjects ? "bob" : nil, loop: 1)
        let carl = try connect(isV1: false)
        ann.join("R", id: "ann")
        bob.join("R", id: "bob")
        carl.join("R", id: "carl")
        _ = (ann.take(), bob.take(), carl.take())
        return (ann, bob, carl)
    }

    // MARK: What happens

    func tell(_ note: RelayNote) {
        for loop in loops { loop.tell(note) }
        net.settle()
    }

    func kick(_ client: Client) {
        let digits = Array(client.connection.utf8)
        guard let connection = ConnectionID(digits.span, digits.indices) else { return }
        tell(.kick(connection))
    }

    /// Lets time pass on all clocks, a tick a second.
    func wait(seconds: Int64) { for _ in 0..<seconds { tick(seconds: 1) } }

    func tick(seconds: Int64) {
        world.state.withLock {
            $0.now += seconds
            $0.milliseconds += 1000 * seconds
        }
        for loop in loops { loop.advance(seconds: seconds) }
        for loop in loops { loop.tick() }
        fleet?.tick()
        net.settle()
    }

    // MARK: Restarts

    /// Ends the process in order, as far as the relay has to do with it.
    ///
    /// - Returns: What it leaves on its shelf.
    func stop() -> Relay.Shelved? {
        admission.stopAdmitting()
        service.prepareStop()
        net.run()
        for loop in loops { loop.closeAll(.restarting) }
        net.run()
        return service.shelved()
    }

    /// Starts the next process, which finds nothing but its shelf.
    @discardableResult
    func start(
        _ change: (inout RelayConfiguration) -> Void = { _ in },
        limits: AdmissionConfiguration? = nil, with shelf: [UInt8]?
    ) throws -> Relay.PutBack? {
        var configuration = configuration
        change(&configuration)
        (admission, service) = world.services(configuration, limits ?? self.limits)
        let result = Lock<Relay.PutBack?>(nil)
        try service.putBack(shelf) { putBack in result.withLock { $0 = putBack } }
        let seconds = world.state.withLock { $0.milliseconds / 1000 }
        net.start(service, loops: loops.indices, seconds: seconds)
        return result.withLock { $0 }
    }

    @discardableResult
    func restart() throws -> Relay.PutBack? { try start(with: stop()?.bytes) }
}

extension Relay {
    /// What is left for the next process, where that is known at once.
    func shelved() -> Shelved? {
        let result = Lock<Shelved?>(nil)
        shelve { shelved in result.withLock { $0 = shelved } }
        return result.withLock { $0 }
    }
}
