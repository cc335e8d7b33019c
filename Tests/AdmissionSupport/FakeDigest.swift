/// 32 bytes that differ where what they are made of does (FNV-1a), but hide nothing.
@Sendable package func fakeDigest(_ bytes: [UInt8]) -> [UInt8] {
    (0..<4 as Range<UInt64>).flatMap { round in
        let hash = bytes.reduce(0xCBF2_9CE4_8422_2325 &+ round) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
    }
}
