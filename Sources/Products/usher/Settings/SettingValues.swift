import Bytes
import StrictJSON

/// What was set, and where: flags win over variables, and these over the file.
struct SettingValues: Equatable {
    struct Entry: Equatable {
        var texts: [String]
        var place: String
    }

    private(set) var entries: [Setting: Entry] = [:]

    /// - Parameters:
    ///   - flags: As given on the command line; an absent flag has no entry.
    ///   - environment: All variables; those of `Setting` count, an empty one as absent. A list is
    ///     separated by commas or spaces.
    ///   - file: Path and content of the configuration file, one JSON object.
    /// - Throws: `SettingError` for a file, or a member of it, that cannot be understood.
    init(
        flags: [Setting: [String]], environment: [String: String],
        file: (path: String, content: [UInt8])? = nil
    ) throws(SettingError) {
        if let file { try read(file.content, path: file.path) }
        for setting in Setting.allCases {
            if let text = environment[setting.variable], !text.isEmpty {
                let texts =
                    setting.isList ? text.split { $0 == "," || $0 == " " }.map(String.init) : [text]
                entries[setting] = Entry(texts: texts, place: setting.variable)
            }
            if let texts = flags[setting], !texts.isEmpty {
                entries[setting] = Entry(texts: texts, place: setting.flag)
            }
        }
    }

    private mutating func read(_ content: [UInt8], path: String) throws(SettingError) {
        let content = TextFile.withoutMark(content)
        let object: JSONObject
        do throws(JSONError) {
            guard let value = try JSONValue.parse(content).object else {
                throw JSONError(.notAnObject, at: 0)
            }
            object = value
        } catch {
            throw SettingError(
                place: "--config", value: path,
                expected: "a file with one JSON object (\(Self.text(error, in: content)))")
        }
        for member in object.members {
            let place = "\"\(member.name)\" in \(path)"
            guard let setting = Setting(rawValue: member.name.string) else {
                throw SettingError(
                    place: place, value: Self.shown(member.value),
                    expected: "no such member: a setting bears the name of its flag")
            }
            entries[setting] = Entry(
                texts: try Self.texts(member.value, of: setting, place: place), place: place)
        }
    }

    private static func texts(
        _ value: JSONValue, of setting: Setting, place: String
    ) throws(SettingError) -> [String] {
        if setting.isList, let elements = value.array {
            var texts: [String] = []
            for element in elements {
                texts += try self.texts(element, of: setting, place: place)
            }
            return texts
        }
        switch value {
        case .string(let text): return [text.string]
        case .bool(let flag): return [flag ? "true" : "false"]
        case .number(let number): return [number.text]
        default:
            throw SettingError(
                place: place, value: shown(value),
                expected: setting.isList ? "a string or a list of strings" : "a string or number")
        }
    }

    /// The error, and of a doubled member its name: a configuration holds no secret.
    private static func text(_ error: JSONError, in content: [UInt8]) -> String {
        guard error.kind == .duplicateName else { return "\(error)" }
        let name = content[(error.offset + 1)...].prefix { $0 != UInt8(ascii: "\"") }
        return "\(error): \(String(decoding: name, as: UTF8.self))"
    }

    private static func shown(_ value: JSONValue) -> String {
        if let text = value.string { return text.string }
        return String(String(decoding: value.serialized(), as: UTF8.self).prefix(80))
    }
}

extension SettingValues {
    func text(_ setting: Setting) -> String? { entries[setting]?.texts.last }

    func texts(_ setting: Setting) -> [String] { entries[setting]?.texts ?? [] }

    /// The error for a value that is set but wrong.
    func error(_ setting: Setting, value: String? = nil, expected: String) -> SettingError {
        SettingError(
            place: entries[setting]?.place ?? setting.flag,
            value: value ?? text(setting) ?? "", expected: expected)
    }

    func flag(_ setting: Setting) throws(SettingError) -> Bool {
        switch text(setting) {
        case nil, "false", "0", "no": return false
        case "true", "1", "yes": return true
        default: throw error(setting, expected: "true or false")
        }
    }

    /// A whole number of at least `range.lowerBound`.
    func integer(
        _ setting: Setting, default value: Int, in range: ClosedRange<Int>
    ) throws(SettingError) -> Int {
        guard let text = text(setting) else { return value }
        guard let number = Int(text), range.contains(number) else {
            let zero = range.lowerBound == 0 ? " (0 means no limit)" : ""
            throw error(
                setting,
                expected: "a whole number from \(range.lowerBound) to \(range.upperBound)\(zero)")
        }
        return number
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ setting: Setting, default value: Choice
    ) throws(SettingError) -> Choice {
        guard let text = text(setting) else { return value }
        guard let choice = Choice(rawValue: text) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw error(setting, expected: "one of \(all)")
        }
        return choice
    }
}
