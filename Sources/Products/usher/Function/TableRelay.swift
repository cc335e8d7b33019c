import AWSServices
import Bytes
import Cryptography
import DynamoTables
import Glibc
import HTTPClient
import Identifiers
import Locking
import ServerlessRelay
import Signalling
import Threads

/// A relay that runs as a function, acted on from here: by its table, and by its gateway where that
/// is known.
final class TableRelay {
    /// For one piece of work, as the function has for one event.
    private static let pieceSeconds: Int64 = 15

    private let settings: TableSettings
    private let console: FunctionConsole
    private let trouble = GatewayTrouble()

    /// - Throws: `SettingError` for what only shows when it is put to use.
    init(_ settings: TableSettings) throws(SettingError) {
        self.settings = settings
        // A service that closes a connection is told of by its errors.
        signal(SIGPIPE, SIG_IGN)
        let trust = TLSTrust(pemFile: settings.authorities)
        if let path = settings.authorities {
            do throws(HTTPClientError) { try trust.load() } catch {
                throw SettingError(
                    place: "USHER_CA or AWS_CA_BUNDLE", value: path,
                    expected: "a file with the certificates of authorities (\(error.description))")
            }
        }
        let work = WorkDeadline()
        let access = AWSAccess(
            credentials: settings.credentials, region: settings.region,
            clients: ClientPool(trust: trust), work: work)
        let table = DynamoTable(
            settings.table, in: AWSService("dynamodb", at: settings.dynamoDB, access))
        console = FunctionConsole(
            table: table.port, gateway: try Self.gateway(settings, access, trouble),
            ports: Self.ports, resumeGraceSeconds: settings.resumeGraceSeconds,
            begin: {
                work.set(Deadline(after: .seconds(Self.pieceSeconds)))
                return Invoked(
                    id: "operator", deadline: Clock.milliseconds() + Self.pieceSeconds * 1000)
            })
    }

    var hasGateway: Bool { settings.gateway != nil }

    private static let ports = FunctionPorts(
        now: Clock.now, milliseconds: Clock.milliseconds,
        pause: { usleep(UInt32(max(0, $0)) * 1000) }, random: SecureRandom.bytes,
        sha1: Digest.sha1, sha256: Digest.sha256, hmacSHA1: { _ in [] },
        log: { event, fields in
            complain("\(event)" + fields.map { " \($0.0)=\(Printable.text($0.1))" }.joined())
        }, concurrently: Concurrently.run)

    private static func gateway(
        _ settings: TableSettings, _ access: AWSAccess, _ trouble: GatewayTrouble
    ) throws(SettingError) -> GatewayPort {
        guard let address = settings.gateway else {
            return GatewayPort(
                post: { _, _ throws(GatewayFault) in throw .unavailable("no --gateway") },
                end: { _ throws(GatewayFault) in throw .unavailable("no --gateway") })
        }
        guard let connections = GatewayConnections(at: address, access) else {
            throw SettingError(
                place: "--gateway", value: "\(address.origin)\(address.target)",
                expected: TableSettings.gatewayExpected)
        }
        return GatewayPort(
            post: { id, bytes throws(GatewayFault) in
                do throws(AWSFault) { return try connections.post(id, bytes) } catch {
                    throw trouble.noted(error)
                }
            },
            end: { id throws(GatewayFault) in
                do throws(AWSFault) { try connections.end(id) } catch {
                    throw trouble.noted(error)
                }
            })
    }
}

// MARK: - What is done

extension TableRelay {
    func rooms() throws(CommandFailure) -> [FunctionConsole.RoomSummary] {
        let progress = ScanProgress()
        return try done { () throws(StoreFault) in
            try console.rooms { progress.tell($0) }
        }
    }

    /// - Returns: False where there is no such connection.
    func kick(_ connection: ConnectionID) throws(CommandFailure) -> Bool {
        let isDone = try done { () throws(StoreFault) in try console.kick(connection) }
        if isDone, let reason = trouble.reason {
            throw CommandFailure(
                "the peer is out of its rooms, but the gateway did not do all of its part "
                    + "(\(reason)): what it left undone is done with the next message; is "
                    + "--gateway the stage's own address, and may these credentials use it?")
        }
        return isDone
    }

    func enable(_ client: ClientID) throws(CommandFailure) {
        try done { () throws(StoreFault) in try console.enable(client) }
    }

    /// Has tokens refused, and closes what they opened, where the gateway is known.
    ///
    /// - Returns: How many were closed; nil where that is left to the function.
    func withdraw(_ withdrawal: Withdrawal) throws(CommandFailure) -> Int? {
        let isDone = try done { () throws(StoreFault) in try console.withdraw(withdrawal) }
        guard isDone else {
            throw CommandFailure(
                "revocations of many users of this client stand already: revoke all of its tokens "
                    + "instead (--all), which takes their place")
        }
        guard hasGateway else {
            complain(
                "connections that are open end with the next message to or from them; with "
                    + "--gateway URL they are closed now")
            return nil
        }
        let progress = ScanProgress()
        do throws(CommandFailure) {
            let count = try done { () throws(StoreFault) in
                try console.close(withdrawal) { progress.tell($0) }
            }
            if let reason = trouble.reason { throw CommandFailure(reason) }
            return count
        } catch {
            throw CommandFailure(
                "it is refused from now on, but not all that it opened was closed (\(error)): "
                    + "that ends with the next message; or run the command again")
        }
    }

    private func done<Result>(
        _ body: () throws(StoreFault) -> Result
    ) throws(CommandFailure) -> Result {
        do throws(StoreFault) { return try body() } catch {
            switch error {
            case .unavailable(let reason): throw failure(ByteText(reason))
            }
        }
    }

    /// What to do about what DynamoDB, or the way to it, said.
    private func failure(_ reason: ByteText) -> CommandFailure {
        let place = "\(settings.table) in \(settings.region)"
        let refused: [ByteText] = [
            "UnrecognizedClientException", "InvalidSignatureException", "ExpiredTokenException",
            "IncompleteSignatureException", "MissingAuthenticationTokenException",
        ]
        if reason.hasPrefix("ResourceNotFoundException") {
            return CommandFailure("there is no table \(place): see --table and --region")
        }
        if reason.hasPrefix("AccessDeniedException") {
            return CommandFailure(
                "\(reason): these credentials need dynamodb:GetItem, PutItem, Query, Scan and "
                    + "UpdateItem on the table \(place)")
        }
        if refused.contains(where: { reason.hasPrefix($0) }) {
            return CommandFailure(
                "the \(settings.credentials) are refused (\(reason)): get new ones, and see that "
                    + "this machine's clock is right")
        }
        if reason.hasPrefix("http_") {
            return CommandFailure("no DynamoDB answers at \(settings.dynamoDB) (\(reason))")
        }
        return CommandFailure("the table \(place): \(reason)")
    }
}

/// What the gateway refused first, which the store makes nothing of: its next event does.
private final class GatewayTrouble: Sendable {
    private let first = Lock<String?>(nil)

    var reason: String? { first.withLock { $0 } }

    func noted(_ fault: AWSFault) -> GatewayFault {
        first.withLock { $0 = $0 ?? fault.description }
        return switch fault {
        case .unavailable(let reason): .unavailable(reason)
        case .unknown(let reason): .unknown(reason)
        case .tooLarge: .tooLarge
        }
    }
}

/// Says, at most once a second, how far a look at the whole table is: on stderr.
final class ScanProgress {
    private static let milliseconds: Int64 = 1000
    private let now: () -> Int64
    private let say: (String) -> Void
    private var last: Int64

    init(
        now: @escaping () -> Int64 = Clock.monotonicMilliseconds,
        say: @escaping (String) -> Void = complain
    ) {
        self.now = now
        self.say = say
        last = now()
    }

    func tell(_ examined: Int) {
        let now = now()
        guard now - last >= Self.milliseconds else { return }
        last = now
        say("\(examined) items of the table looked at")
    }
}
