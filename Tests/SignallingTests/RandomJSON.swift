import Bytes
import StrictJSON

/// SplitMix64: the same seed gives the same run on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

enum RandomJSON {
    private static let names = ["a", "b", "connectionId", "offererId", "ice", "\"\\", "é", "name"]

    static func object(using random: inout SeededGenerator) -> JSONValue {
        var object = JSONObject()
        for name in names.shuffled(using: &random).prefix(Int.random(in: 0...6, using: &random)) {
            object[ByteText(name)] = value(depth: 0, using: &random)
        }
        return .object(object)
    }

    private static func value(depth: Int, using random: inout SeededGenerator) -> JSONValue {
        switch Int.random(in: 0..<(depth < 3 ? 7 : 5), using: &random) {
        case 0: .null
        case 1: .bool(.random(using: &random))
        case 2: .number(JSONNumber(Int64.random(in: -9...9, using: &random)))
        case 3: .string("\u{1F600}\n\u{0}\"")
        case 4: .string("connectionId")
        case 5:
            .array(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    value(depth: depth + 1, using: &random)
                })
        default: .object(["connectionId": value(depth: depth + 1, using: &random), "type": 1])
        }
    }
}
