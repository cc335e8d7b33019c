import AWSRequests
import AWSServices
import Bytes
import DynamoTables
import Glibc
import HTTPClient
import LambdaRuntime
import StrictJSON
import Tables

/// A Lambda function that does to its table what a test says, and answers what came of it:
/// Tests/EndToEnd/test_dynamo_tables.py.
@main struct TableProbe {
    static func main() throws {
        signal(SIGPIPE, SIG_IGN)
        let work = WorkDeadline()
        let access = AWSAccess(
            credentials: AWSCredentials(
                accessKeyID: variable("AWS_ACCESS_KEY_ID"),
                secretAccessKey: variable("AWS_SECRET_ACCESS_KEY"),
                sessionToken: variable("AWS_SESSION_TOKEN")),
            region: variable("AWS_REGION"), clients: ClientPool(trust: TLSTrust()), work: work)
        let service = AWSService("dynamodb", at: try HTTPURL(variable("PROBE_DYNAMODB")), access)
        let table = DynamoTable(variable("PROBE_TABLE"), in: service).port
        let runtime = try LambdaRuntime(address: variable("AWS_LAMBDA_RUNTIME_API")) { fault in
            print(fault)
        }
        let end = runtime.run { invocation in
            // Whoever asks wants an answer in time.
            let left = invocation.deadlineMilliseconds - milliseconds() - 500
            work.set(Deadline(after: .milliseconds(left)))
            let asked = (try? JSONValue.parse(invocation.body))?.object ?? JSONObject()
            return Handled(.success(answer(asked, table).serialized()))
        }
        print(end)
    }

    private static func variable(_ name: String) -> ByteText {
        unsafe getenv(name).map { ByteText(unsafe String(cString: $0)) } ?? ""
    }

    private static func milliseconds() -> Int64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1000 + Int64(now.tv_nsec) / 1_000_000
    }

    private static func answer(_ asked: JSONObject, _ table: TablePort) -> JSONValue {
        let text = asked["text"]?.string ?? ""
        do throws(TableFault) {
            switch asked["do"]?.string {
            case "contract":
                return .array(try Contract(table).broken().map { .string($0) })
            case "get": return .string(try table.get(ItemKey(text)) == nil ? "none" : "some")
            case "query": return .string(String(try table.query(text, "", 100).count))
            case "append":
                return .string(name(try table.write(append(text, to: "one"), .nothing)))
            case "transact":
                let writes = [append(text, to: "one"), append(text, to: "other")]
                guard case .done = try table.transact(writes, text) else { return "refused" }
                return "done"
            default: return "what?"
            }
        } catch {
            switch error {
            case .unavailable: return "unavailable"
            case .unknown: return "unknown"
            case .tooLarge: return "too large"
            case .invalid(let reason): return .string("invalid: \(reason)")
            }
        }
    }

    private static func name(_ outcome: WriteOutcome) -> String {
        if case .done = outcome { "done" } else { "refused" }
    }

    private static func append(_ text: ByteText, to name: ByteText) -> TableWrite {
        TableWrite(
            ItemKey(name),
            .update(
                TableExpression(
                    "SET #list = list_append(if_not_exists(#list, :none), :one)",
                    names: ["#list": "list"],
                    values: [":none": .list([]), ":one": .list([.text(text)])])))
    }
}
