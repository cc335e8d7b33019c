import ArgumentParser
import Bytes

/// The flags of a section of settings, made from its table
/// (docs/decisions/0030-one-table-of-settings.md).
struct SettingOptions<Section: SettingSection>: ParsableArguments {
    /// What was given, by the settings' names.
    private(set) var flags: [ByteText: [String]] = [:]

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Name.self)
        for setting in Section.all {
            let name = Name(stringValue: setting.name.string)
            flags[setting.name] =
                switch setting.kind {
                case .flag: try container.decode(Flag<Bool>.self, forKey: name).wrappedValue.asFlag
                case .single:
                    try container.decode(Option<String?>.self, forKey: name).wrappedValue.asTexts
                case .list: try container.decode(Option<[String]>.self, forKey: name).wrappedValue
                }
        }
    }

    private struct Name: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension SettingOptions: CustomReflectable {
    /// `ParsableArguments` are asked in this way what there is to parse.
    var customMirror: Mirror {
        Mirror(self, children: Section.all.map { ($0.name.string, Self.argument(for: $0)) })
    }

    private static func argument(for setting: any AnySetting) -> Any {
        let name = NameSpecification.customLong(setting.name.string)
        let usual = setting.defaultText.map { " (default: \($0))" } ?? ""
        let help = ArgumentHelp(stringLiteral: setting.help + usual)
        return switch setting.kind {
        case .flag: Flag(wrappedValue: false, name: name, help: help)
        case .single: Option<String?>(name: name, help: help)
        case .list: Option<[String]>(wrappedValue: [], name: name, help: help)
        }
    }
}

/// The flag of the file with settings, which is none of them.
struct ConfigurationOption: ParsableArguments {
    @Option(help: "Configuration file, JSON.") var config: String?
}

extension String? {
    var asTexts: [String] { self.map { [$0] } ?? [] }
}

extension Bool {
    var asFlag: [String] { self ? ["true"] : [] }
}
