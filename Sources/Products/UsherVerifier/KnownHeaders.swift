import Cryptography
import Glibc
import Locking
import Tokens

/// The headers of tokens that were verified, as they stood in them: an issuer writes the same one
/// into all its tokens, so that decoding and reading it again tells nothing new.
///
/// Only a token whose signature held adds its header, so nobody else can fill the few places.
final class KnownHeaders: Sendable {
    struct Known: Sendable {
        let kind: TokenKind
        let key: VerifyingKey
        fileprivate let text: [UInt8]
    }

    private static let countMax = 8
    private let all = Lock<[Known]>([])

    /// `text` is in base64url.
    func find(_ text: Span<UInt8>) -> Known? {
        all.withLock { all in
            for known in all where Self.areEqual(known.text, text) { return known }
            return nil
        }
    }

    func add(_ text: Span<UInt8>, kind: TokenKind, key: VerifyingKey) {
        let copy = [UInt8](capacity: text.count) { out in
            for index in 0..<text.count { out.append(text[index]) }
        }
        all.withLock { all in
            guard all.count < Self.countMax, !all.contains(where: { $0.text == copy }) else {
                return
            }
            all.append(Known(kind: kind, key: key, text: copy))
        }
    }

    private static func areEqual(_ known: [UInt8], _ text: Span<UInt8>) -> Bool {
        guard known.count == text.count else { return false }
        return unsafe text.withUnsafeBytes { text in
            guard let start = text.baseAddress else { return true }
            return unsafe memcmp(known, start, text.count) == 0
        }
    }
}
