/// FIPS 180-4, slow and short: Core has no digest of its own, and its tests know no driver.
func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var state: [UInt32] = [
        0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab,
        0x5be0_cd19,
    ]
    var padded = bytes + [0x80]
    while padded.count % 64 != 56 { padded.append(0) }
    let bits = UInt64(bytes.count * 8)
    padded += (0..<8).map { UInt8(truncatingIfNeeded: bits >> (56 - $0 * 8)) }
    for start in stride(from: 0, to: padded.count, by: 64) {
        compress(padded[start..<start + 64], into: &state)
    }
    return state.flatMap { word in
        (0..<4).map { UInt8(truncatingIfNeeded: word >> (24 - $0 * 8)) }
    }
}

private func compress(_ block: ArraySlice<UInt8>, into state: inout [UInt32]) {
    var schedule = [UInt32](repeating: 0, count: 64)
    for (index, byte) in block.enumerated() {
        schedule[index / 4] = schedule[index / 4] << 8 | UInt32(byte)
    }
    for index in 16..<64 {
        let (near, far) = (schedule[index - 2], schedule[index - 15])
        let small1 = rotate(near, 17) ^ rotate(near, 19) ^ (near >> 10)
        let small0 = rotate(far, 7) ^ rotate(far, 18) ^ (far >> 3)
        schedule[index] = schedule[index - 16] &+ small0 &+ schedule[index - 7] &+ small1
    }
    var work = state
    for index in 0..<64 {
        let big1 = rotate(work[4], 6) ^ rotate(work[4], 11) ^ rotate(work[4], 25)
        let choice = (work[4] & work[5]) ^ (~work[4] & work[6])
        let first = work[7] &+ big1 &+ choice &+ roundConstants[index] &+ schedule[index]
        let big0 = rotate(work[0], 2) ^ rotate(work[0], 13) ^ rotate(work[0], 22)
        let majority = (work[0] & work[1]) ^ (work[0] & work[2]) ^ (work[1] & work[2])
        work = [first &+ big0 &+ majority] + work.dropLast()
        work[4] = work[4] &+ first
    }
    for index in 0..<8 { state[index] = state[index] &+ work[index] }
}

private func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
    word >> count | word << (32 - count)
}

/// The first 32 bits of the fractions of the cube roots of the first 64 primes.
private let roundConstants: [UInt32] = (2...311)
    .filter { number in (2..<number).allSatisfy { number % $0 != 0 } }
    .map { prime in
        // floor(cbrt(prime) · 2^32) by bisection on whole numbers, so exactly.
        var low: UInt128 = 0
        var high: UInt128 = 1 << 36
        while high - low > 1 {
            let middle = (low + high) / 2
            let (cube, overflow) = (middle * middle).multipliedReportingOverflow(by: middle)
            if overflow || cube > UInt128(prime) << 96 { high = middle } else { low = middle }
        }
        return UInt32(truncatingIfNeeded: low)
    }
