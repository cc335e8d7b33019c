import Bytes
import Glibc
import StrictJSON
import Testing

/// CPU seconds of this thread.
private func cpuSeconds(_ times: Int, _ work: () -> Void) -> Double {
    func now() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
    let start = now()
    for _ in 0..<times { work() }
    return now() - start
}

/// How many times the CPU of reading `benign` reading `hostile` costs, which is as long.
private func ratio(
    _ hostile: [UInt8], _ benign: [UInt8], _ read: ([UInt8]) -> Void
) -> Double {
    read(hostile)
    read(benign)
    return cpuSeconds(3) { read(hostile) } / max(cpuSeconds(3) { read(benign) }, 1e-6)
}

/// `{"a":1,…}` with these names, as long as the benign texts that it is held against.
private func object(_ names: [String]) -> [UInt8] {
    Array(("{" + names.map { "\"\($0)\":1" }.joined(separator: ",") + "}").utf8)
}

/// An object of two members, the one long and full of line ends as in a session description.
private func benign(count: Int) -> [UInt8] {
    let line = #"a=candidate:842163049 1 udp 1677729535 198.51.100.7 61803 typ srflx\r\n"#
    let lines = String(repeating: line, count: count / line.utf8.count)
    return Array("{\"action\":\"send\",\"payload\":\"\(lines)\"}".utf8)
}

@Suite struct CostTests {
    enum Names: String, CaseIterable {
        case escaped, alike, escapedAlike, short, marks

        /// 250 of them.
        var list: [String] {
            (1000..<1250).map { number in
                switch self {
                case .escaped: String(repeating: "\\u0061", count: 60) + "\(number)"
                case .alike: String(repeating: "a", count: 360) + "\(number)"
                case .escapedAlike: "\\u0061" + String(repeating: "a", count: 360) + "\(number)"
                case .short: "\(number)"
                // U+0301 and U+0323 must be sorted to be compared as `String` does.
                case .marks:
                    String(repeating: "\u{301}", count: 90)
                        + String(repeating: "\u{323}", count: 90) + "\(number)"
                }
            }
        }
    }

    @Test(
        "What names an object has costs the scanner and the parser what their length does",
        arguments: Names.allCases)
    func namesCost(names: Names) {
        let hostile = object(names.list)
        let benign = benign(count: hostile.count)
        let scan = ratio(hostile, benign) { text in
            var scanner = RawScanner()
            try? scanner.scan(text.span)
        }
        let inner = ratio(Array(#"{"payload":"#.utf8) + hostile + [0x7D], benign) { text in
            var scanner = RawScanner()
            try? scanner.scan(text.span)
        }
        let parse = ratio(hostile, benign) { _ = try? JSONValue.parse($0) }
        #expect(scan < 25 && inner < 25 && parse < 25, "\(scan), \(inner), \(parse)")
    }

    @Test("A string is compared in the time of its length, whatever marks it holds")
    func comparing() {
        let marks =
            String(repeating: "\u{301}", count: 8000)
            + String(repeating: "\u{323}", count: 8000)
        let plain = String(repeating: "ab", count: 16000)
        func value(_ text: String) -> [UInt8] { Array("{\"typ\":\"\(text)\"}".utf8) }
        let cost = ratio(value(marks), value(plain)) { text in
            let object = (try? JSONValue.parse(text))?.object
            #expect(object?["typ"] != "viewer" && object?["typ"]?.string != "viewer")
            #expect(object.map { [$0["typ"]].contains("viewer") } == false)
        }
        #expect(cost < 25, "\(cost)")
    }

    @Test("Strings and names are equal where their bytes are (RFC 8259 §8.3)")
    func equality() throws {
        let (composed, decomposed): (JSONValue, JSONValue) = ("\u{e9}", "e\u{301}")
        #expect(composed != decomposed)
        #expect(JSONValue.object(["\u{e9}": 1]) != .object(["e\u{301}": 1]))
        let object: JSONObject = ["\u{e9}": 1, "e\u{301}": 2]
        #expect(object.members.count == 2 && object["e\u{301}"] == 2)
    }
}

@Suite struct DoubledNameTests {
    private func isRefused(_ names: [String]) -> Bool {
        var scanner = RawScanner()
        do throws(JSONError) {
            try scanner.scan(object(names).span)
            return false
        } catch {
            return error.kind == .duplicateName
        }
    }

    @Test("A doubled name is found wherever it stands and however it is written")
    func found() {
        let plain = (0..<40).map { "n\($0)" }
        let long = String(repeating: "n", count: 40)
        for place in [0, 1, 15, 16, 17, 39] {
            for again in [plain[place], "\\u006e\(place)", "\\u006E\(place)"] {
                #expect(isRefused(plain + [again]), "\(again)")
                #expect(isRefused(["\\n"] + plain + [again]), "\(again) behind an escape")
                #expect(isRefused([long] + plain + [again]), "\(again) behind a long name")
            }
            #expect(!isRefused(plain + ["\\u006f\(place)", "m\(place)", "n\(place) "]))
        }
        #expect(isRefused([long, "a", long]) && !isRefused([long, long + "n"]))
        #expect(isRefused([long, "\\u006e" + long.dropFirst()]))
    }

    @Test("Names of one object say nothing of those of another")
    func elsewhere() throws {
        let names = object((0..<20).map { "\\u006e\($0)" })
        let text = String(decoding: names, as: UTF8.self)
        var scanner = RawScanner()
        try scanner.scan(Array("{\"a\":\(text),\"b\":\(text),\"n0\":1}".utf8).span)
        #expect(scanner.members.count == 43)
        // What the last text held counts for nothing in the next.
        try scanner.scan(names.span)
        try scanner.scan(names.span)
        let twice = Array("{\"a\":\(text),\"b\":1,\"\\u0061\":2}".utf8)
        #expect(throws: JSONError.self) { try scanner.scan(twice.span) }
    }
}
