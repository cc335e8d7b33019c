import Bytes

/// Settings that the help shows together: each a property that is a `Setting`.
protocol SettingSection: Sendable {
    init()
}

extension SettingSection {
    static var all: [any AnySetting] {
        Mirror(reflecting: Self()).children.compactMap { $0.value as? any AnySetting }
    }
}

/// The values of a section's settings, valid by construction: `limits.maxRooms` is a number.
@dynamicMemberLookup
struct Settings<Section: SettingSection>: Sendable {
    private let section = Section()
    private let values: SettingValues

    /// - Throws: `SettingError` for the first setting that is not what it must be.
    init(_ values: SettingValues) throws(SettingError) {
        self.values = values
        for setting in Section.all { try setting.check(values) }
    }

    subscript<Value>(dynamicMember path: KeyPath<Section, Setting<Value>>) -> Value {
        do {
            return try section[keyPath: path].value(in: values)
        } catch {
            preconditionFailure("it was checked: \(error)")
        }
    }

    /// The error for a setting that does not go with another one.
    func error<Value>(
        _ path: KeyPath<Section, Setting<Value>>, value: String? = nil, expected: String? = nil
    ) -> SettingError {
        values.error(section[keyPath: path], value: value, expected: expected)
    }
}
