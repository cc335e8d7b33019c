/// Lines that wait to be written, within bounds: whoever has one to add never waits.
///
/// Over a bound lines are dropped, the newest, until half of the room is free again: so what is
/// dropped in one go is told of once, at the place where it is missing.
package struct LineQueue: Sendable {
    /// What is to be written next.
    package enum Piece: Equatable, Sendable {
        /// Whole lines, their ends included.
        case lines([UInt8])
        /// So many lines are missing here.
        case gap(Int)
    }

    private let linesMax: Int
    private let bytesMax: Int
    /// One line each, or a gap; those before `first` have been handed out.
    private var entries: [Piece] = []
    private var first = 0
    private var lineCount = 0
    private var byteCount = 0
    private var isDropping = false
    /// Dropped behind the last entry.
    private var missing = 0
    /// Lines dropped since the start.
    package private(set) var droppedCount = 0

    package init(linesMax: Int = 8192, bytesMax: Int = 1 << 20) {
        self.linesMax = linesMax
        self.bytesMax = bytesMax
    }

    /// Adds a line, its end included, or drops it.
    package mutating func append(_ line: [UInt8]) {
        if lineCount >= linesMax || line.count > bytesMax - byteCount {
            isDropping = true
        } else if isDropping {
            isDropping = lineCount > linesMax / 2 || byteCount > bytesMax / 2
        }
        guard !isDropping else {
            missing += 1
            droppedCount += 1
            return
        }
        if missing > 0 { entries.append(.gap(missing)) }
        missing = 0
        entries.append(.lines(line))
        lineCount += 1
        byteCount += line.count
    }

    /// Takes the next line, and those behind it that fit into `bytesMax` with it; nil where nothing
    /// waits.
    package mutating func next(bytesMax: Int) -> Piece? {
        guard first < entries.count else {
            defer { missing = 0 }
            return missing > 0 ? .gap(missing) : nil
        }
        if case .gap(let count) = entries[first] {
            advance()
            return .gap(count)
        }
        var lines: [UInt8] = []
        while first < entries.count, case .lines(let line) = entries[first],
            lines.isEmpty || lines.count + line.count <= bytesMax
        {
            lines += line
            lineCount -= 1
            byteCount -= line.count
            advance()
        }
        return .lines(lines)
    }

    /// Lets go of the first entry, and in time of its place.
    private mutating func advance() {
        entries[first] = .gap(0)
        first += 1
        guard first == entries.count || first >= linesMax else { return }
        entries.removeFirst(first)
        first = 0
    }
}
