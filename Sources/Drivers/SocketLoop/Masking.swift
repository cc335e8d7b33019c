/// The masking of client payloads (RFC 6455 §5.3), undone in place.
enum Masking {
    /// Unmasks a part of a payload.
    ///
    /// - Parameters:
    ///   - bytes: Where the part starts.
    ///   - count: Its length.
    ///   - key: As `FrameHeader.mask` has it.
    ///   - offset: How far into the payload `bytes` starts.
    /// - Returns: Whether the bytes, unmasked, are all ASCII.
    static func remove(
        _ bytes: UnsafeMutableRawPointer, count: Int, key: UInt32, offset: Int
    ) -> Bool {
        let shift = UInt32(truncatingIfNeeded: 8 &* (offset & 3))
        let turned = key >> shift | key << ((32 &- shift) & 31)
        let wide = UInt64(turned) << 32 | UInt64(turned)
        var index = 0
        var seen = SIMD8<UInt64>(repeating: 0)
        let vector = SIMD8<UInt64>(repeating: wide)
        while count &- index >= 64 {
            let plain =
                unsafe bytes.loadUnaligned(fromByteOffset: index, as: SIMD8<UInt64>.self) ^ vector
            unsafe bytes.storeBytes(of: plain, toByteOffset: index, as: SIMD8<UInt64>.self)
            seen |= plain
            index &+= 64
        }
        let half = seen.lowHalf | seen.highHalf
        var rest = half[0] | half[1] | half[2] | half[3]
        while count &- index >= 8 {
            let plain = unsafe bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self) ^ wide
            unsafe bytes.storeBytes(of: plain, toByteOffset: index, as: UInt64.self)
            rest |= plain
            index &+= 8
        }
        while index < count {
            let mask = UInt8(truncatingIfNeeded: turned >> UInt32(8 &* (index & 3)))
            let plain = unsafe bytes.load(fromByteOffset: index, as: UInt8.self) ^ mask
            unsafe bytes.storeBytes(of: plain, toByteOffset: index, as: UInt8.self)
            rest |= UInt64(plain)
            index &+= 1
        }
        return rest & 0x8080_8080_8080_8080 == 0
    }
}
