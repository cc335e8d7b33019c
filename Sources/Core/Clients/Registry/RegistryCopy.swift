/// Fills an empty registry with all that another holds, so that it takes the other's place.
///
/// Each table is walked in the order of its keys, in both at once, and what differs is brought
/// level: so a copy that was interrupted is gone on with by making it again. Until it is finished
/// the registry that is filled bears a mark, by which everybody is refused.
package struct RegistryCopy {
    package struct Progress: Equatable, Sendable {
        package enum Phase: Sendable { case copying, comparing }

        package let phase: Phase
        package fileprivate(set) var rowsDone = 0
        package let rowsInAll: Int
    }

    package struct Summary: Sendable {
        /// Of each table, in their order.
        package fileprivate(set) var rows: [(table: RegistryTable, count: Int)] = []
        /// How many of them were not there already.
        package fileprivate(set) var written = 0
        package fileprivate(set) var isResumed = false

        fileprivate var rowsInAll: Int { rows.reduce(0) { $0 + $1.count } }
    }

    private let source: any CopiedRegistry
    private let target: any CopiedRegistry
    private let run: Int64
    private let batchRows: Int
    private let progress: (Progress) -> Void

    /// - Parameters:
    ///   - source: Left as it is.
    ///   - target: Empty, or what a copy of the same source was begun into.
    ///   - run: A random number.
    ///   - batchRows: How many are written in one transaction, and are in memory at once.
    ///   - progress: Told of each batch.
    package init(
        from source: any CopiedRegistry, to target: any CopiedRegistry, run: Int64,
        batchRows: Int = 1_000, progress: @escaping (Progress) -> Void = { _ in }
    ) {
        self.progress = progress
        self.source = source
        self.target = target
        self.run = run
        self.batchRows = batchRows
    }

    /// Copies, reads both again and compares them, and opens the target.
    ///
    /// - Throws: A `RegistryCopyFault` as failure, or a driver's own. The target is unfinished
    ///   then, unless it was refused.
    package func perform() throws(RegistryFailure) -> Summary {
        var summary = Summary()
        let moment = try source.readTables { rows in
            let moment = try rows.moment()
            for table in RegistryTable.all {
                summary.rows.append((table, try rows.count(of: table)))
            }
            summary.isResumed = try begin(moment)
            var done = Progress(phase: .copying, rowsInAll: summary.rowsInAll)
            for table in RegistryTable.all {
                summary.written += try level(table, rows, moment, &done)
            }
            return moment
        }
        try source.readTables { rows in
            guard try rows.moment() == moment else { throw RegistryCopyFault.sourceChanged.failure }
            try target.readTables { others in
                var done = Progress(phase: .comparing, rowsInAll: summary.rowsInAll)
                for table in RegistryTable.all { try compare(table, rows, others, &done) }
            }
        }
        guard try source.readTables({ try $0.moment() }) == moment else {
            throw RegistryCopyFault.sourceChanged.failure
        }
        try target.writeTables { rows in
            try check(rows, moment)
            try rows.finish(at: moment)
        }
        return summary
    }

    /// Marks the target, which is empty or bears the mark of this source; whether it is the latter.
    private func begin(_ moment: RegistryMoment) throws -> Bool {
        try target.writeTables { rows in
            let mark = UnfinishedCopy(source: moment.identity, run: run)
            if let unfinished = try rows.unfinishedCopy() {
                guard unfinished.source == mark.source else {
                    throw RegistryCopyFault.otherSource.failure
                }
                try rows.begin(mark)
                return true
            }
            guard try rows.moment().identity != mark.source else {
                throw RegistryCopyFault.isCopyAlready.failure
            }
            for table in RegistryTable.all {
                guard let row = try rows.page(of: table, after: nil, limit: 1).first else {
                    continue
                }
                throw RegistryCopyFault.targetNotEmpty(
                    table.thing, name: table.name(of: table.key(of: row))
                ).failure
            }
            try rows.begin(mark)
            return false
        }
    }

    /// Whoever began later goes on alone.
    private func check(_ rows: any RegistryTables, _ moment: RegistryMoment) throws {
        let mark = UnfinishedCopy(source: moment.identity, run: run)
        guard try rows.unfinishedCopy() == mark else { throw RegistryCopyFault.takenOver.failure }
    }

    /// Returns how many rows were written.
    private func level(
        _ table: RegistryTable, _ rows: any RegistryTables, _ moment: RegistryMoment,
        _ done: inout Progress
    ) throws -> Int {
        var written = 0
        var after: RegistryTable.Key?
        repeat {
            let page = try page(of: table, after: after, rows)
            let difference = try target.writeTables { others in
                try check(others, moment)
                let difference = RegistryDifference(
                    table, from: page, to: try self.page(of: table, after: after, others),
                    limit: batchRows)
                if table.isLog, let odd = difference.surplus.first {
                    throw RegistryCopyFault.otherLog(name: table.name(of: odd)).failure
                }
                try others.remove(difference.surplus, from: table)
                try others.insert(difference.missing, into: table)
                return difference
            }
            written += difference.missing.count
            after = difference.end
            count(page, upTo: after, table, &done)
        } while after != nil
        return written
    }

    private func compare(
        _ table: RegistryTable, _ rows: any RegistryTables, _ others: any RegistryTables,
        _ done: inout Progress
    ) throws {
        var after: RegistryTable.Key?
        repeat {
            let page = try page(of: table, after: after, rows)
            let difference = RegistryDifference(
                table, from: page, to: try self.page(of: table, after: after, others),
                limit: batchRows)
            if let key = difference.first {
                throw RegistryCopyFault.differs(table.thing, name: table.name(of: key)).failure
            }
            after = difference.end
            count(page, upTo: after, table, &done)
        } while after != nil
    }

    private func page(
        of table: RegistryTable, after key: RegistryTable.Key?, _ rows: any RegistryTables
    ) throws -> [RegistryTable.Row] {
        let page = try rows.page(of: table, after: key, limit: batchRows)
        if let row = page.first(where: { !table.isReadable($0) }) {
            throw RegistryCopyFault.unreadable(
                table.thing, name: table.name(of: table.key(of: row))
            ).failure
        }
        return page
    }

    private func count(
        _ page: [RegistryTable.Row], upTo end: RegistryTable.Key?, _ table: RegistryTable,
        _ done: inout Progress
    ) {
        done.rowsDone +=
            end.map { end in
                page.count { !RegistryTable.precedes(end, table.key(of: $0)) }
            } ?? page.count
        progress(done)
    }
}
