import Bytes
import StrictJSON

/// What was set, and where: flags win over variables, and these over the file.
struct SettingValues: Equatable {
    struct Entry: Equatable {
        var texts: [String]
        var place: String
    }

    /// By the settings' names.
    private var entries: [ByteText: Entry] = [:]

    /// - Parameters:
    ///   - flags: As given on the command line, by name; an absent flag has no texts.
    ///   - environment: All variables; those of settings count, an empty one as absent. A list is
    ///     separated by commas or spaces.
    ///   - file: Path and content of the configuration file, one JSON object.
    /// - Throws: `SettingError` for a file, or a member of it, that cannot be understood.
    init(
        flags: [ByteText: [String]], environment: [String: String],
        file: (path: String, content: [UInt8])? = nil
    ) throws(SettingError) {
        if let file { try read(file.content, path: file.path) }
        for setting in SettingTable.all {
            if let text = environment[setting.variable], !text.isEmpty {
                let isList = setting.kind == .list
                let texts = isList ? text.split { $0 == "," || $0 == " " }.map(String.init) : [text]
                entries[setting.name] = Entry(texts: texts, place: setting.variable)
            }
            if let texts = flags[setting.name], !texts.isEmpty {
                entries[setting.name] = Entry(texts: texts, place: setting.flag)
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
            guard let setting = SettingTable.byName[member.name] else {
                throw SettingError(
                    place: place, value: Self.shown(member.value),
                    expected: "no such member: a setting bears the name of its flag")
            }
            let texts = try Self.texts(
                member.value, isList: setting.kind == .list, place: place)
            entries[setting.name] = Entry(texts: texts, place: place)
        }
    }

    private static func texts(
        _ value: JSONValue, isList: Bool, place: String
    ) throws(SettingError) -> [String] {
        if isList, let elements = value.array {
            var texts: [String] = []
            for element in elements {
                texts += try self.texts(element, isList: true, place: place)
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
                expected: isList ? "a string or a list of strings" : "a string or number")
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
    func text(of setting: any AnySetting) -> String? { texts(of: setting).last }

    /// Where a setting was set.
    func place(of setting: any AnySetting) -> String {
        entries[setting.name]?.place ?? setting.flag
    }

    func texts(of setting: any AnySetting) -> [String] { entries[setting.name]?.texts ?? [] }

    /// The error for a value that is set but wrong.
    func error(
        _ setting: any AnySetting, value: String? = nil, expected: String? = nil
    ) -> SettingError {
        SettingError(
            place: place(of: setting),
            value: value ?? text(of: setting) ?? "", expected: expected ?? setting.expected)
    }
}
