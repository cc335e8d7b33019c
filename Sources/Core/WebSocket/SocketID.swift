/// Names one adopted socket for as long as the process runs.
///
/// 8 bits of loop, 24 of slot, 32 of generation: slots are used again, generations tell the users
/// of a slot apart, so an id that outlives its socket names nothing.
package struct SocketID: Hashable, Sendable {
    package let raw: UInt64

    package static let loopCountMax = 1 << 8
    package static let slotCountMax = 1 << 24

    package init(raw: UInt64) { self.raw = raw }

    /// - Parameters:
    ///   - loop: The index of the loop that owns the socket, below `loopCountMax`.
    ///   - slot: The socket's place in that loop, below `slotCountMax`.
    ///   - generation: How often the slot had been used before, and one.
    package init(loop: Int, slot: Int, generation: UInt32) {
        raw =
            UInt64(truncatingIfNeeded: loop) << 56
            | UInt64(truncatingIfNeeded: slot & 0xff_ffff) << 32 | UInt64(generation)
    }

    package var loop: Int { Int(truncatingIfNeeded: raw >> 56) }
    package var slot: Int { Int(truncatingIfNeeded: raw >> 32 & 0xff_ffff) }
    package var generation: UInt32 { UInt32(truncatingIfNeeded: raw) }
}
