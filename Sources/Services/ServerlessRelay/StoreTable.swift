internal import Bytes
internal import Signalling
internal import Tables

// How the store asks its table: all reads and single writes go through here, and what is not known
// to be done is found out.
extension Store {
    /// Whether there is time to try once more what others have prevented. After a few attempts they
    /// are given way first, each for a time of its own.
    func mayTry(_ attempt: inout Int, in invoked: Invoked) -> Bool {
        attempt += 1
        guard attempt > 4 else { return true }
        guard ports.milliseconds() + Self.reserveMilliseconds < invoked.deadline else {
            return false
        }
        ports.pause(1 + Int(ports.random(1).first ?? 0) % Self.giveWayMilliseconds)
        return true
    }

    private static let giveWayMilliseconds = 16
    /// In the last of an invocation's time no post and no further attempt is begun.
    static let reserveMilliseconds: Int64 = 1000

    func get(_ key: ItemKey) throws(StoreFault) -> Item? {
        try read { table throws(TableFault) in try table.get(key) }
    }

    /// What was asked and not answered is asked again.
    func read<Found>(
        _ body: (TablePort) throws(TableFault) -> Found
    ) throws(StoreFault) -> Found {
        var fault = StoreFault.unavailable("")
        for _ in 0..<3 {
            do throws(TableFault) {
                return try body(table)
            } catch {
                fault = StoreFault(error)
                guard case .unknown = error else { break }
            }
        }
        throw fault
    }

    func session(_ connection: ConnectionID) throws(StoreFault) -> SessionItem? {
        SessionItem(try get(SessionItem.key(connection)), connection, now: ports.now())
    }

    func room(_ name: RoomItem.Name) throws(StoreFault) -> RoomItem {
        RoomItem(try get(name.key), name)
    }

    /// Writes one item. Where nobody knows whether it was done, the item is read, and `isDone`
    /// tells: else it is tried again, so it must be something that can be done again.
    ///
    /// - Returns: Nil where the item would become too large.
    func write(
        _ write: TableWrite, returns: TableReturn = .new, isDone: (Item?) throws(StoreFault) -> Bool
    ) throws(StoreFault) -> WriteOutcome? {
        var fault = StoreFault.unavailable("")
        for _ in 0..<3 {
            do throws(TableFault) {
                return try table.write(write, returns)
            } catch {
                switch error {
                case .tooLarge: return nil
                case .unknown: fault = StoreFault(error)
                default: throw StoreFault(error)
                }
            }
            let item = try get(write.key)
            if try isDone(item) { return .done(item) }
        }
        throw fault
    }

    /// For what may be written twice.
    func put(_ key: ItemKey, _ item: Item) throws(StoreFault) {
        guard
            try write(TableWrite(key, .put(item)), returns: .nothing, isDone: { _ in false }) != nil
        else { throw .unavailable("an item is too large") }
    }

    func delete(_ key: ItemKey) throws(StoreFault) {
        _ = try write(TableWrite(key, .delete), returns: .nothing, isDone: { $0 == nil })
    }

    /// So many random bytes, in hexadecimal digits.
    func randomText(_ count: Int) -> ByteText {
        ByteText(
            ports.random(count).map { byte in
                let digits = String(byte, radix: 16)
                return digits.utf8.count < 2 ? "0" + digits : digits
            }.joined())
    }
}

extension StoreFault {
    init(_ fault: TableFault) {
        switch fault {
        case .unavailable(let text), .unknown(let text), .invalid(let text):
            self = .unavailable(text)
        case .tooLarge: self = .unavailable("an item is too large")
        }
    }
}

/// An expression. Names that are not given stand for themselves: `#base` for `base`; of the values
/// those are taken that occur.
func expression(
    _ text: String, _ values: [ByteText: ItemValue] = [:], names: [ByteText: ByteText] = [:]
) -> TableExpression {
    var usedNames: [ByteText: ByteText] = [:]
    var usedValues: [ByteText: ItemValue] = [:]
    let isPart = { (byte: UInt8) in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
    }
    var rest = text.utf8[...]
    while let start = rest.firstIndex(where: { $0 == UInt8(ascii: "#") || $0 == UInt8(ascii: ":") })
    {
        let end = rest[rest.index(after: start)...].firstIndex { !isPart($0) } ?? rest.endIndex
        let word = ByteText(String(decoding: rest[start..<end], as: UTF8.self))
        if rest[start] == UInt8(ascii: ":") {
            usedValues[word] = values[word]
        } else {
            usedNames[word] = names[word] ?? word.dropFirst(1)
        }
        rest = rest[end...]
    }
    return TableExpression(text, names: usedNames, values: usedValues)
}
