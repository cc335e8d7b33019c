import Bytes
import Locking
import ServerlessRelay
import Tables

/// What goes wrong at one step of an invocation; steps are calls of the table, the gateway and the
/// timers, counted from 1.
enum StepFault: Equatable {
    /// The function is killed before it: neither this step nor any later one is taken.
    case killed(at: Int)
    case unavailable(at: Int)
    /// Nobody hears what came of it.
    case doneUnheard(at: Int)
    case lostUnheard(at: Int)
}

/// Counts steps, and has one of them fail.
final class Steps: Sendable {
    struct State {
        var count = 0
        var fault: StepFault?
        var log: [String] = []
    }

    enum Verdict { case fine, killed, unavailable, doneUnheard, lostUnheard }

    let state = Lock(State())

    func begin(_ fault: StepFault?) { state.withLock { $0 = State(fault: fault) } }
    var count: Int { state.withLock { $0.count } }
    var log: [String] { state.withLock { $0.log } }

    func take(_ name: String) -> Verdict {
        state.withLock { state in
            state.count += 1
            state.log.append(name)
            switch state.fault {
            case .killed(let step)?: return state.count >= step ? .killed : .fine
            case .unavailable(let step)?: return state.count == step ? .unavailable : .fine
            case .doneUnheard(let step)?: return state.count == step ? .doneUnheard : .fine
            case .lostUnheard(let step)?: return state.count == step ? .lostUnheard : .fine
            case nil: return .fine
            }
        }
    }
}

/// A table in memory that does what DynamoDB does with the expressions that are used, one call
/// after the other.
final class MemoryTable: Sendable {
    struct State {
        var items: [ItemKey: Item] = [:]
        var tokens: Set<ByteText> = []
        /// As DynamoDB counts: of 4 KB in reads, of 1 KB in writes, double in a transaction.
        var reads = 0
        var writes = 0
        var calls = 0
    }

    let state = Lock(State())
    /// Happens right before what a call, named as in `Steps.log`, does.
    let onCall = Lock<(@Sendable (String, inout State) -> Void)?>(nil)
    private let steps: Steps

    init(_ steps: Steps) { self.steps = steps }

    var port: TablePort {
        TablePort(
            get: { key throws(TableFault) in
                try self.call("get \(key.partition) \(key.sort)") { state in
                    let item = state.items[key]
                    state.reads += max(1, (Self.size(item) + 4095) / 4096)
                    return item
                }
            },
            query: { partition, after, countMax throws(TableFault) in
                try self.call("query \(partition)") { state in
                    let found = state.items.filter {
                        $0.key.partition == partition && after < $0.key.sort
                    }.sorted { $0.key.sort < $1.key.sort }.prefix(countMax)
                    let size = found.reduce(0) { $0 + Self.size($1.value) }
                    state.reads += max(1, (size + 4095) / 4096)
                    return found.map { (sort: $0.key.sort, item: $0.value) }
                }
            },
            scan: { filter, after throws(TableFault) in
                try self.call("scan") { state in Self.scan(filter, after, &state) }
            },
            write: { write, returns throws(TableFault) in
                try self.call("write \(write.key.partition) \(write.key.sort)") { state in
                    Self.perform(write, returns, &state)
                }
            },
            transact: { writes, token throws(TableFault) in
                try self.call("transact \(writes.map(\.key.partition))") { state in
                    Self.perform(writes, token, &state)
                }
            })
    }

    /// How many items a part of a scan has.
    static let scannedMax = 5

    private static func scan(
        _ filter: TableExpression, _ after: ItemKey?, _ state: inout State
    ) -> TableScan {
        let order = { (key: ItemKey) in (key.partition, key.sort) }
        let rest = state.items.filter { row in after.map { order($0) < order(row.key) } ?? true }
            .sorted { order($0.key) < order($1.key) }
        let part = rest.prefix(scannedMax)
        state.reads += part.count
        let rows = part.filter { row in
            let keys: Item = ["pk": .text(row.key.partition), "sk": .text(row.key.sort)]
            return Expressions.holds(filter, of: row.value.merging(keys) { $1 })
        }
        return TableScan(
            rows: rows.map { TableScan.Row($0.key, $0.value) }, examined: part.count,
            next: part.count < rest.count ? part.last?.key : nil)
    }

    private func call<Result>(
        _ name: String, _ body: (inout State) throws(TableFault) -> Result
    ) throws(TableFault) -> Result {
        let verdict = steps.take(name)
        guard verdict != .killed, verdict != .unavailable else { throw .unavailable("\(verdict)") }
        guard verdict != .lostUnheard else { throw .unknown("lost") }
        let onCall = onCall.withLock { $0 }
        let result = state.withLock { state -> Swift.Result<Result, TableFault> in
            state.calls += 1
            onCall?(name, &state)
            do throws(TableFault) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        guard verdict != .doneUnheard else { throw .unknown("unheard") }
        return try result.get()
    }

    private static func perform(
        _ write: TableWrite, _ returns: TableReturn, _ state: inout State
    ) -> WriteOutcome {
        let old = state.items[write.key]
        state.writes += max(1, (size(old) + 1023) / 1024)
        check(write)
        guard Expressions.holds(write.condition, of: old) else { return .refused(old) }
        state.items[write.key] = changed(old, write)
        switch returns {
        case .nothing: return .done(nil)
        case .old: return .done(old)
        case .new: return .done(state.items[write.key])
        }
    }

    private static func perform(
        _ writes: [TableWrite], _ token: ByteText, _ state: inout State
    ) -> TransactionOutcome {
        precondition((1...36).contains(token.count) && writes.count <= 100, "no transaction")
        precondition(Set(writes.map(\.key)).count == writes.count, "an item occurs twice")
        for write in writes {
            state.writes += 2 * max(1, (size(state.items[write.key]) + 1023) / 1024)
            check(write)
        }
        guard !state.tokens.contains(token) else { return .done }
        var refused: [Int: Item?] = [:]
        for (index, write) in writes.enumerated() {
            let old = state.items[write.key]
            if !Expressions.holds(write.condition, of: old) { refused[index] = .some(old) }
        }
        guard refused.isEmpty else { return .refused(refused) }
        state.tokens.insert(token)
        for write in writes {
            state.items[write.key] = changed(state.items[write.key], write)
        }
        return .done
    }

    /// Placeholders of a condition stand for what they do in the update.
    private static func check(_ write: TableWrite) {
        precondition(write.key.partition.count <= 2048 && write.key.sort.count <= 1024)
        guard case .update(let update) = write.kind, let condition = write.condition else { return }
        for (name, value) in condition.names {
            precondition(update.names[name].map { $0 == value } ?? true, "\(name) is two things")
        }
        for (name, value) in condition.values {
            precondition(update.values[name].map { $0 == value } ?? true, "\(name) is two things")
        }
    }

    private static func changed(_ old: Item?, _ write: TableWrite) -> Item? {
        switch write.kind {
        case .put(let item): item
        case .update(let update): Expressions.updated(old, by: update)
        case .delete: nil
        case .check: old
        }
    }

    static func size(_ item: Item?) -> Int {
        (item ?? [:]).reduce(0) { $0 + $1.key.count + size($1.value) }
    }

    private static func size(_ value: ItemValue) -> Int {
        switch value {
        case .text(let text): text.count
        case .number(let number): String(number).utf8.count / 2 + 2
        case .bytes(let bytes): bytes.count
        case .flag, .null: 1
        case .list(let list): list.reduce(3) { $0 + size($1) + 1 }
        case .map(let map): map.reduce(3) { $0 + $1.key.count + size($1.value) + 1 }
        }
    }
}

/// Connections of a gateway, each with what it was sent.
final class MemoryGateway: Sendable {
    struct State {
        var posts: [ByteText: [[UInt8]]] = [:]
        /// Neither there any more nor ended by us.
        var gone: Set<ByteText> = []
        var ended: Set<ByteText> = []
        /// How often these are not there yet.
        var early: [ByteText: Int] = [:]
    }

    let state = Lock(State())
    /// Happens within a post, before it is done.
    let onPost = Lock<(@Sendable (ByteText) throws -> Void)?>(nil)
    /// Nothing is sent.
    let isDown = Lock(false)
    private let steps: Steps

    init(_ steps: Steps) { self.steps = steps }

    var port: GatewayPort {
        GatewayPort(
            post: { gateway, bytes throws(GatewayFault) in
                let onPost = self.onPost.withLock { $0 }
                do { try onPost?(gateway) } catch { fatalError("\(error)") }
                guard !self.isDown.withLock({ $0 }) else { throw .unavailable("down") }
                return try self.call("post \(gateway)") { state throws(GatewayFault) in
                    guard bytes.count <= 131_072 else { throw .tooLarge }
                    guard !state.gone.contains(gateway), !state.ended.contains(gateway) else {
                        return false
                    }
                    if let count = state.early[gateway], count > 0 {
                        state.early[gateway] = count - 1
                        return false
                    }
                    state.posts[gateway, default: []].append(bytes)
                    return true
                }
            },
            end: { gateway throws(GatewayFault) in
                try self.call("end \(gateway)") { state in
                    _ = state.ended.insert(gateway)
                }
            })
    }

    private func call<Result: Sendable>(
        _ name: String, _ body: (inout State) throws(GatewayFault) -> Result
    ) throws(GatewayFault) -> Result {
        let verdict = steps.take(name)
        guard verdict != .killed, verdict != .unavailable else { throw .unavailable("\(verdict)") }
        guard verdict != .lostUnheard else { throw .unknown("lost") }
        let result = state.withLock { state -> Swift.Result<Result, GatewayFault> in
            do throws(GatewayFault) {
                return .success(try body(&state))
            } catch {
                return .failure(error)
            }
        }
        guard verdict != .doneUnheard else { throw .unknown("unheard") }
        return try result.get()
    }
}
