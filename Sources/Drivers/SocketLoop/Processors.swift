import CEpoll

/// The processors of this machine, as far as they are ours.
package enum Processors {
    /// How many this thread may run on, as `taskset` or a container leave them; at least 1.
    package static var usableCount: Int {
        var mask = [UInt](repeating: 0, count: 128)
        let byteCount = UInt(mask.count * MemoryLayout<UInt>.size)
        guard unsafe usher_affinity(&mask, byteCount) > 0 else { return 1 }
        return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount })
    }
}
