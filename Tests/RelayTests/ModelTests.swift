import Foundation
import Testing

/// Random conversations of many peers over several loops, each step compared with the reference.
///
/// `USHER_MODEL_SEQUENCES` says how many sequences each setting gets, `USHER_MODEL_SEED` where to
/// begin.
@Suite struct ModelTests {
    static let settings: [(name: String, ModelSetting)] = [
        ("three loops", ModelSetting()),
        ("one loop", ModelSetting(loops: 1)),
        ("little kept", ModelSetting(loops: 2, keptMax: 6, graceSeconds: 2)),
        ("few connections", ModelSetting(loops: 2, subjectMax: 2)),
        ("wide rooms", ModelSetting(loops: 4, actors: 12, roomsMax: 4, membersMax: 12)),
    ]

    private static func number(_ name: String) -> Int? {
        ProcessInfo.processInfo.environment[name].flatMap { Int($0) }
    }

    @Test(
        "Whatever peers of both dialects do, nothing is lost, doubled, reordered or leaked",
        arguments: settings)
    func random(_ setting: (name: String, ModelSetting)) {
        let count = UInt64(Self.number("USHER_MODEL_SEQUENCES") ?? 150)
        let first = UInt64(Self.number("USHER_MODEL_SEED") ?? 1)
        for seed in first..<(first + count) {
            let steps = ModelStep.sequence(seed: seed, count: 120)
            guard let mismatch = Self.mismatch(setting.1, steps) else { continue }
            let short = shrunk(steps) { Self.mismatch(setting.1, $0) != nil }
            let least = Self.mismatch(setting.1, short) ?? mismatch
            Issue.record(
                """
                \(setting.name), seed \(seed): \(least)
                \(short.map { "    .\($0)" }.joined(separator: "\n"))
                """)
            return
        }
    }

    @Test("The sequences reach all that may befall a session", arguments: settings)
    func reach(_ setting: (name: String, ModelSetting)) throws {
        var reached: [String: Int] = [:]
        for seed in 1...(200 as UInt64) {
            let trial = ModelTrial(setting.1)
            try trial.run(ModelStep.sequence(seed: seed, count: 120))
            reached.merge(trial.tally, uniquingKeysWith: +)
            reached.merge(trial.rooms.departures, uniquingKeysWith: +)
        }
        var wanted = [
            "join-room", "leave-room", "send-payload", "broadcast", "ping", "refresh-token",
            "resumed", "resume_failed", "bad_request", "invalid_token", "unknown_target",
            "room_forbidden", "peer_id_taken", "restarted", "outlived", "left", "closed", "lost",
            "replaced", "kicked",
        ]
        if setting.1.loops > 1 { wanted.append("moved") }
        if setting.1.roomsMax < 4 { wanted += ["too_many_rooms", "room_full"] }
        if setting.1.subjectMax > 0 { wanted += ["refused", "made_room"] }
        for what in wanted {
            #expect(reached[what, default: 0] >= 5, "\(what) in \(setting.name)")
        }
    }

    @Test("Who was replaced can't take the place back before its socket is closed")
    func replacedStaysReplaced() {
        let steps: [ModelStep] = [
            .connect(actor: 0, loop: 0), .connect(actor: 1, loop: 1),
            .say(actor: 0, .join(room: 1, id: 2), isHeard: true),
            .say(actor: 1, .join(room: 1, id: 2), isHeard: true),
            .say(actor: 0, .join(room: 1, id: 4), isHeard: true),
        ]
        for (_, setting) in Self.settings { #expect(Self.mismatch(setting, steps) == nil) }
    }

    @Test("A session that goes on at another loop is not overtaken by itself there")
    func goesOnElsewhere() {
        let meets: [ModelStep] = [
            .connect(actor: 2, loop: 0), .say(actor: 2, .join(room: 0, id: 9), isHeard: true),
            .connect(actor: 0, loop: 0), .say(actor: 0, .join(room: 0, id: 9), isHeard: true),
            .read(actor: 0, count: 9), .drop(actor: 0),
        ]
        let speaksFromTwoLoops: [ModelStep] = [1, 2].flatMap { loop -> [ModelStep] in
            [
                .resume(actor: 0, loop: loop, forgets: 0, .all), .hear(actor: 0),
                .read(actor: 0, count: 9), .say(actor: 0, .send(to: 2), isHeard: true),
                .drop(actor: 0),
            ]
        }
        // The second loop's turn ends first.
        let arrives: [ModelStep] = [2, 1].flatMap { loop -> [ModelStep] in
            [.endTurn(loop: loop), .collect(loop: 0, count: 9), .read(actor: 2, count: 9)]
        }
        let steps = meets + speaksFromTwoLoops + arrives
        #expect(Self.mismatch(ModelSetting(), steps) == nil)
    }

    private static func mismatch(_ setting: ModelSetting, _ steps: [ModelStep]) -> String? {
        do {
            try ModelTrial(setting).run(steps)
            return nil
        } catch { return "\(error)" }
    }
}
