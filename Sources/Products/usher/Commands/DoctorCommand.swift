import Admission
import ArgumentParser
import Bytes
import HTTPMessages
import RegistryOnSQLite
import StrictJSON

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Look whether what the service needs is in order, and say what to do.",
        discussion: """
            Takes the settings of usher serve, by flags, variables and configuration file, and \
            changes nothing. It works beside a running service and without one; run it as the \
            user that the service runs as. Exits with 1 when it finds a problem; warnings leave 0.

            EXAMPLES
              usher doctor
              usher doctor --data /var/lib/usher --issuer https://meet.example
              usher doctor --json
            """)

    @OptionGroup(title: "PLACES") var places: SettingOptions<PlaceSettings>
    @OptionGroup(title: "PLACES") var file: ConfigurationOption
    @OptionGroup(title: "TOKENS AND ACCESS") var access: SettingOptions<AccessSettings>
    @OptionGroup(title: "CLUSTER") var cluster: SettingOptions<ClusterSettings>
    @Flag(help: "Print JSON for programs.") var json = false

    func run() throws {
        try report {
            let values = try Environment.settings(
                places.flags, access.flags, cluster.flags, file: file.config)
            let findings = Examination(values, now: Clock.now()).findings()
            if json {
                sayJSON(.array(findings.map(\.json)))
            } else {
                FindingPrinter.show(findings)
            }
            if findings.contains(where: { $0.level == .problem }) { throw ExitCode(1) }
        }
    }
}

/// What one look of the doctor came to.
struct Finding: Equatable {
    enum Level: String {
        case ok, warning, problem
        /// Nothing could be found out, and so nothing is claimed.
        case notChecked = "not_checked"
    }

    /// What was looked at; stable across releases.
    let check: String
    let level: Level
    let message: String
    /// What to do; nil where there is nothing to be done.
    let advice: String?

    static func ok(_ check: String, _ message: String) -> Finding {
        Finding(check: check, level: .ok, message: message, advice: nil)
    }

    static func warning(_ check: String, _ message: String, _ advice: String) -> Finding {
        Finding(check: check, level: .warning, message: message, advice: advice)
    }

    static func problem(_ check: String, _ message: String, _ advice: String?) -> Finding {
        Finding(check: check, level: .problem, message: message, advice: advice)
    }

    static func notChecked(_ check: String, _ message: String, _ advice: String?) -> Finding {
        Finding(check: check, level: .notChecked, message: message, advice: advice)
    }

    var json: JSONValue {
        [
            "check": .string(check), "level": .string(level.rawValue),
            "message": .string(message), "advice": advice.map { .string($0) } ?? .null,
        ]
    }
}

enum FindingPrinter {
    static func show(_ findings: [Finding]) { lines(findings).forEach(say) }

    /// Some of what is found others have written: nothing of it moves the cursor.
    static func lines(_ findings: [Finding]) -> [String] {
        var lines: [String] = []
        let width = findings.map(\.check.count).max() ?? 0
        for finding in findings {
            let padding = String(repeating: " ", count: width - finding.check.count)
            lines.append("\(mark(finding.level))  \(finding.check)\(padding)  \(finding.message)")
            if let advice = finding.advice {
                lines.append(String(repeating: " ", count: 13 + width) + "→ \(advice)")
            }
        }
        func count(_ level: Finding.Level) -> Int { findings.count { $0.level == level } }
        lines.append(
            "\(count(.ok)) ok, \(count(.warning)) to look at, \(count(.problem)) wrong, "
                + "\(count(.notChecked)) not checked")
        return lines.map(Printable.text)
    }

    private static func mark(_ level: Finding.Level) -> String {
        switch level {
        case .ok: "ok       "
        case .warning: "warning  "
        case .problem: "PROBLEM  "
        case .notChecked: "unchecked"
        }
    }
}

/// All of the doctor's looks, one after the other; none changes anything.
struct Examination {
    let values: SettingValues
    let now: Int64

    init(_ values: SettingValues, now: Int64) {
        self.values = values
        self.now = now
    }

    func findings() -> [Finding] {
        let (settings, fault) = settings()
        let allowsGroup = (try? PlaceSettings().keysGroupAccess.value(in: values)) ?? false
        let data = values.text(of: PlaceSettings().data) ?? Environment.defaultDataFolder
        let registry = registryFindings(data, allowsGroup: allowsGroup)
        let keyFolder = keys(data, allowsGroup: allowsGroup)
        var findings = [fault ?? .ok("settings", "every setting is what it must be")]
        findings += DataFolderLook(path: data, allowsGroup: allowsGroup).findings()
        findings += registry.findings
        findings += keyFolder.findings
        findings.append(ClockLook(now: now).finding(registry.dates + keyFolder.dates))
        guard let settings else {
            for check in ["listen", "operator", "issuer", "exposure"] {
                findings.append(.notChecked(check, "the settings are not sound", nil))
            }
            return findings
        }
        findings += NetworkLook(settings: settings, signingKeyID: keyFolder.signingKeyID)
            .findings()
        if let cluster = settings.cluster { findings += ClusterLook(cluster).findings }
        if let memory = MemoryLook(settings).finding() { findings.append(memory) }
        findings.append(ExposureLook.finding(settings))
        return findings
    }

    private func keys(_ data: String, allowsGroup: Bool) -> KeyLook {
        guard let place = try? KeyPlace(values, data: data, allowsGroup: allowsGroup) else {
            return KeyLook.notChecked
        }
        return KeyLook(
            place,
            in: {
                let place = try RegistryPlace(values, data: data)
                if case .folder(let folder) = place {
                    let examined = try RegistryExamination(path: RegistryOnSQLite.path(in: folder))
                    guard examined.isUpToDate else { return nil }
                }
                return try place.open(mustExist: true)
            }, now: now)
    }

    private func registryFindings(
        _ folder: String, allowsGroup: Bool
    ) -> (findings: [Finding], dates: [ClockLook.Dated]) {
        switch try? RegistryPlace(values, data: folder) {
        case .database(let target):
            let look = DatabaseLook(target, file: values.text(of: PlaceSettings().registry))
            return (look.findings, look.dates)
        case .folder(let folder):
            let look = RegistryLook(folder: folder, allowsGroup: allowsGroup)
            return (look.findings, look.dates)
        case nil: return ([.notChecked("registry", "the setting is not sound", nil)], [])
        }
    }

    /// What `serve` would be told, or why it would not start.
    private func settings() -> (ServeSettings?, Finding?) {
        do throws(SettingError) {
            return (try ServeSettings(values), nil)
        } catch {
            return (nil, .problem("settings", "\(error)", "usher serve does not start like this"))
        }
    }
}

/// What may be read by whoever stands between.
enum ExposureLook {
    static func finding(_ settings: ServeSettings) -> Finding {
        let isPublic = !settings.listen.isLoopback
        let issuer = settings.access.issuer.flatMap { IssuerURL(ByteText($0)) }
        let isRemote = issuer?.isLoopback == false
        if isPublic, settings.access.allowPlainHTTP {
            return .warning(
                "exposure", "tokens and secrets travel in the clear: allow-plain-http is set",
                "put a proxy that ends TLS in front, and name it with --trusted-proxy")
        }
        if isPublic || isRemote, settings.access.queryToken == .allow {
            return .warning(
                "exposure",
                "pages elsewhere may send their token in the URL, where access logs keep it",
                "set --query-token one-use or deny, or keep queries out of the proxy's log")
        }
        return .ok("exposure", "no token need stand in a URL that others log")
    }
}
