import Sessions

/// What two nodes say to each other of the rooms that one has, for an operator at the other. What
/// is in a page, and in a cursor, is the relays' to say.
package enum ListingMail: Equatable, Sendable {
    /// "Which rooms have you, behind there?" An empty cursor stands for the beginning. The number
    /// is the asker's own, and names the answer.
    case ask(number: UInt64, after: [UInt8], bytesMax: UInt32)
    case page(number: UInt64, ListingPage)

    /// What a page may have, whoever asks: it goes as one mail, so that others don't wait for it
    /// for long.
    package static let pageBytesMax = 96 << 10
    package static let cursorBytesMax = 2 << 10
}

/// Some of a node's rooms.
package struct ListingPage: Equatable, Sendable {
    package let rooms: [UInt8]
    /// Behind which there are more; empty where there are none.
    package let next: [UInt8]

    package init(rooms: [UInt8], next: [UInt8]) {
        self.rooms = rooms
        self.next = next
    }

    /// A node that names the same cursor again, or has more and says nothing, would go on for ever.
    func isProgress(from cursor: [UInt8]) -> Bool {
        next.isEmpty || next != cursor && !rooms.isEmpty
    }

    /// No node of this version says more.
    var isFitting: Bool {
        rooms.count <= ListingMail.pageBytesMax && next.count <= ListingMail.cursorBytesMax
    }
}

// MARK: Encoding

extension ListingMail {
    /// By what a mail's first byte says; no later version may change them.
    private enum Kind {
        static let ask: UInt8 = 1
        static let page: UInt8 = 2
    }

    /// How many bytes `write` makes.
    var size: Int {
        let number = 8
        let rest =
            switch self {
            case .ask(_, let cursor, _): 4 + cursor.count + 4
            case .page(_, let page): 4 + page.rooms.count + 4 + page.next.count
            }
        return 1 + number + rest
    }

    func write(as kind: UInt8, to out: inout ByteWriter) {
        out.put(kind)
        switch self {
        case .ask(let number, let cursor, let bytesMax):
            out.put(Kind.ask)
            out.put(number)
            out.put(cursor)
            out.put(bytesMax)
        case .page(let number, let page):
            out.put(Kind.page)
            out.put(number)
            out.put(page.rooms)
            out.put(page.next)
        }
    }

    init(_ input: inout ByteReader) throws(ByteReader.Fault) {
        let kind: UInt8 = try input.number()
        let number: UInt64 = try input.number()
        switch kind {
        case Kind.ask:
            self = .ask(
                number: number, after: Array(try input.part()), bytesMax: try input.number())
        case Kind.page:
            self = .page(
                number: number,
                ListingPage(rooms: Array(try input.part()), next: Array(try input.part())))
        default: throw input.fault
        }
    }
}
