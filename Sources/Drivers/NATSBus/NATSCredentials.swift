import Bytes
import Cryptography
import Glibc
import StrictJSON

/// What a node shows the servers, from a file whose content says what it is.
enum NATSCredentials: Sendable {
    case none
    /// A file of a user's JWT and seed, as `nsc` makes it: libnats reads it itself.
    case file(path: String)
    /// The public key of the seed in a file, which libnats reads itself.
    case seed(publicKey: String, path: String)
    case user(String, password: String)
    case token(String)

    private static let bytesMax = 16_384

    /// Throws `.credentials`. Without a path there are none.
    static func read(_ path: String?, allowsGroup: Bool) throws(NATSFault) -> NATSCredentials {
        guard let path else { return .none }
        var bytes = try content(path, allowsGroup)
        defer { eraseSecret(&bytes) }
        guard let text = ByteText(bytes.span) else { throw .credentials("\(path) is no text") }
        let lines = text.split(separator: 0x0A).map(\.trimmed).filter { !$0.isEmpty }
        guard let first = lines.first else { throw .credentials("\(path) holds nothing") }
        if first.hasPrefix("-----BEGIN NATS USER JWT-----") { return .file(path: path) }
        if lines.count == 1, first.hasPrefix("SU"), first.count == UserSeed.textCount {
            guard let key = UserSeed.publicKey(of: first) else {
                throw .credentials("\(path) looks like a user's seed, and is none")
            }
            return .seed(publicKey: key, path: path)
        }
        return try secret(lines, path)
    }

    private static func content(_ path: String, _ allowsGroup: Bool) throws(NATSFault) -> [UInt8] {
        // Not to wait for a writer, should it be a pipe.
        let file = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        defer { if file >= 0 { close(file) } }
        var status = stat()
        guard file >= 0, unsafe fstat(file, &status) == 0 else {
            throw .credentials("\(path) cannot be read: \(unsafe String(cString: strerror(errno)))")
        }
        guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= bytesMax else {
            throw .credentials("\(path) is no file of at most \(bytesMax) bytes")
        }
        guard status.st_mode & (allowsGroup ? 0o007 : 0o077) == 0 else {
            let mode = String(status.st_mode & 0o777, radix: 8)
            throw .credentials("\(path) is open to others (mode \(mode)): run chmod 600")
        }
        guard let bytes = SecretReading.all(of: file, bytesMax: bytesMax) else {
            throw .credentials("\(path) cannot be read: \(unsafe String(cString: strerror(errno)))")
        }
        return bytes
    }

    private static func secret(
        _ lines: [ByteText], _ path: String
    ) throws(NATSFault) -> NATSCredentials {
        func value(_ name: ByteText) -> String? {
            lines.first { $0.hasPrefix(name) }.map { quoted($0.dropFirst(name.count).trimmed) }
        }
        guard lines.allSatisfy({ $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }) else {
            throw .credentials("\(path) holds control characters")
        }
        switch (lines.count, value("user="), value("password=")) {
        case (2, let user?, let password?): return .user(user, password: password)
        case (1, nil, nil):
            let parts = lines[0].split(
                separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return .token(quoted(lines[0])) }
            return .user(quoted(parts[0]), password: quoted(parts[1]))
        default:
            throw .credentials(
                "\(path) is none of: a .creds file, a user's seed, user:password, the lines "
                    + "user=… and password=…, a token")
        }
    }

    /// libnats puts texts into the JSON of its CONNECT as they are.
    static func quoted(_ text: ByteText) -> String {
        var out: [UInt8] = []
        JSONText.appendQuoted(text, to: &out)
        return String(decoding: out.dropFirst().dropLast(), as: UTF8.self)
    }
}

extension ByteText {
    fileprivate var trimmed: ByteText {
        var text = Substring(string)
        while let last = text.utf8.last, last <= 0x20 { text.removeLast() }
        while let first = text.utf8.first, first <= 0x20 { text.removeFirst() }
        return ByteText(text)
    }
}
