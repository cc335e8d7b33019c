/// A moment as signatures have it, in UTC: `20261129T081500Z`, and its day, `20261129`.
struct SignatureTime {
    let day: String
    let text: String

    /// - Parameter seconds: Of the years 1970 to 9999; what lies outside is taken for the nearest
    ///   moment within.
    init(secondsSinceEpoch seconds: Int64) {
        let seconds = Int(min(max(seconds, 0), 253_402_300_799))
        let (days, rest) = seconds.quotientAndRemainder(dividingBy: 86_400)
        day = Self.date(daysSinceEpoch: days)
        let time = [rest / 3600, rest / 60 % 60, rest % 60].map { Self.padded($0, 2) }.joined()
        text = "\(day)T\(time)Z"
    }

    /// In years that begin in March, so that a leap day is a year's last, and in whole eras of 400
    /// years.
    private static func date(daysSinceEpoch days: Int) -> String {
        let shifted = days + 719_468
        let (era, dayOfEra) = shifted.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = era * 400 + yearOfEra + (month >= 10 ? 1 : 0)
        return padded(year, 4) + padded(month >= 10 ? month - 9 : month + 3, 2) + padded(day, 2)
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
}
