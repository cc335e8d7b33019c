import Bytes
import HTTPMessages
import StrictJSON
import Tables

/// What DynamoDB says instead of doing what it was asked for.
struct TableRefusal {
    /// Why a transaction was not carried out, of one of its writes.
    struct Reason {
        let code: ByteText
        let message: ByteText
        let item: JSONValue?
    }

    /// Without the namespace; empty where none is given.
    let code: ByteText
    private let message: ByteText
    private let item: JSONValue?
    private let reasons: [Reason]
    private let status: Int

    init(_ response: HTTPResponse) {
        status = response.status
        let json = try? JSONValue.parse(response.body, limits: TableAnswer.limits)
        let members = json?.object ?? JSONObject()
        // com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException
        let type = members["__type"]?.string ?? ""
        code = type.split(separator: UInt8(ascii: "#")).last ?? ""
        message = Self.message(in: members)
        item = members["Item"]
        reasons = (members["CancellationReasons"]?.array ?? []).map { reason in
            let members = reason.object ?? JSONObject()
            return Reason(
                code: members["Code"]?.string ?? "", message: Self.message(in: members),
                item: members["Item"])
        }
    }

    private static func message(in members: JSONObject) -> ByteText {
        (members["message"] ?? members["Message"])?.string ?? ""
    }
}

// MARK: - What it means

extension TableRefusal {
    enum Meaning: Equatable {
        /// A condition does not hold: of these writes, by their places.
        case refused([Int: Item?])
        case fault(TableFault)
        /// It may be asked for again, some time later; until then it may have been done all the
        /// same, or has not.
        case later(isPerhapsDone: Bool)
    }

    /// Whoever was refused with one of these was refused before anything was done.
    private static let passing: [ByteText] = [
        "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
        "TransactionConflictException", "ReplicatedWriteConflictException",
    ]
    private static let passingReasons: [ByteText] = [
        "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded",
    ]
    /// Those whose messages speak of expressions, tables and roles. Others' may quote a signed
    /// request.
    private static let shown: [ByteText] = [
        "ValidationException", "AccessDeniedException", "ResourceNotFoundException",
    ]
    private static let messageBytesMax = 300

    var meaning: Meaning {
        switch code {
        case "ConditionalCheckFailedException": return refused([(0, item)])
        case "TransactionCanceledException": return cancelled
        // The same transaction, by its token, is under way.
        case "TransactionInProgressException": return .later(isPerhapsDone: true)
        case "ValidationException" where Self.saysTooLarge(message): return .fault(.tooLarge)
        default:
            if Self.passing.contains(code) || status == 429 { return .later(isPerhapsDone: false) }
            guard status < 500 else { return .later(isPerhapsDone: true) }
            return .fault(.invalid(shownText))
        }
    }

    private var cancelled: Meaning {
        let failed = reasons.enumerated().filter { $0.element.code == "ConditionalCheckFailed" }
        guard failed.isEmpty else { return refused(failed.map { ($0.offset, $0.element.item) }) }
        // One that is never done is not made possible by waiting for the others.
        let lasting = reasons.first {
            $0.code != "None" && !Self.passingReasons.contains($0.code)
        }
        if let lasting {
            guard !Self.saysTooLarge(lasting.message) else { return .fault(.tooLarge) }
            return .fault(.invalid("\(code): \(Self.printable(lasting.code))"))
        }
        return .later(isPerhapsDone: false)
    }

    private func refused(_ items: [(Int, JSONValue?)]) -> Meaning {
        var found: [Int: Item?] = [:]
        for (index, json) in items {
            do throws(UnreadableAnswer) {
                found.updateValue(try json.map(TableAnswer.item), forKey: index)
            } catch {
                return .fault(.invalid(error.text))
            }
        }
        return .refused(found)
    }

    /// `Item size has exceeded the maximum allowed size`, `Item size to update has exceeded the …`
    private static func saysTooLarge(_ message: ByteText) -> Bool {
        message.hasPrefix("Item size ") && message.hasSuffix("exceeded the maximum allowed size")
    }

    /// What the log may say of it.
    var shownText: String {
        let name = code.isEmpty ? "status \(status)" : Self.printable(code)
        guard Self.shown.contains(code), !message.isEmpty else { return name }
        return "\(name): \(Self.printable(message))"
    }

    private static func printable(_ text: ByteText) -> String {
        let bytes = text.utf8.prefix(messageBytesMax).map { 0x20..<0x7F ~= $0 ? $0 : 0x3F }
        return String(decoding: bytes, as: UTF8.self)
    }
}
