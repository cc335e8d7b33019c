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
    /// What the last statement did, in the server's words of command.
    private var lastTag: ByteText = ""

    /// Begins to connect: see `open`.
    init(beginning options: [PostgresTarget.Option]) throws(PostgresFault) {
        var opened: OpaquePointer?
        unsafe Self.withCStrings(options.map(\.name)) { names in
            unsafe Self.withCStrings(options.map(\.value)) { values in
                unsafe opened = PQconnectStartParams(names, values, 1)
            }
        }
        guard let opened = unsafe opened else { throw .unreachable("no memory") }
        unsafe connection = opened
        // With the SQLSTATE in what is said before there is a session.
        unsafe PQsetErrorVerbosity(connection, PQERRORS_VERBOSE)
        unsafe PQsetNoticeProcessor(connection, { _, _ in }, nil)
    }

    deinit { unsafe PQfinish(connection) }

    func finishConnecting(until deadline: PostgresDeadline) throws(PostgresFault) {
        var next =
            unsafe PQstatus(connection) == CONNECTION_BAD
            ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING
        while next != PGRES_POLLING_OK {
            switch next {
            case PGRES_POLLING_READING: try wait(POLLIN, until: deadline)
            case PGRES_POLLING_WRITING: try wait(POLLOUT, until: deadline)
            default: throw unsafe PostgresFault(connecting: Self.bytes(PQerrorMessage(connection)))
            }
            next = unsafe PQconnectPoll(connection)
        }
        unsafe PQsetnonblocking(connection, 1)
        guard serverVersion >= Self.oldestServer else {
            throw .serverTooOld(version: serverVersion)
        }
    }

    /// What libpq made of the target, service files and variables.
    func option(_ name: StaticString) -> String {
        let all = unsafe PQconninfo(connection)
        defer { unsafe PQconninfoFree(all) }
        var next = unsafe all
        while let option = unsafe next, let keyword = unsafe option.pointee.keyword {
            if unsafe strcmp(keyword, "\(name)") == 0 {
                return unsafe option.pointee.val.map { unsafe String(cString: $0) } ?? ""
            }
            unsafe next = option + 1
        }
        return ""
    }

    /// 13.0, as `serverVersion` has it.
    static let oldestServer: Int32 = 130_000

    /// As 150020 for 15.20.
    var serverVersion: Int32 { unsafe PQserverVersion(connection) }

    var usesTLS: Bool { unsafe PQsslInUse(connection) == 1 }

    /// Its socket, to be waited on for notifications.
    var descriptor: Int32 { unsafe PQsocket(connection) }

    /// Takes in what has arrived without having been asked for, notifications among it; false where
    /// the connection is over.
    func hear() -> Bool {
        guard unsafe PQconsumeInput(connection) == 1 else { return false }
        _ = takeNotifications()
        return true
    }

    /// Drops notifications that were taken in; whether there were any.
    func takeNotifications() -> Bool {
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

    /// Several statements in one text, without values; returns what the last one gave.
    @discardableResult
    func run(
        script: String, until deadline: PostgresDeadline
    ) throws(PostgresFault) -> [PostgresRow] {
        guard unsafe PQsendQuery(connection, script) == 1 else { throw problem() }
        return try results(until: deadline)
    }

    /// Ends the transaction: what was done in it is kept when this returns.
    ///
    /// - Throws: `.abandoned` where a statement failed in it, whoever overlooked that: then nothing
    ///   is kept. The server takes `COMMIT` all the same, and rolls back.
    func commit(until deadline: PostgresDeadline) throws(PostgresFault) {
        guard unsafe PQtransactionStatus(connection) == PQTRANS_INTRANS else { throw .abandoned }
        try run(script: "COMMIT", until: deadline)
        guard lastTag == "COMMIT" else { throw .abandoned }
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
            case PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: rows = []
            case PGRES_TUPLES_OK: unsafe rows = Self.rows(of: result)
            default: unsafe fault = fault ?? Self.fault(of: result)
            }
            lastTag = unsafe ByteText(
                String(decoding: Self.bytes(PQcmdStatus(result)), as: UTF8.self))
        }
        guard unsafe PQstatus(connection) == CONNECTION_OK else {
            throw fault?.endsConnection == true ? fault ?? problem() : problem()
        }
        if let fault { throw fault }
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
            return unsafe .unreachable(PostgresFault.line(bytes(PQresultErrorMessage(result))))
        }
        let words = unsafe bytes(PQresultErrorField(result, Int32(UInt8(ascii: "M"))))
        return .refused(
            state: ByteText(unsafe String(cString: state)), message: PostgresFault.line(words))
    }

    /// What is wrong with a connection that there was.
    private func problem() -> PostgresFault {
        .unreachable(PostgresFault.line(unsafe Self.bytes(PQerrorMessage(connection))))
    }

    /// None for NULL.
    private static func bytes(_ text: UnsafePointer<CChar>?) -> [UInt8] {
        guard let text = unsafe text else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: text, count: strlen(text)))
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
