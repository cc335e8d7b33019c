import Bytes
import Glibc
import Tokens

/// `<kid>.<date>.<stage>.pem`: the date is when the key entered the stage, so one rename changes
/// both. Files of older versions bear no date.
struct KeyFileName: Equatable, Sendable {
    let keyID: String
    /// Seconds since the Unix epoch.
    let since: Int64?
    let stage: KeyStage

    init(keyID: String, since: Int64, stage: KeyStage) {
        self.keyID = keyID
        self.since = since
        self.stage = stage
    }

    /// Nil for the name of anything else.
    init?(_ text: String) {
        let parts = text.utf8.split(
            separator: UInt8(ascii: "."), omittingEmptySubsequences: false
        ).map { String(Substring($0)) }
        let names = parts.map { ByteText($0) }
        guard names.count == 3 || names.count == 4, names.last == "pem", !names[0].isEmpty,
            let stage = KeyStage.allCases.first(where: {
                ByteText($0.rawValue) == names[names.count - 2]
            })
        else { return nil }
        keyID = parts[0]
        self.stage = stage
        since = parts.count == 4 ? KeyDate.seconds(parts[1]) : nil
        guard parts.count == 3 || since != nil else { return nil }
    }

    var text: String {
        let date = since.map { ".\(KeyDate.text($0))" } ?? ""
        return "\(keyID)\(date).\(stage.rawValue).pem"
    }
}

/// Dates as they stand in file names: `20260131T120000Z`, always UTC.
enum KeyDate {
    private static let length = "20260131T120000Z".utf8.count

    static func text(_ secondsSinceEpoch: Int64) -> String {
        var seconds = time_t(secondsSinceEpoch)
        var parts = unsafe tm()
        unsafe gmtime_r(&seconds, &parts)
        let numbers = unsafe [
            (parts.tm_year + 1900, 4), (parts.tm_mon + 1, 2), (parts.tm_mday, 2),
            (parts.tm_hour, 2), (parts.tm_min, 2), (parts.tm_sec, 2),
        ]
        let digits = numbers.map { number, width in padded(number, width) }
        return digits[..<3].joined() + "T" + digits[3...].joined() + "Z"
    }

    /// Nil for what is no date, such as a thirteenth month.
    static func seconds(_ text: String) -> Int64? {
        let digits = text.utf8.filter { (0x30...0x39).contains($0) }.map { Int32($0 - 0x30) }
        guard text.utf8.count == length, digits.count == 14 else { return nil }
        func number(_ range: Range<Int>) -> Int32 { digits[range].reduce(0) { $0 * 10 + $1 } }
        var parts = unsafe tm()
        unsafe parts.tm_year = number(0..<4) - 1900
        unsafe parts.tm_mon = number(4..<6) - 1
        unsafe parts.tm_mday = number(6..<8)
        unsafe parts.tm_hour = number(8..<10)
        unsafe parts.tm_min = number(10..<12)
        unsafe parts.tm_sec = number(12..<14)
        let seconds = Int64(unsafe timegm(&parts))
        // Catches misplaced letters, and numbers that timegm carried over.
        return ByteText(self.text(seconds)) == ByteText(text) ? seconds : nil
    }

    private static func padded(_ number: Int32, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
