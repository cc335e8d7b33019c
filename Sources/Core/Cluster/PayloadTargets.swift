package import Signalling

/// Whom a payload is for at one node: mostly one, which then takes no memory of its own.
package struct PayloadTargets: RandomAccessCollection, Equatable, Sendable,
    ExpressibleByArrayLiteral
{
    package let one: ConnectionID
    private let others: [ConnectionID]

    package init(_ one: ConnectionID, _ others: [ConnectionID] = []) {
        self.one = one
        self.others = others
    }

    /// `all` are one at least.
    package init(_ all: [ConnectionID]) {
        self.init(all[0], all.count == 1 ? [] : Array(all.dropFirst()))
    }

    package init(arrayLiteral all: ConnectionID...) { self.init(all) }

    package var startIndex: Int { 0 }
    package var endIndex: Int { others.count &+ 1 }

    package subscript(_ index: Int) -> ConnectionID { index == 0 ? one : others[index &- 1] }
}
