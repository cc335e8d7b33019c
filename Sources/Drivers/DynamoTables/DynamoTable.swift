package import Bytes
import HTTPClient
import HTTPMessages
package import Tables

/// A table in DynamoDB, with `pk` and `sk` for its keys. Blocks, and may be used from any number of
/// threads at once.
package struct DynamoTable: Sendable {
    /// Asks once; see `AWSService.call`.
    typealias Call =
        @Sendable (_ operation: ByteText, _ body: [UInt8], _ isRepeatable: Bool)
        throws(HTTPClientError) -> HTTPResponse
    /// Waits until it is time for another try; false where there is none.
    typealias Wait = () -> Bool

    private let name: ByteText
    private let call: Call
    private let pauses: @Sendable () -> Wait

    /// - Parameters:
    ///   - name: Of the table.
    ///   - call: What requests go by.
    ///   - pauses: Begins a row of pauses, for one piece of work.
    init(_ name: ByteText, call: @escaping Call, pauses: @escaping @Sendable () -> Wait) {
        self.name = name
        self.call = call
        self.pauses = pauses
    }

    /// Whether a text may be the name of one.
    package static func isName(_ text: ByteText) -> Bool {
        let isPlain = text.utf8.allSatisfy { byte in
            0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
                || "_.-".utf8.contains(byte)
        }
        return isPlain && (3...255).contains(text.count)
    }

    package var port: TablePort {
        TablePort(
            get: { (key) throws(TableFault) in try get(key) },
            query: { (partition, after, countMax) throws(TableFault) in
                try query(partition, after: after, countMax: countMax)
            },
            scan: { (filter, after) throws(TableFault) in try scan(filter, after: after) },
            write: { (item, returning) throws(TableFault) in
                try write(item, returning: returning)
            },
            transact: { (writes, token) throws(TableFault) in
                try transact(writes, token: token)
            })
    }
}

// MARK: - What is done

extension DynamoTable {
    package func get(_ key: ItemKey) throws(TableFault) -> Item? {
        let answer = try read(.get(key, of: name))
        do throws(UnreadableAnswer) { return try answer.item } catch {
            throw .invalid(error.text)
        }
    }

    package func query(
        _ partition: ByteText, after: ByteText, countMax: Int
    ) throws(TableFault) -> [(sort: ByteText, item: Item)] {
        var rows: [(sort: ByteText, item: Item)] = []
        var after = after
        // A page ends where it would be too large, too.
        while rows.count < countMax {
            let request = TableRequest.query(
                partition, after: after, countMax: countMax - rows.count, of: name)
            let answer = try read(request)
            let page: TableAnswer.Page
            do throws(UnreadableAnswer) { page = try answer.page } catch {
                throw .invalid(error.text)
            }
            rows += page.rows.prefix(countMax - rows.count)
            guard !page.isLast, let last = page.rows.last else { break }
            after = last.sort
        }
        return rows
    }

    package func scan(
        _ filter: TableExpression, after: ItemKey?
    ) throws(TableFault) -> TableScan {
        let answer = try read(try .scan(filter, after: after, of: name))
        do throws(UnreadableAnswer) { return try answer.scan } catch {
            throw .invalid(error.text)
        }
    }

    package func write(
        _ write: TableWrite, returning: TableReturn
    ) throws(TableFault) -> WriteOutcome {
        let request = try TableRequest.write(write, returning: returning, to: name)
        switch try ask(request) {
        case .refused(let items): return .refused(items[0] ?? nil)
        case .done(let response):
            do throws(UnreadableAnswer) {
                return .done(try TableAnswer(response).attributes)
            } catch {
                throw .unknown(error.text)
            }
        }
    }

    package func transact(
        _ writes: [TableWrite], token: ByteText
    ) throws(TableFault) -> TransactionOutcome {
        let request = try TableRequest.transaction(writes, token: token, to: name)
        switch try ask(request) {
        case .refused(let items): return .refused(items)
        case .done: return .done
        }
    }

    private func read(_ request: TableRequest) throws(TableFault) -> TableAnswer {
        guard case .done(let response) = try ask(request) else {
            throw .invalid("a read was answered as if it had a condition")
        }
        do throws(UnreadableAnswer) { return try TableAnswer(response) } catch {
            throw .invalid(error.text)
        }
    }
}

// MARK: - Asking, and asking again

extension DynamoTable {
    private enum Outcome {
        case done(HTTPResponse)
        case refused([Int: Item?])
    }

    /// What befell one try.
    private struct Trouble {
        let reason: String
        let isPerhapsDone: Bool
    }

    /// Asks until there is an answer that tells what was done, or no time is left. A change whose
    /// outcome is unknown is asked for again only where that does it once.
    private func ask(_ request: TableRequest) throws(TableFault) -> Outcome {
        let wait = pauses()
        var unknown: String?
        while true {
            let trouble: Trouble
            switch attempt(request) {
            case .success(let outcome): return outcome
            case .failure(.lasting(let fault)):
                // What it says of this try says nothing of the one before.
                if let unknown, case .invalid = fault { throw .unknown(unknown) }
                throw fault
            case .failure(.passing(let one)): trouble = one
            }
            if trouble.isPerhapsDone {
                guard request.operation.isRepeatable else { throw .unknown(trouble.reason) }
                unknown = trouble.reason
            }
            guard wait() else {
                throw unknown.map { .unknown($0) } ?? .unavailable(trouble.reason)
            }
        }
    }

    private enum Failure: Error {
        case lasting(TableFault)
        case passing(Trouble)
    }

    private func attempt(_ request: TableRequest) -> Result<Outcome, Failure> {
        let response: HTTPResponse
        do throws(HTTPClientError) {
            let operation = request.operation
            response = try call(operation.target, request.body, operation.isRepeatable)
        } catch {
            let isPerhapsDone = error.mayHaveArrived && !request.operation.isRead
            guard error.mayPass else {
                let fault = isPerhapsDone ? TableFault.unknown : TableFault.invalid
                return .failure(.lasting(fault(error.code)))
            }
            return .failure(.passing(Trouble(reason: error.code, isPerhapsDone: isPerhapsDone)))
        }
        guard response.status != 200 else { return .success(.done(response)) }
        let refusal = TableRefusal(response)
        switch refusal.meaning {
        case .refused(let items): return .success(.refused(items))
        case .fault(let fault): return .failure(.lasting(fault))
        case .later(let isPerhapsDone):
            let isPerhapsDone = isPerhapsDone && !request.operation.isRead
            return .failure(
                .passing(Trouble(reason: refusal.shownText, isPerhapsDone: isPerhapsDone)))
        }
    }
}

extension HTTPClientError {
    /// Whether another try may go better, all else being as it is.
    fileprivate var mayPass: Bool {
        switch self {
        case .invalidURL, .invalidRequest, .trustUnreadable, .trustWithoutCertificate,
            .tlsUnavailable, .certificateRefused, .answerRefused:
            false
        case .nameNotResolved, .notConnected, .handshakeFailed, .timedOut, .connectionLost,
            .closedEarly:
            true
        }
    }
}
