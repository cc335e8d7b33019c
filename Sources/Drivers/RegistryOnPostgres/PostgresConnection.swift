import Bytes
internal import CPQ
import Glibc

/// One connection to a server, over libpq, with an end to each wait. Not for several threads at
/// once. A connection of which anything but an answer came is not to be used again.
///
/// Whatever is asked is sent by the extended protocol, in the binary format, so that nothing in a
/// value can be taken for SQL.
@safe final class PostgresConnection {
    private let connection: OpaquePointer
    /// Names of statements that are prepared already.
    private var prepared: [ByteText: String] = [:]

    /// Connects. What the target leaves open, such as a password, comes from where libpq looks
    /// (`PGPASSFILE`, `PGSERVICEFILE`).
    init(_ target: PostgresTarget, until deadline: PostgresDeadline) throws(PostgresFault) {
        let options = target.options
        var opened: OpaquePointer?
        unsafe Self.withCStrings(options.map(\.name)) { names in
            unsafe Self.withCStrings(options.map(\.value)) { values in
                unsafe opened = PQconnectStartParams(names, values, 1)
            }
        }
        guard let opened = unsafe opened else { throw .unreachable("no memory") }
        unsafe connection = opened
        try finishConnecting(until: deadline)
        unsafe PQsetnonblocking(connection, 1)
        unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
    }

    deinit { unsafe PQfinish(connection) }

    private func finishConnecting(until deadline: PostgresDeadline) throws(PostgresFault) {
        guard unsafe PQstatus(connection) != CONNECTION_BAD else { throw problem() }
        var next = PGRES_POLLING_WRITING
        while true {
            switch next {
            case PGRES_POLLING_OK: return
            case PGRES_POLLING_READING: try wait(POLLIN, until: deadline)
            case PGRES_POLLING_WRITING: try wait(POLLOUT, until: deadline)
            default: throw problem()
            }
            next = unsafe PQconnectPoll(connection)
        }
    }

    /// Its socket, to be waited on for notifications.
    var descriptor: Int32 { unsafe PQsocket(connection) }

    /// Takes notifications in that have arrived; whether there were any.
    func takeNotifications() throws(PostgresFault) -> Bool {
        guard unsafe PQconsumeInput(connection) == 1 else { throw problem() }
        var found = false
        while let notification = unsafe PQnotifies(connection) {
            unsafe PQfreemem(notification)
            found = true
        }
        return found
    }

    /// Has a statement executed, and returns its rows.
    @discardableResult
    func execute(
        _ sql: String, _ values: [PostgresValue] = [], until deadline: PostgresDeadline
    ) throws(PostgresFault) -> [PostgresRow] {
        let name = try prepare(sql, values, until: deadline)
        let wires = values.map(\.wire)
        let lengths = wires.map { Int32($0?.count ?? 0) }
        let formats = [Int32](repeating: 1, count: wires.count)
        var isSent: Int32 = 0
        unsafe Self.withPointers(wires) { pointers in
            unsafe isSent = PQsendQueryPrepared(
                connection, name, Int32(wires.count), pointers, lengths, formats, 1)
        }
        guard isSent == 1 else { throw problem() }
        return try results(until: deadline)
    }

    /// Several statements in one text, without values.
    func run(script: String, until deadline: PostgresDeadline) throws(PostgresFault) {
        guard unsafe PQsendQuery(connection, script) == 1 else { throw problem() }
        _ = try results(until: deadline)
    }

    private func prepare(
        _ sql: String, _ values: [PostgresValue], until deadline: PostgresDeadline
    ) throws(PostgresFault) -> String {
        if let known = prepared[ByteText(sql)] { return known }
        let name = "s\(prepared.count)"
        // Without types: those of the columns are the statement's own.
        guard unsafe PQsendPrepare(connection, name, sql, 0, nil) == 1 else { throw problem() }
        _ = try results(until: deadline)
        prepared[ByteText(sql)] = name
        return name
    }

    /// Reads all that a statement gives, the end of it included.
    private func results(until deadline: PostgresDeadline) throws(PostgresFault) -> [PostgresRow] {
        while unsafe PQflush(connection) == 1 {
            try wait(POLLIN | POLLOUT, until: deadline)
            guard unsafe PQconsumeInput(connection) == 1 else { throw problem() }
        }
        var rows: [PostgresRow] = []
        var fault: PostgresFault?
        while true {
            while unsafe PQisBusy(connection) == 1 {
                try wait(POLLIN, until: deadline)
                guard unsafe PQconsumeInput(connection) == 1 else { throw problem() }
            }
            guard let result = unsafe PQgetResult(connection) else { break }
            defer { unsafe PQclear(result) }
            switch unsafe PQresultStatus(result) {
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: break
            case PGRES_TUPLES_OK: unsafe rows = Self.rows(of: result)
            default: unsafe fault = fault ?? Self.fault(of: result)
            }
        }
        if let fault { throw fault }
        guard unsafe PQstatus(connection) == CONNECTION_OK else { throw problem() }
        return rows
    }

    private static func rows(of result: OpaquePointer) -> [PostgresRow] {
        let (rows, columns) = unsafe (PQntuples(result), PQnfields(result))
        return (0..<rows).map { row in
            PostgresRow(
                (0..<columns).map { column in
                    guard unsafe PQgetisnull(result, row, column) == 0 else { return nil }
                    let count = Int(unsafe PQgetlength(result, row, column))
                    let bytes = unsafe UnsafeRawBufferPointer(
                        start: PQgetvalue(result, row, column), count: count)
                    return unsafe Array(bytes)
                })
        }
    }

    private static func fault(of result: OpaquePointer) -> PostgresFault {
        let diagnosis = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "C")))
        guard let state = unsafe diagnosis else {
            return unsafe .unreachable(Self.line(PQresultErrorMessage(result)))
        }
        let words = unsafe PQresultErrorField(result, Int32(UInt8(ascii: "M")))
        return .refused(
            state: ByteText(unsafe String(cString: state)), message: unsafe Self.line(words))
    }

    /// What the connection itself complains of: never a password, which libpq does not repeat.
    private func problem() -> PostgresFault {
        let text = unsafe Self.line(PQerrorMessage(connection))
        return unsafe PQconnectionNeedsPassword(connection) == 1
            || PQconnectionUsedPassword(connection) == 1 && Self.isLogin(text)
            ? .refused(state: "28P01", message: text) : Self.sorted(text)
    }

    /// Before there is a session libpq gives no SQLSTATE, but the server's words.
    private static func sorted(_ text: String) -> PostgresFault {
        let words = ByteText(text)
        if isLogin(text) { return .refused(state: "28000", message: text) }
        if words.contains("database \"") && words.contains("does not exist") {
            return .refused(state: "3D000", message: text)
        }
        if words.contains("session is read-only") || words.contains("is in hot standby mode") {
            return .refused(state: "25006", message: text)
        }
        if words.contains("too many connections") || words.contains("too many clients") {
            return .refused(state: "53300", message: text)
        }
        return .unreachable(text)
    }

    private static func isLogin(_ text: String) -> Bool {
        let words = ByteText(text)
        return words.contains("authentication failed") || words.contains("pg_hba.conf")
            || words.contains("role \"") && words.contains("does not exist")
    }

    /// Without line feeds, of which each line of a message has one.
    private static func line(_ text: UnsafePointer<CChar>?) -> String {
        guard let text = unsafe text else { return "" }
        let bytes = unsafe Array(String(cString: text).utf8.prefix(512))
        return bytes.split(separator: UInt8(ascii: "\n"))
            .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "; ")
    }

    private func wait(_ events: Int32, until deadline: PostgresDeadline) throws(PostgresFault) {
        try deadline.wait(for: events, on: descriptor)
    }
}

// MARK: Pointers for C

extension PostgresConnection {
    /// With NULL behind the last.
    private static func withCStrings(
        _ texts: [String], _ body: ([UnsafePointer<CChar>?]) -> Void
    ) {
        let ended = texts.map { Array($0.utf8) }
        unsafe withPointers(ended) { unsafe body($0 + [nil]) }
    }

    /// NULL for what is nil; the others are ended by a zero, and have an address even where they
    /// are empty.
    private static func withPointers(
        _ values: [[UInt8]?], _ body: ([UnsafePointer<CChar>?]) -> Void
    ) {
        var all: [CChar] = [0]
        var places: [Int?] = []
        for value in values {
            places.append(value.map { _ in all.count })
            for byte in value ?? [] { all.append(CChar(bitPattern: byte)) }
            all.append(0)
        }
        unsafe all.withUnsafeBufferPointer { bytes in
            var pointers: [UnsafePointer<CChar>?] = unsafe []
            for place in places {
                unsafe pointers.append(
                    place == nil ? nil : bytes.baseAddress.map { unsafe $0 + (place ?? 0) })
            }
            unsafe body(pointers)
        }
    }
}

extension ByteText {
    fileprivate func contains(_ part: StaticString) -> Bool {
        let wanted = ByteText("\(part)")
        guard wanted.count <= count else { return false }
        return (0...(count - wanted.count)).contains { start in
            utf8.span.extracting(start..<(start + wanted.count)).equals(wanted.utf8.span)
        }
    }
}
