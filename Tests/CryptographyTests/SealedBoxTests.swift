import Cryptography
import Testing

private func bytes(_ hexadecimal: String) -> [UInt8] {
    stride(from: 0, to: hexadecimal.utf8.count, by: 2).map { offset in
        let start = hexadecimal.index(hexadecimal.startIndex, offsetBy: offset)
        return UInt8(hexadecimal[start..<hexadecimal.index(start, offsetBy: 2)], radix: 16)!
    }
}

/// NIST SP 800-38D; the vectors are those of McGrew and Viega, "The Galois/Counter Mode of
/// Operation", appendix B, test cases 13, 14 and 16.
@Suite struct SealedBoxTests {
    struct Vector: Sendable {
        var key = String(repeating: "00", count: 32)
        var nonce = String(repeating: "00", count: 12)
        var bound = ""
        let secret: String
        let box: String
    }

    private static let vectors = [
        Vector(secret: "", box: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            secret: String(repeating: "00", count: 16),
            box: "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            key: String(repeating: "feffe9928665731c6d6a8f9467308308", count: 2),
            nonce: "cafebabefacedbaddecaf888",
            bound: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            secret: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            box: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                + "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test("What is sealed is what the vectors say, and opens again", arguments: vectors)
    func knownAnswers(_ vector: Vector) {
        let (key, nonce, bound) = (bytes(vector.key), bytes(vector.nonce), bytes(vector.bound))
        let box = SealedBox.seal(bytes(vector.secret), key: key, nonce: nonce, bound: bound)
        #expect(box == bytes(vector.box))
        #expect(
            SealedBox.open(box, key: key, nonce: nonce, bound: bound) == bytes(vector.secret))
    }

    @Test("A box opens with no bit changed, in it or in what it was sealed with")
    func tampering() {
        let key = [UInt8](repeating: 7, count: 32)
        let nonce = [UInt8](repeating: 9, count: 12)
        let bound = Array("bound".utf8)
        let box = SealedBox.seal(Array("secret".utf8), key: key, nonce: nonce, bound: bound)
        func changed(_ bytes: [UInt8]) -> [[UInt8]] {
            bytes.indices.flatMap { index in
                (0..<8).map { bit in
                    var bytes = bytes
                    bytes[index] ^= 1 << bit
                    return bytes
                }
            }
        }
        #expect(SealedBox.open(box, key: key, nonce: nonce, bound: bound) != nil)
        for other in changed(box) + [[], Array(box.dropLast()), box + [0]] {
            #expect(SealedBox.open(other, key: key, nonce: nonce, bound: bound) == nil)
        }
        for other in changed(key) {
            #expect(SealedBox.open(box, key: other, nonce: nonce, bound: bound) == nil)
        }
        for other in changed(nonce) + [[], nonce + [0]] {
            #expect(SealedBox.open(box, key: key, nonce: other, bound: bound) == nil)
        }
        for other in changed(bound) + [[], bound + [0]] {
            #expect(SealedBox.open(box, key: key, nonce: nonce, bound: other) == nil)
        }
    }
}
