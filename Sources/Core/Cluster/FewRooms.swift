/// In which rooms a connection is: mostly one, which then takes no memory of its own.
struct FewRooms: Sendable {
    private let one: RoomPlace
    private let others: [RoomPlace]

    init(_ one: RoomPlace, _ others: [RoomPlace] = []) {
        self.one = one
        self.others = others
    }

    /// In their order.
    var digests: [RoomDigest] { ([one] + others).map(\.digest).sorted() }

    func contains(_ room: RoomDigest) -> Bool {
        one.digest == room || others.contains { $0.digest == room }
    }

    func with(_ place: RoomPlace) -> FewRooms {
        contains(place.digest) ? self : FewRooms(one, others + [place])
    }

    /// Nil where none is left.
    func without(_ room: RoomDigest) -> FewRooms? {
        let rest = ([one] + others).filter { $0.digest != room }
        return rest.first.map { FewRooms($0, Array(rest.dropFirst())) }
    }
}
