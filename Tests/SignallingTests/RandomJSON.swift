import Bytes
import StrictJSON
import TestSupport

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
