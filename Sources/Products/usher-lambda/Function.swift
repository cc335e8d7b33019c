import AWSServices
import Access
import Bytes
import Cryptography
import DynamoTables
import Glibc
import HTTPClient
import LambdaRuntime
import ServerlessRelay
import Threads
import Tokens

/// The function, wired: nothing else knows both the relay and what it meets the world by.
final class Function {
    /// What is left for an answer when services are asked no more.
    private static let answerMilliseconds: Int64 = 200
    /// Longer than this between two pieces of work, and services may have closed the connections
    /// that are kept to them, while this process was frozen and saw nothing of it.
    private static let idleMillisecondsMax: Int64 = 20_000

    private let clients: ClientPool
    /// The issuer is anywhere, and asked by few environments, seldom.
    private let issuers: ClientPool
    private let work = WorkDeadline()
    private let gateway: Gateway
    private let tokens: FunctionTokens
    private let relay: ServerlessRelay
    private let log: FunctionLog
    private var lastEnd: Int64 = 0

    /// - Throws: `SettingFault` for what only shows when it is put to use.
    init(_ settings: FunctionSettings, log: FunctionLog) throws(SettingFault) {
        self.log = log
        clients = ClientPool(
            trust: try Self.trust(settings.authorities, otherwise: "amazon-roots.pem"))
        let access = AWSAccess(
            credentials: settings.credentials, region: settings.region, clients: clients,
            work: work)
        gateway = try Gateway(settings.management, access)
        issuers = ClientPool(
            trust: try Self.trust(settings.authorities, otherwise: "roots.pem"))
        let tokens = try FunctionTokens(settings, clients: issuers, work: work, log: log)
        self.tokens = tokens
        let table = DynamoTable(
            settings.table, in: AWSService("dynamodb", at: settings.dynamoDB, access))
        relay = ServerlessRelay(
            settings.relay, table: table.port, gateway: gateway.port,
            timers: Self.timers(settings.timerQueue, access, log),
            ports: Self.ports(settings, log),
            verify: { (token, kinds, now) throws(TokenRefused) in
                try tokens.verify(token, kinds, now)
            })
    }

    func handle(_ invocation: Invocation) -> Handled {
        let now = Clock.milliseconds()
        if now - lastEnd > Self.idleMillisecondsMax {
            clients.closeIdle()
            issuers.closeIdle()
        }
        let left = invocation.deadlineMilliseconds - now - Self.answerMilliseconds
        work.set(Deadline(after: .milliseconds(max(0, left))))
        log.begin(invocation.requestID)
        gateway.learn(from: invocation.body)
        let answer = relay.handle(
            invocation.body, id: invocation.requestID,
            deadline: invocation.deadlineMilliseconds)
        guard let answer else {
            return Handled(
                .failure(
                    FunctionFault(
                        type: "Usher.Event",
                        message: "the event is none of a WebSocket API's, nor of the timer queue")
                ))
        }
        return Handled(.success(answer.reply)) {
            answer.after?()
            self.tokens.renewIfDue()
            self.lastEnd = Clock.milliseconds()
        }
    }

    /// Those that were set, or those in a file of the function's package, beside the executable;
    /// the system's where there is none.
    private static func trust(
        _ path: String?, otherwise name: String
    ) throws(SettingFault) -> TLSTrust {
        guard let path else { return TLSTrust(pemFile: besideExecutable(name)) }
        let trust = TLSTrust(pemFile: path)
        do throws(HTTPClientError) { try trust.load() } catch {
            throw SettingFault(
                name: "USHER_CA", value: path,
                expected: "a file with the certificates of authorities (\(error.description))")
        }
        return trust
    }

    private static func besideExecutable(_ name: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = unsafe readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0, let slash = buffer[..<count].lastIndex(of: CChar(0x2F)) else {
            return nil
        }
        let path =
            String(decoding: buffer[...slash].map(UInt8.init(bitPattern:)), as: UTF8.self) + name
        return unsafe access(path, R_OK) == 0 ? path : nil
    }

    private static func timers(
        _ url: HTTPURL?, _ access: AWSAccess, _ log: FunctionLog
    ) -> TimerPort {
        guard let url else { return .none }
        let queue = DelayQueue(url, access)
        return TimerPort { seconds, body in
            guard let text = ByteText(body.span) else { return false }
            do throws(AWSFault) {
                try queue.send(text, afterSeconds: seconds)
                return true
            } catch {
                log.write("timer_failed", [("reason", error.description)])
                return false
            }
        }
    }

    private static func ports(_ settings: FunctionSettings, _ log: FunctionLog) -> FunctionPorts {
        let random = RandomReserve()
        let secret = settings.turnSecret
        return FunctionPorts(
            now: Clock.seconds, milliseconds: Clock.milliseconds,
            pause: { usleep(UInt32(max(0, $0)) * 1000) }, random: random.bytes,
            sha1: Digest.sha1, sha256: Digest.sha256,
            hmacSHA1: { HMACSHA1.tag($0, secret: secret) }, log: log.write,
            concurrently: Concurrently.run)
    }
}
