/// One life of a node: 64 random bits, drawn at its start and again after it was declared dead.
package struct Incarnation: Hashable, Comparable, Sendable {
    package let raw: UInt64

    package init(raw: UInt64) { self.raw = raw }

    package static func < (one: Self, other: Self) -> Bool { one.raw < other.raw }
}

/// One life of the bucket in which the rooms lie. Where it changes, revisions begin again and mean
/// nothing that they meant before.
package struct BucketEpoch: Hashable, Sendable {
    /// As the servers name it; told apart, never compared with a clock.
    package let createdAt: UInt64
    /// Of whoever made the bucket.
    package let nonce: UInt64

    package init(createdAt: UInt64, nonce: UInt64) {
        self.createdAt = createdAt
        self.nonce = nonce
    }
}

/// Which version of a document this is: the later of two has the greater one, within one epoch.
package struct Revision: Hashable, Comparable, Sendable {
    package let raw: UInt64

    package init(raw: UInt64) { self.raw = raw }

    /// There is no document.
    package static let absent = Revision(raw: 0)

    package static func < (one: Self, other: Self) -> Bool { one.raw < other.raw }
}
