import Bytes
import Testing

@testable import usher

private func file(_ text: String) -> (path: String, content: [UInt8]) {
    ("usher.json", Array(text.utf8))
}

@Suite struct SettingValuesTests {
    @Test("Flags win over variables, and these over the file")
    func order() throws {
        let values = try SettingValues(
            flags: ["max-rooms": ["3"]],
            environment: ["USHER_MAX_ROOMS": "2", "USHER_MAX_MEMBERS": "20", "USHER_DEMO": ""],
            file: file(#"{"max-rooms":1,"max-members":10,"max-message-bytes":4096,"demo":true}"#))
        let limits = try Settings<LimitSettings>(values)
        #expect(limits.maxRooms == 3)
        #expect(limits.maxMembers == 20)
        #expect(limits.maxMessageBytes == 4096)
        #expect(try Settings<AccessSettings>(values).demo)
    }

    @Test("A file may begin with a byte order mark, as editors and PowerShell put there")
    func byteOrderMark() throws {
        let marked = file("\u{FEFF}" + #"{"max-rooms":1}"#)
        let values = try SettingValues(flags: [:], environment: [:], file: marked)
        #expect(values.text(of: LimitSettings().maxRooms) == "1")
        #expect(throws: SettingError.self) {
            try SettingValues(
                flags: [:], environment: [:], file: file("\u{FEFF}\u{FEFF}{}"))
        }
    }

    @Test("A list may be repeated, separated or a JSON array")
    func lists() throws {
        let flags = try SettingValues(
            flags: ["trusted-proxy": ["10.0.0.0/8", "::1/128"]], environment: [:])
        let variable = try SettingValues(
            flags: [:], environment: ["USHER_TRUSTED_PROXY": "10.0.0.0/8, ::1/128"])
        let fromFile = try SettingValues(
            flags: [:], environment: [:],
            file: file(#"{"trusted-proxy":["10.0.0.0/8","::1/128"]}"#))
        for values in [flags, variable, fromFile] {
            #expect(values.texts(of: AccessSettings().trustedProxies) == ["10.0.0.0/8", "::1/128"])
        }
    }

    @Test(
        "A wrong member of the file is named",
        arguments: [
            (#"{"max-roms":1}"#, "\"max-roms\" in usher.json"),
            (#"{"max-rooms":[1]}"#, "\"max-rooms\" in usher.json"),
            (#"{"max-rooms":null}"#, "\"max-rooms\" in usher.json"),
            (#"{"max-rooms":1"#, "--config"), ("[]", "--config"), ("", "--config"),
            (#"{"max-rooms":1,"max-rooms":2}"#, "--config"),
        ])
    func wrongFile(text: String, place: String) {
        let error = #expect(throws: SettingError.self) {
            try SettingValues(flags: [:], environment: [:], file: file(text))
        }
        #expect(error?.place == place)
    }

    @Test("Every setting has one name in three forms")
    func names() {
        let setting = LimitSettings().maxConnectionsPerAddress
        #expect(setting.flag == "--max-connections-per-address")
        #expect(setting.variable == "USHER_MAX_CONNECTIONS_PER_ADDRESS")
    }

    @Test("Every setting is taken as a flag, a variable and a member of the file")
    func everySetting() throws {
        for setting in SettingTable.all {
            let member = file(#"{"\#(setting.name)":true}"#)
            let sources = [
                setting.flag: try SettingValues(flags: [setting.name: ["true"]], environment: [:]),
                setting.variable: try SettingValues(
                    flags: [:], environment: [setting.variable: "true"]),
                "\"\(setting.name)\" in usher.json": try SettingValues(
                    flags: [:], environment: [:], file: member),
            ]
            for (place, values) in sources {
                #expect(values.texts(of: setting) == ["true"], "\(place)")
                #expect(values.error(setting).place == place)
            }
        }
    }
}
