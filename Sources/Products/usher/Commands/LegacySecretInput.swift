import Clients
import Cryptography
import Glibc

/// The secret of `--legacy-hs256`, which comes on stdin: arguments are for all to see.
enum LegacySecretInput {
    static let help = """
        Take HS256 tokens that its backend signs with the secret on stdin; \
        \(LegacySecret.bytesRange.lowerBound) bytes at least.
        """

    /// The bytes on stdin, without the line's end after them and, before a text, a
    /// byte order mark. How many there must be is for the
    /// registration to say.
    ///
    /// - Throws: `SettingError` for a key, and where stdin cannot be read.
    static func read() throws(SettingError) -> [UInt8] {
        if isatty(STDIN_FILENO) == 1 { complain("type the secret, then press Return and Ctrl-D") }
        let bytesMax = LegacySecret.bytesRange.upperBound
        // One byte more than the largest with its line's end tells that it is too long.
        let input = SecretReading.all(of: STDIN_FILENO, bytesMax: bytesMax + 3)
        guard var secret = input else { throw refusal("unreadable", "a secret on stdin") }
        if secret.last == UInt8(ascii: "\n") {
            secret.removeLast()
            if secret.last == UInt8(ascii: "\r") { secret.removeLast() }
        }
        // One of random bytes may begin with any.
        if secret.dropFirst(3).allSatisfy({ (0x20...0x7E).contains($0) }) {
            TextFile.dropMark(from: &secret)
        }
        guard !isKey(secret) else {
            eraseSecret(&secret)
            throw refusal("a key", "a secret: whoever has the public key could sign with it")
        }
        return secret
    }

    /// Whether it is a key as OpenSSL and SSH write them (CVE-2022-29217).
    private static func isKey(_ secret: [UInt8]) -> Bool {
        let text = String(decoding: secret, as: UTF8.self)
        return text.contains("-----BEGIN ") || text.hasPrefix("ssh-") || text.hasPrefix("ecdsa-")
    }

    private static func refusal(_ value: String, _ expected: String) -> SettingError {
        SettingError(place: "--legacy-hs256", value: value, expected: expected)
    }
}
