import Admission
import AdmissionSupport
import Bytes
import Locking
import Relay
import Signalling
import WebSocket

/// How a run is set up.
struct ModelSetting: Sendable {
    var loops = 3
    var actors = 8
    var roomsMax = 2
    var membersMax = 3
    var keptMax = 256
    var graceSeconds = 3
    /// Connections of one subject, those who are away included; 0 means no limit.
    var subjectMax = 0
}

/// A user of the relay: what it remembers between connections, and what it has read.
final class ModelActor {
    struct Memory {
        let party: ModelParty
        var secret: String
        var seq: Int
    }

    let number: Int
    let isV1: Bool
    let client: String
    let subject: String?
    var wire: ModelWire?
    /// The session it speaks for, and what it has read of it.
    var memory: Memory?
    /// Its connection's own session, while a resume is not answered.
    var fresh: Memory?
    var isResuming = false
    var spentSecret = "AAAAAAAAAAAAAAAAAAAAAA"

    init(_ number: Int) {
        self.number = number
        isV1 = number % 4 != 2
        client = number == 7 ? "b" : "a"
        subject = [0, 1, 4].contains(number) ? "ann" : number == 3 ? "bob" : nil
    }
}

/// A real `Relay` and the reference, taken through the same steps.
final class ModelTrial {
    let hub: Hub
    let setting: ModelSetting
    var rooms: ModelRooms
    let actors: [ModelActor]
    /// Connections whose client is gone, and the server may not know.
    var orphans: [ModelWire] = []
    var parties: [ModelParty] = []
    /// All there have been.
    var wires: [ModelWire] = []
    var revoked: Set<String> = []
    /// How often what came about, so that a test can tell that sequences reach it.
    var tally: [String: Int] = [:]
    private var number = 0
    /// What was found wrong in the midst of a step.
    var mismatch: (any Error)?

    init(_ setting: ModelSetting) {
        self.setting = setting
        var configuration = RelayConfiguration(
            roomsPerConnectionMax: setting.roomsMax, membersPerRoomMax: setting.membersMax)
        configuration.resumeGraceSeconds = setting.graceSeconds
        configuration.historyEventsMax = setting.keptMax
        configuration.historyBytesMax = 0
        configuration.pingIntervalSeconds = 0
        configuration.firstMessageSeconds = 0
        hub = Hub(
            configuration,
            limits: AdmissionConfiguration(connectionsPerSubjectMax: setting.subjectMax),
            loops: setting.loops, isMoving: true)
        rooms = ModelRooms(
            roomsMax: setting.roomsMax, membersMax: setting.membersMax, keptMax: setting.keptMax,
            graceSeconds: Int64(setting.graceSeconds))
        actors = (0..<setting.actors).map(ModelActor.init)
        hub.net.isHeld = true
        hub.net.watch = { [unowned self] call, loop, asked in
            guard mismatch == nil else { return }
            do { try follow(call, loop, asked) } catch { mismatch = error }
        }
    }

    var now: Int64 { hub.loops[0].seconds }
    func actor(_ number: Int) -> ModelActor { actors[number % actors.count] }

    /// Takes all steps, then lets everything come to rest.
    func run(_ steps: [ModelStep]) throws {
        for step in steps {
            try take(step)
            try check()
        }
        try settle()
        try checkNothingIsMissing()
        for actor in actors where actor.wire != nil { close(actor, forGood: true) }
        try settle()
        tick(seconds: setting.graceSeconds + 1)
        try settle()
        let left = (
            hub.service.roomCount, hub.admission.ledger.total, hub.service.sessionCount
        )
        guard left == (0, 0, 0) else {
            throw Mismatch("when all are gone, rooms, connections and sessions are \(left)")
        }
    }

    private func take(_ step: ModelStep) throws {
        switch step {
        case .connect(let number, let loop):
            _ = try connect(actor(number), loop, rights: .all)
        case .resume(let number, let loop, let forgets, let rights):
            try resume(actor(number), loop, forgets, rights)
        case .say(let number, let saying, let isHeard):
            try say(actor(number), saying)
            if isHeard, let wire = actor(number).wire { hearAll(wire) }
        case .hear(let number):
            if let wire = actor(number).wire { hear(wire) }
        case .hearOrphan(let number):
            if !orphans.isEmpty { hear(orphans[number % orphans.count]) }
        case .read(let number, let count): try read(actor(number), count)
        case .drop(let number): drop(actor(number))
        case .close(let number, let forGood): close(actor(number), forGood: forGood)
        case .noticeEnd(let number):
            if !orphans.isEmpty { noticeEnd(of: orphans[number % orphans.count]) }
        case .collect(let loop, let count): hub.loops[loop % setting.loops].collect(count)
        case .endTurn(let loop): hub.loops[loop % setting.loops].endTurn()
        case .tick(let seconds): tick(seconds: seconds)
        case .kick(let number):
            guard let party = partyOf(actor(number)) else { return }
            let bytes = Array(party.connection.utf8)
            guard let connection = ConnectionID(bytes.span, bytes.indices) else { return }
            for loop in hub.loops { loop.mailbox.post([.note(.kick(connection))]) }
        case .revoke(let number):
            guard let party = partyOf(actor(number)) else { return }
            hub.world.revoke(party.token.id)
            revoked.insert(party.token.id)
            for loop in hub.loops { loop.mailbox.post([.note(.rightsChanged)]) }
        case .restart: try restart()
        }
    }

    private func partyOf(_ actor: ModelActor) -> ModelParty? {
        actor.wire?.party ?? actor.memory?.party
    }

    // MARK: What clients do

    private func token(
        _ actor: ModelActor, _ rights: ModelStep.Rights
    ) throws -> (text: String, rights: ModelToken) {
        let rooms = rights == .few ? ["r0", "r1"] : ["r0", "r1", "r2", "r3"]
        let id = "jti\(hub.world.state.withLock { $0.tokens.count })"
        let client = rights == .otherClient ? (actor.client == "a" ? "b" : "a") : actor.client
        let subject = rights == .otherSubject ? "eve" : actor.subject
        let text = try hub.world.token(client: client, subject: subject, rooms: rooms)
        return (
            text, .init(id: id, client: client, subject: subject, granted: Set(rooms))
        )
    }

    private func connect(
        _ actor: ModelActor, _ loop: Int, rights: ModelStep.Rights
    ) throws -> ModelWire? {
        guard actor.wire == nil else { return nil }
        let token = try token(actor, rights)
        let admission = hub.admission(token: token.text, isV1: actor.isV1)
        let isFull = isFull(for: token.rights)
        guard (admission == nil) == isFull else {
            throw Mismatch("a connection is refused, or is not, with \(isFull) for full")
        }
        guard let admission else {
            tally["refused", default: 0] += 1
            return nil
        }
        let wire = ModelWire()
        wires.append(wire)
        hub.open(wire, admission, loop: loop % setting.loops)
        guard wire.secret.isEmpty != actor.isV1 else {
            throw Mismatch("a v1 connection is not welcomed, or a classic one is")
        }
        let party = ModelParty(
            connection: wire.connection, isV1: actor.isV1, token: token.rights, on: wire)
        party.secret = wire.secret
        parties.append(party)
        wire.party = party
        actor.wire = wire
        if !actor.isV1 { takePlace(wire) }
        actor.fresh = .init(party: party, secret: party.secret, seq: 0)
        actor.isResuming = false
        if rights == .all || !actor.isV1 { actor.memory = actor.fresh }
        return wire
    }

    private func resume(
        _ actor: ModelActor, _ loop: Int, _ forgets: Int, _ rights: ModelStep.Rights
    ) throws {
        let memory = actor.memory
        guard actor.isV1, let memory, let wire = try connect(actor, loop, rights: rights) else {
            return
        }
        actor.memory = memory
        actor.isResuming = true
        // Of the greatest forgetfulness is who shows a secret that it has used before.
        let secret = forgets == 5 ? actor.spentSecret : memory.secret
        let resume = ModelResume(
            party: secret == memory.secret ? memory.party : nil, secret: secret,
            seq: max(0, memory.seq - forgets))
        actor.memory?.seq = resume.seq
        wire.resumedAfter = resume.seq
        number += 1
        let text =
            #"{"action":"resume","session":"\#(secret)","seq":\#(resume.seq),"ack":\#(number)}"#
        wire.toServer.append(.init(content: .resume(resume), number: number, text: text))
    }

    private func say(_ actor: ModelActor, _ saying: ModelStep.Saying) throws {
        guard let wire = actor.wire else { return }
        number += 1
        let message: (content: ModelMessage.Content, members: String)
        switch saying {
        case .join(let room, let id):
            let peerID = id < 5 ? "p\(id % 2)" : "u\(actor.number)"
            message = (
                .join(room: "r\(room)", peerID: peerID),
                #""join-room","roomId":"r\#(room)","name":"N\#(peerID)","id":"\#(peerID)""#
            )
        case .send(let to):
            guard let target = partyOf(self.actor(to))?.connection else { return }
            message = (
                .send(to: target),
                #""send-payload","target":"\#(target)","payload":{"type":"p","n":\#(number)}"#
            )
        case _ where !actor.isV1: return
        case .leave(let room):
            message = (.leave(room: "r\(room)"), #""leave-room","roomId":"r\#(room)""#)
        case .broadcast(let room):
            message = (
                .broadcast(room: "r\(room)"),
                #""broadcast","roomId":"r\#(room)","payload":{"type":"p","n":\#(number)}"#
            )
        case .ping: message = (.ping, #""ping""#)
        case .refresh(let rights):
            let token = try token(actor, rights)
            message = (
                .refresh(token.rights), #""refresh-token","token":"\#(token.text)""#
            )
        case .lateResume:
            // It must not be the first, or it would be a resume like any other.
            guard wire.hasSpoken || !wire.toServer.isEmpty else { return }
            message = (.lateResume, #""resume","session":"\#(actor.spentSecret)","seq":0"#)
        }
        let text = #"{"action":\#(message.members),"ack":\#(number)}"#
        wire.toServer.append(.init(content: message.content, number: number, text: text))
    }

    func drop(_ actor: ModelActor) { part(actor, .lost) }

    func close(_ actor: ModelActor, forGood: Bool) {
        part(actor, .peerClosed(code: forGood ? 1000 : 1001))
        if forGood { actor.memory = nil }
    }

    private func part(_ actor: ModelActor, _ end: SocketEnd) {
        guard let wire = actor.wire else { return }
        wire.clientEnd = end
        if !wire.isClosed { orphans.append(wire) }
        actor.wire = nil
    }

    private func read(_ actor: ModelActor, _ count: Int) throws {
        guard let wire = actor.wire else { return }
        for text in wire.take(count) { try read(ModelReceipt(text), actor, wire) }
        if wire.isClosed, wire.unread == 0 { actor.wire = nil }
    }

    private func read(_ receipt: ModelReceipt, _ actor: ModelActor, _ wire: ModelWire) throws {
        guard let seq = receipt.seq else {
            switch receipt.event {
            case .welcome where actor.isV1: return
            case .resumed(let connection, let secret, _) where actor.isResuming:
                guard let memory = actor.memory, memory.party.connection == connection else {
                    throw Mismatch("\(connection) was resumed in place of another")
                }
                actor.spentSecret = memory.secret
                actor.memory?.secret = secret
                return actor.isResuming = false
            default:
                guard !actor.isV1 else { throw Mismatch("unexpected \(receipt.event)") }
                return try wire.party?.check(receipt.event) ?? ()
            }
        }
        if actor.isResuming {  // What comes before `resumed` is said to the connection's own.
            actor.memory = actor.fresh
            actor.isResuming = false
        }
        guard let memory = actor.memory, seq == memory.seq + 1 else {
            throw Mismatch("number \(seq) follows \(actor.memory?.seq ?? -1)")
        }
        actor.memory?.seq = seq
        try memory.party.check(receipt.event, seq: seq)
    }

    // MARK: The end

    /// Everybody says, hears and reads what is on its way.
    private func settle() throws {
        for _ in 0..<1000 {
            var isQuiet = true
            for actor in actors {
                guard let wire = actor.wire, wire.isHeard, !wire.toServer.isEmpty else { continue }
                hearAll(wire)
                isQuiet = false
            }
            for wire in orphans {
                noticeEnd(of: wire)
                isQuiet = false
            }
            // Backwards, since all else goes forwards: no order of the loops is promised.
            for loop in hub.loops.reversed() {
                if loop.mailbox.count > 0 { isQuiet = false }
                loop.collect()
                loop.endTurn()
            }
            if hub.loops.contains(where: { $0.mailbox.count > 0 }) { isQuiet = false }
            for actor in actors {
                if let count = actor.wire?.unread, count > 0 { isQuiet = false }
                try read(actor, .max)
            }
            try check()
            if isQuiet { return }
        }
        throw Mismatch("it never comes to rest")
    }

    private func checkNothingIsMissing() throws {
        for actor in actors {
            guard let wire = actor.wire, wire.closeCode == nil, let party = wire.party else {
                continue
            }
            if party.isV1, party.isAttached(to: wire), party.doom == nil {
                guard let memory = actor.memory, memory.party === party,
                    memory.seq == party.log.count
                else {
                    throw Mismatch(
                        "\(party.connection) read \(actor.memory?.seq ?? -1) of "
                            + "\(party.log.count) events")
                }
            }
            if let (sender, events) = party.expected.first(where: { !$0.value.isEmpty }) {
                throw Mismatch("\(party.connection) misses \(events) from \(sender)")
            }
        }
    }

    /// No call of a handler did what it may not, and the relay's rooms are the model's.
    private func check() throws {
        if let mismatch { throw mismatch }
        if let complaint = hub.net.complaints.first { throw Mismatch(complaint) }
        let real = hub.service.rooms().map { room in
            "\(room.clientID)/\(room.room) "
                + room.members.map { "\($0.connectionID) \($0.peerID)" }.joined(separator: ", ")
        }
        let wanted = rooms.members.map { key, members in
            let room = String(key.drop { $0 != "/" }.dropFirst())
            return "\(key) "
                + members.map { "\($0.connection) \($0.peerID(in: room) ?? "")" }
                .joined(separator: ", ")
        }.sorted()
        guard real.sorted() == wanted else {
            throw Mismatch("the rooms are \(real.sorted()) and should be \(wanted)")
        }
    }
}
