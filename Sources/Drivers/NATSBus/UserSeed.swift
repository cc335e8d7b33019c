import Bytes
import COpenSSL
import Cryptography

/// The seed of a user's Ed25519 key, as NATS writes it: base32 of two bytes that say what it is,
/// 32 bytes, and a CRC-16 of these.
enum UserSeed {
    static let textCount = 58
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".utf8)
    /// `U`, as the first five bits.
    private static let user: UInt8 = 20 << 3

    /// Nil where it is no user's seed.
    static func publicKey(of text: ByteText) -> String? {
        guard var bytes = decode(text), bytes.count == 36 else { return nil }
        defer { eraseSecret(&bytes) }
        let sum = UInt16(bytes[34]) | UInt16(bytes[35]) << 8
        // The first byte says that it is a seed, with three bits of whose.
        guard sum == crc(bytes[..<34]), bytes[0] & 0xF8 == 18 << 3,
            (bytes[0] & 7) << 5 | bytes[1] >> 3 == user
        else { return nil }
        let key = unsafe bytes.withUnsafeBufferPointer { bytes in
            let seed = unsafe bytes.baseAddress?.advanced(by: 2)
            return unsafe EVP_PKEY_new_raw_private_key_ex(nil, "ED25519", nil, seed, 32)
        }
        defer { unsafe EVP_PKEY_free(key) }
        var point = [UInt8](repeating: 0, count: 32)
        var count = point.count
        guard unsafe EVP_PKEY_get_raw_public_key(key, &point, &count) == 1 else { return nil }
        return encode([user] + point)
    }

    private static func decode(_ text: ByteText) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(64)  // So that no copy is left behind.
        var (rest, bits): (UInt32, Int) = (0, 0)
        for letter in text.utf8 {
            guard let value = letters.firstIndex(of: letter) else { return nil }
            rest = rest << 5 | UInt32(value)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: rest >> UInt32(bits)))
            }
        }
        // One text for each key.
        return rest & (1 << UInt32(bits) - 1) == 0 ? bytes : nil
    }

    /// With the sum behind.
    static func encode(_ content: [UInt8]) -> String {
        let sum = crc(content[...])
        var text: [UInt8] = []
        var (rest, bits): (UInt32, Int) = (0, 0)
        for byte in content + [UInt8(truncatingIfNeeded: sum), UInt8(sum >> 8)] {
            rest = rest << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(letters[Int(rest >> UInt32(bits) & 31)])
            }
        }
        if bits > 0 { text.append(letters[Int(rest << UInt32(5 - bits) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// CRC-16/XMODEM.
    private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt16 {
        bytes.reduce(0) { sum, byte in
            (0..<8).reduce(sum ^ UInt16(byte) << 8) { sum, _ in
                sum & 0x8000 != 0 ? sum << 1 ^ 0x1021 : sum << 1
            }
        }
    }
}
