import Bytes
import Files
import Glibc
import Locking
import StrictJSON

/// The log of the function: a line of JSON on stderr for each event, with the id of the request
/// that it happened in. Lambda adds the time.
final class FunctionLog: Sendable {
    private let descriptor: Int32
    private let requestID = Lock<ByteText?>(nil)

    init(descriptor: Int32 = STDERR_FILENO) { self.descriptor = descriptor }

    /// Another piece of work has begun.
    func begin(_ requestID: ByteText) { self.requestID.withLock { $0 = requestID } }

    @Sendable func write(_ event: StaticString, _ fields: [(StaticString, String)]) {
        var line: JSONObject = ["event": .string("\(event)")]
        line["request"] = requestID.withLock { $0 }.map { .string($0) }
        for (name, value) in fields {
            let name = ByteText("\(name)")
            if line[name] == nil { line[name] = .string(value) }
        }
        // Nobody is left to tell where it fails.
        _ = FileBytes.write(
            (JSONValue.object(line).serialized() + [UInt8(ascii: "\n")])[...], to: descriptor)
    }
}
