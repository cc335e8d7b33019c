import AWSRequests
import Bytes
import DynamoTables
import HTTPClient
import ServerlessRelay

/// Where a relay is that runs as a function, and who asks: by flags, and by the variables of the
/// function and of AWS's tools.
struct TableSettings {
    let table: ByteText
    let region: ByteText
    let credentials: AWSCredentials
    let dynamoDB: HTTPURL
    /// The stage's own address; nil where none is given.
    let gateway: HTTPURL?
    /// How long the function keeps places.
    let resumeGraceSeconds: Int
    /// A file of certificates; nil for the system's.
    let authorities: String?

    /// - Parameters:
    ///   - table: What `--table` names.
    ///   - region: What `--region` names.
    ///   - gateway: What `--gateway` names.
    ///   - variable: The process's variables.
    ///   - read: Reads a file, as `AWSSetup` wants it.
    /// - Throws: `SettingError` or `AWSSetup.Fault`.
    init(
        table: String, region: String?, gateway: String?,
        variable: @escaping (ByteText) -> ByteText?,
        read: @escaping (ByteText) -> AWSSetup.Finding
    ) throws {
        let setup = AWSSetup(variable: variable, read: read)
        self.table = try Self.checked(table: ByteText(table))
        self.region = try Self.checked(
            region: try region.map { (place: "--region", text: ByteText($0)) }
                ?? setup.region().map { (place: $0.place.string, text: $0.text) })
        credentials = try setup.credentials()
        let values = FunctionVariables(value: variable)
        self.gateway = try Self.gateway(
            gateway.map { (place: "--gateway", text: ByteText($0)) }
                ?? values.first(["USHER_MANAGEMENT"]))
        dynamoDB = try Self.dynamoDB(
            values.first([
                "USHER_DYNAMODB", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL",
            ]), in: self.region)
        resumeGraceSeconds = try Self.grace(values.first(["USHER_RESUME_GRACE_SECONDS"]))
        authorities = values.first(["USHER_CA", "AWS_CA_BUNDLE"])?.text.string
    }

    private static func checked(table: ByteText) throws(SettingError) -> ByteText {
        guard DynamoTable.isName(table) else {
            throw refusal(("--table", table), "the name of a DynamoDB table")
        }
        return table
    }

    private static func checked(
        region found: FunctionVariables.Found?
    ) throws(SettingError) -> ByteText {
        guard let found, AWSRegion.isName(found.text) else {
            throw refusal(found ?? ("--region", ""), "the table's region, such as eu-central-1")
        }
        return found.text
    }

    private static func dynamoDB(
        _ given: FunctionVariables.Found?, in region: ByteText
    ) throws(SettingError) -> HTTPURL {
        let text = given?.text ?? AWSRegion.address(of: "dynamodb", in: region)
        guard let url = try? HTTPURL(text), url.isSafe else {
            throw refusal(
                given ?? ("--region", region), "https://HOST of DynamoDB (http for loopback)")
        }
        return url
    }

    /// As the deployment shows it for clients, and for its connections, too.
    private static func gateway(
        _ given: FunctionVariables.Found?
    ) throws(SettingError) -> HTTPURL? {
        guard let given else { return nil }
        var text = given.text
        for (scheme, other) in [("wss://", "https://"), ("ws://", "http://")] {
            guard text.hasPrefix(ByteText(scheme)) else { continue }
            text = ByteText(other + text.dropFirst(scheme.utf8.count).string)
        }
        for end in ["/@connections", "/"] where text.hasSuffix(ByteText(end)) {
            text = ByteText(Substring(text.utf8.dropLast(end.utf8.count)))
        }
        guard let url = try? HTTPURL(text), url.isSafe, url.target.count > 1 else {
            throw refusal(given, gatewayExpected)
        }
        return url
    }

    private static func grace(
        _ given: FunctionVariables.Found?
    ) throws(SettingError) -> Int {
        guard let given else { return ServerlessConfiguration().resumeGraceSeconds }
        let range = 0...TimerPort.secondsMax
        guard let seconds = Int(given.text.string), range.contains(seconds) else {
            throw refusal(given, "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return seconds
    }

    static let gatewayExpected =
        "the stage's own address, no custom domain: "
        + "https://API.execute-api.REGION.amazonaws.com/STAGE"

    private static func refusal(
        _ found: FunctionVariables.Found, _ expected: String
    ) -> SettingError {
        SettingError(
            place: found.place, value: Printable.text(found.text.string), expected: expected)
    }
}

/// The process's variables; an empty one counts as none.
private struct FunctionVariables {
    typealias Found = (place: String, text: ByteText)

    let value: (ByteText) -> ByteText?

    /// The first of these that is set.
    func first(_ names: [ByteText]) -> Found? {
        for name in names {
            if let text = value(name), !text.isEmpty { return (name.string, text) }
        }
        return nil
    }
}
