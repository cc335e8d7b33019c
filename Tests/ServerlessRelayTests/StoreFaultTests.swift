import Bytes
import Identifiers
import Locking
import ServerlessRelay
import Signalling
import StrictJSON
import Testing

/// One invocation fails at one of its steps, each in turn: it is killed there, or its outcome is
/// unknown. What comes after it repairs what it left.
@Suite struct StoreFaultTests {
    enum Operation: String, CaseIterable {
        case join, replacingJoin, send, broadcast, leave, resume, takeOver, lose, close, drain,
            lapse
    }

    enum Kind: CaseIterable {
        case killed, unavailable, doneUnheard, lostUnheard

        func fault(at step: Int) -> StepFault {
            switch self {
            case .killed: .killed(at: step)
            case .unavailable: .unavailable(at: step)
            case .doneUnheard: .doneUnheard(at: step)
            case .lostUnheard: .lostUnheard(at: step)
            }
        }
    }

    /// `one` and `two` speak v1, `old` classic; `one` does what fails.
    private struct Scene {
        let world: StoreWorld
        let one: Peer
        let two: Peer
        let old: Peer
        /// Whom `one` replaces.
        var older: Peer?
        var later: [Peer] = []
        /// What `one` has for a resume.
        var before: (old: ConnectionID, secret: SessionSecret)?
        var all: [Peer] { [one, two, old] + (older.map { [$0] } ?? []) + later }
    }

    private func scene(_ operation: Operation) throws -> Scene {
        let world = StoreWorld(hasTimers: operation == .lapse)
        let older =
            operation == .replacingJoin ? try Peer(world, "one", subject: "s") : nil
        let one = try Peer(world, "one", subject: "s")
        let two = try Peer(world, "two")
        let old = try Peer(world, "old", .classic)
        let scene = Scene(world: world, one: one, two: two, old: old, older: older)
        for peer in [two, old] { #expect(try peer.join("r") == nil) }
        switch operation {
        case .join: break
        case .replacingJoin: #expect(try older?.join("r") == nil)
        default: #expect(try one.join("r") == nil)
        }
        switch operation {
        case .resume, .lapse:
            try one.drop()
            #expect(try two.send("missed", to: one, ack: 50) == nil)
        case .drain:
            // What waits was left by one that was killed.
            world.steps.begin(.killed(at: 6))
            _ = try? two.send("missed", to: one, ack: 50)
            world.steps.begin(nil)
            world.pass(seconds: 7)
        default: break
        }
        return scene
    }

    private func perform(_ operation: Operation, _ scene: Scene) throws {
        let (one, world) = (scene.one, scene.world)
        switch operation {
        case .join, .replacingJoin: try one.join("r", sdp: "{}", ack: 1)
        case .send: try one.send("said", to: scene.two, ack: 1)
        case .broadcast: try one.broadcast("said", in: "r", ack: 1)
        case .leave: try one.leave("r", ack: 1)
        case .resume, .takeOver: _ = try one.resume(ack: 1)
        case .lose: try one.drop()
        case .close: try one.drop(code: 1000)
        case .drain: try world.store.drain(one.connection, in: world.invocation())
        case .lapse:
            world.pass(seconds: 31)
            try world.store.lapse(one.connection, in: world.invocation())
        }
    }

    /// - Returns: How many steps the operation has.
    private func run(_ operation: Operation, _ fault: StepFault?) throws -> Int {
        var scene = try scene(operation)
        let world = scene.world
        if operation == .resume || operation == .takeOver {
            scene.before = scene.one.state.withLock { ($0.connection, $0.secret) }
        }
        world.steps.begin(fault)
        var hasFailed = false
        do { try perform(operation, scene) } catch { hasFailed = true }
        let count = world.steps.count
        world.steps.begin(nil)
        world.pass(seconds: 7)
        try repair(&scene, operation)
        try check(scene, operation, hasFailed: hasFailed, fault)
        return count
    }

    /// What happens anyway: others join and talk, and time passes.
    private func repair(_ scene: inout Scene, _ operation: Operation) throws {
        let world = scene.world
        func talk(_ text: String) throws {
            let peers = [scene.one, scene.two, scene.old] + (scene.older.map { [$0] } ?? [])
            for (index, sender) in peers.enumerated() {
                try sender.send(text, to: peers[(index + 1) % peers.count])
            }
        }
        try talk("early")
        let third = try Peer(world, "third")
        #expect(try third.join("r") == nil)
        scene.later.append(third)
        try talk("late")
        if let (old, secret) = scene.before {
            scene.one.noteResumed()
            if scene.one.heard("resumed").isEmpty {
                // The client gave up waiting, and tries again.
                let seq = scene.one.lastSeq
                try scene.one.drop()
                _ = try scene.one.reconnect()
                #expect(try scene.one.resume(old, secret, after: seq))
            }
        }
        world.pass(seconds: 31)
        try world.runTimers()
        let fourth = try Peer(world, "fourth")
        #expect(try fourth.join("r") == nil)
        scene.later.append(fourth)
        try third.broadcast("last", in: "r")
        try talk("last")
    }

    // MARK: What must hold

    private func check(
        _ scene: Scene, _ operation: Operation, hasFailed: Bool, _ fault: StepFault?
    ) throws {
        let world = scene.world
        let members = world.members(of: "r")
        let comment = Comment("\(operation) \(String(describing: fault))")
        for peer in scene.all {
            let isIn = members.contains(ByteText(peer.connection.text))
            let session = try world.store.find(peer.connection)
            #expect(isIn == (session?.rooms == ["r"]), comment)
            let chats = peer.chats
            if peer.dialect == .v1 {
                let seqs = peer.heard.compactMap(\.seq)
                #expect(seqs == (0..<Int64(seqs.count)).map { $0 + 1 }, comment)
                try checkRepeats(peer, comment)
                if isIn {
                    #expect(
                        peer.present == members.subtracting([peer.id]),
                        comment)
                }
                #expect(Set(peer.acks).count == peer.acks.count, comment)
            }
            #expect(Set(peer.joiners).count >= peer.joiners.count - 1, comment)
            #expect(chats.filter { $0 == "said" || $0 == "missed" }.count <= 2, comment)
        }
        // A classic one is told of all who came after it and are there.
        let older = Set([scene.two, scene.old].map { ByteText($0.connection.text) })
        #expect(
            Set(scene.old.joiners).isSuperset(of: members.subtracting(older)), comment)
        try checkAcks(scene, operation, members, comment)
        if !hasFailed, case .doneUnheard? = fault { try checkDone(scene, operation, comment) }
        if !hasFailed, case .lostUnheard? = fault { try checkDone(scene, operation, comment) }
        if fault == nil { try checkDone(scene, operation, comment) }
    }

    private func checkRepeats(_ peer: Peer, _ comment: Comment) throws {
        var texts: [Int64: String] = [:]
        for event in peer.all {
            guard let seq = event.seq else { continue }
            #expect(texts[seq].map { $0 == event.text } ?? true, comment)
            texts[seq] = event.text
        }
    }

    /// What was acknowledged was done.
    private func checkAcks(
        _ scene: Scene, _ operation: Operation, _ members: Set<ByteText>, _ comment: Comment
    ) throws {
        let one = ByteText(scene.one.connection.text)
        if scene.two.acks.contains(50), operation != .lapse, operation != .drain {
            // Its receiver may never have come back.
            let isBack = try world(scene).store.find(scene.one.connection)?.gateway != nil
            if isBack { #expect(scene.one.chats.filter { $0 == "missed" }.count == 1, comment) }
        }
        if operation == .drain {
            #expect(scene.one.chats.filter { $0 == "missed" }.count == 1, comment)
            #expect(scene.two.acks == [50], comment)
        }
        guard scene.one.acks.contains(1) else { return }
        switch operation {
        case .join, .replacingJoin: #expect(members.contains(one), comment)
        case .send: #expect(scene.two.chats.filter { $0 == "said" }.count == 1, comment)
        case .broadcast:
            #expect(scene.two.chats.filter { $0 == "said" }.count == 1, comment)
            #expect(scene.old.chats.contains("said"), comment)
        case .leave: #expect(!members.contains(one), comment)
        default: break
        }
    }

    private func world(_ scene: Scene) -> StoreWorld { scene.world }

    /// Nothing is missing where nothing failed that can't be asked again.
    private func checkDone(
        _ scene: Scene, _ operation: Operation, _ comment: Comment
    ) throws {
        switch operation {
        case .join, .send, .broadcast, .leave, .resume, .takeOver, .replacingJoin:
            #expect(scene.one.acks == [1], comment)
        case .lose, .lapse:
            #expect(
                scene.two.heard("someone_left").map(\.data["reason"]?.string) == ["lost"], comment)
        case .close:
            #expect(
                scene.two.heard("someone_left").map(\.data["reason"]?.string) == ["closed"],
                comment)
        case .drain: #expect(scene.one.chats.contains("missed"), comment)
        }
        if operation == .replacingJoin {
            let reasons = scene.two.heard("someone_left").map(\.data["reason"]?.string)
            #expect(reasons == ["replaced"], comment)
        }
    }

    @Test("Whatever step fails, others repair it", arguments: Operation.allCases)
    func everyStep(_ operation: Operation) throws {
        let count = try run(operation, nil)
        #expect(count >= 3)
        for kind in Kind.allCases {
            for step in 1...count { _ = try run(operation, kind.fault(at: step)) }
        }
    }
}
