import Bytes
import Clients
import Cryptography
import Tokens

/// The name of a master key: made of the key, and tells nothing of it.
package struct MasterKeyID: Hashable, Sendable, CustomStringConvertible {
    let name: ByteText

    init(_ text: String) { name = ByteText(text) }

    package var text: String { name.string }
    package var description: String { text }
}

/// 32 bytes under which signing keys are sealed.
///
/// `@unchecked Sendable`: nothing writes to the bytes before `deinit`, which overwrites them.
package final class MasterKey: @unchecked Sendable {
    static let byteCount = SealedBox.keyByteCount

    package let id: MasterKeyID
    private var bytes: [UInt8]

    /// Overwrites the bytes that it is given.
    init(wiping bytes: inout [UInt8]) {
        precondition(bytes.count == Self.byteCount)
        id = Self.id(of: bytes)
        self.bytes = unsafe [UInt8](unsafeUninitializedCapacity: bytes.count) { own, filled in
            filled = unsafe own.initialize(fromContentsOf: bytes)
        }
        eraseSecret(&bytes)
    }

    static func generate() -> MasterKey {
        var bytes = SecureRandom.bytes(byteCount)
        return MasterKey(wiping: &bytes)
    }

    deinit { eraseSecret(&bytes) }

    private static func id(of bytes: [UInt8]) -> MasterKeyID {
        var input = Array("usher master key id\0".utf8) + bytes
        defer { eraseSecret(&input) }
        return MasterKeyID("mk_" + text(Hexadecimal.digits(Digest.sha256(input).prefix(8))))
    }

    private static func text(_ digits: [UInt8]) -> String {
        String(decoding: digits, as: UTF8.self)
    }
}

extension MasterKey: CustomReflectable {
    /// Without the bytes.
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

// MARK: Sealing

extension MasterKey {
    /// - Throws: `KeyStoreError.generation` for a key that has no form to be sealed in.
    func sealed(
        _ key: SigningKey, _ stage: KeyStage, since: Int64
    ) throws(KeyStoreError) -> SealedKey {
        var pem: [UInt8]
        do throws(CryptographyError) {
            pem = try key.pem()
        } catch {
            throw .generation(error)
        }
        defer { eraseSecret(&pem) }
        let nonce = SecureRandom.bytes(SealedBox.nonceByteCount)
        let head = SealedKey.Head(
            keyID: key.publicKey.keyID, stage: stage, since: since, masterKeyID: id.text)
        let box = SealedBox.seal(
            pem, key: bytes, nonce: nonce, bound: Self.bound(head, key.algorithm))
        return SealedKey(head: head, algorithm: key.algorithm, nonce: nonce, box: box)
    }

    /// Nil where it was not sealed so, under this master key.
    func open(_ sealed: SealedKey) -> SigningKey? {
        let bound = Self.bound(sealed.head, sealed.algorithm)
        guard
            var pem = SealedBox.open(sealed.box, key: bytes, nonce: sealed.nonce, bound: bound)
        else { return nil }
        defer { eraseSecret(&pem) }
        guard let key = try? SigningKey(pem: pem), key.algorithm == sealed.algorithm,
            ByteText(key.publicKey.keyID) == ByteText(sealed.head.keyID)
        else { return nil }
        return key
    }

    /// What a box is bound to: the form that is described here, the key, and the master key.
    private static func bound(_ head: SealedKey.Head, _ algorithm: SignatureAlgorithm) -> [UInt8] {
        let parts = ["usher signing key 1", head.keyID, algorithm.rawValue, head.masterKeyID]
        return Array(parts.joined(separator: "\0").utf8)
    }
}

// MARK: As a line of text

extension MasterKey {
    private static let prefix = Array("usher-master-key ".utf8)

    /// What is wrong with a line.
    enum LineFault: Error { case malformed, damaged }

    /// `usher-master-key`, the id and the bytes in hexadecimal: the id tells whether they are all
    /// as they were.
    convenience init(line: ArraySlice<UInt8>) throws(LineFault) {
        let parts = line.dropFirst(Self.prefix.count).split(
            separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard line.starts(with: Self.prefix), parts.count == 2,
            var bytes = Hexadecimal.bytes(parts[1])
        else { throw .malformed }
        guard bytes.count == Self.byteCount else {
            eraseSecret(&bytes)
            throw .malformed
        }
        self.init(wiping: &bytes)
        guard id.name.utf8.elementsEqual(parts[0]) else { throw .damaged }
    }

    /// With its end; to be erased.
    var line: [UInt8] {
        var digits = Hexadecimal.digits(bytes[...])
        defer { eraseSecret(&digits) }
        var line: [UInt8] = []
        line.reserveCapacity(128)  // So that no copy is left behind.
        line += Self.prefix
        line += id.name.utf8
        line.append(UInt8(ascii: " "))
        line += digits
        line.append(UInt8(ascii: "\n"))
        return line
    }
}

/// Bytes as lower-case hexadecimal digits.
private enum Hexadecimal {
    static func digits(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }

    static func bytes(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            guard let value = value(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    private static func value(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
