import AWSRequests
import ArgumentParser
import Bytes
import Files
import Glibc

/// What a command takes that can act on a relay that runs as a function.
struct TableOptions: ParsableArguments {
    @Option(help: "A function's DynamoDB table: act on the relay there, on no data folder.")
    var table: String?
    @Option(help: "With --table: its region. (default: $AWS_REGION or the profile's)")
    var region: String?

    /// Refuses flags that mean a data folder, beside a table.
    func check(excludes others: [(name: String, value: String?)]) throws {
        guard table != nil else {
            if region != nil { throw ValidationError("--region needs --table NAME beside it") }
            return
        }
        if let other = others.first(where: { $0.value != nil }) {
            throw ValidationError(
                "--table and \(other.name) exclude each other: a table is no data folder")
        }
    }

    /// The relay of that table; nil where none is named.
    func relay(gateway: String? = nil) throws -> TableRelay? {
        guard let table else { return nil }
        let variables = Environment.variables
        return try TableRelay(
            TableSettings(
                table: table, region: region, gateway: gateway,
                variable: { variables[$0.string].map { ByteText($0) } }, read: Self.read))
    }

    private static func read(_ path: ByteText) -> AWSSetup.Finding {
        do throws(FileFailure) {
            return .bytes(
                try FileBytes.read(path: path.string, bytesMax: ProfileFile.bytesMax + 1))
        } catch {
            return error.errorNumber == ENOENT || error.errorNumber == ENOTDIR
                ? .absent : .unreadable("\(error)")
        }
    }
}

/// What a command takes that closes connections of a function's gateway.
struct GatewayOptions: ParsableArguments {
    @Option(
        help:
            "With --table: the stage's address, to close connections. (default: $USHER_MANAGEMENT)")
    var gateway: String?

    func check(with home: TableOptions) throws {
        if gateway != nil, home.table == nil {
            throw ValidationError("--gateway needs --table NAME beside it")
        }
    }
}
