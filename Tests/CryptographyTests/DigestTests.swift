import Cryptography
import Testing

@Suite("Digests, random numbers, comparison")
struct DigestTests {
    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined()
    }

    @Test("SHA-256 and SHA-1 of the FIPS 180 examples")
    func digests() {
        let abc = Array("abc".utf8)
        #expect(
            hex(Digest.sha256(abc))
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex(Digest.sha256([]))
                == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex(Digest.sha1(abc)) == "a9993e364706816aba3e25717850c26c9cd0d89d")
    }

    @Test("Random bytes have the asked count and do not repeat", arguments: [0, 1, 16, 32, 4096])
    func random(_ count: Int) {
        let bytes = SecureRandom.bytes(count)
        #expect(bytes.count == count)
        if count >= 16 { #expect(bytes != SecureRandom.bytes(count)) }
    }

    @Test("The reserve gives as many bytes as asked for, and none of them twice")
    func reserve() {
        let reserve = RandomReserve()
        let shares = (0..<1000).map { _ in reserve.bytes(16) }
        #expect(shares.allSatisfy { $0.count == 16 })
        #expect(Set(shares).count == shares.count)
        for count in [0, 1, 7, 15, 17, 32, 4096] { #expect(reserve.bytes(count).count == count) }
    }

    @Test("Its numbers fill all 64 bits, and are none of the bytes that it gives")
    func reserveNumbers() {
        let reserve = RandomReserve()
        var numbers: [UInt64] = []
        for _ in 0..<500 {
            numbers.append(reserve.uint64())
            let bytes = reserve.bytes(8)
            numbers.append(bytes.reduce(0) { $0 << 8 | UInt64($1) })
        }
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers.reduce(0, |) == .max && numbers.reduce(.max, &) == 0)
    }

    @Test("Threads that share the reserve never get the same bytes")
    func sharedReserve() async {
        let reserve = RandomReserve()
        let shares = await withTaskGroup(of: [[UInt8]].self) { group in
            for _ in 0..<4 { group.addTask { (0..<500).map { _ in reserve.bytes(16) } } }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(shares).count == 2000)
    }

    @Test("Random numbers fill all 64 bits")
    func random64() {
        let numbers = (0..<200).map { _ in SecureRandom.uint64() }
        #expect(Set(numbers).count == numbers.count)
        #expect(numbers.reduce(0, |) == .max)
        #expect(numbers.reduce(.max, &) == 0)
    }

    @Test("Comparison finds a difference in any place, and in the length")
    func comparison() {
        let left = SecureRandom.bytes(40)
        #expect(constantTimeEqual(left, left))
        #expect(constantTimeEqual([], []))
        #expect(!constantTimeEqual(left, Array(left.dropLast())))
        #expect(!constantTimeEqual(left, left + [0]))
        for index in left.indices {
            var right = left
            right[index] ^= 0x80
            #expect(!constantTimeEqual(left, right))
        }
    }
}
