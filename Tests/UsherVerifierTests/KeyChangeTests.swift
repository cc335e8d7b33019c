import Cryptography
import Synchronization
import Testing
import TokenIssuing
import Tokens
import UsherVerifier

private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isRaised: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
}

@Suite("Changing a verifier's keys")
struct KeyChangeTests {
    @Test("A token of a key that is gone is refused at once, though it was remembered")
    func gone() throws {
        let (forge, other) = (try Forge(), try Forge())
        let token = try forge.token()
        #expect(forge.rejection(of: token) == nil)
        try forge.verifier.replaceKeys([other.key.publicKey])
        #expect(forge.rejection(of: token) == .unknownKey)
        #expect(forge.verifier.rememberedCount == 0)
        #expect(forge.rejection(of: try other.token()) == nil)
    }

    @Test("A header that was seen under an old key does not bring that key back")
    func sameKeyID() throws {
        let (forge, other) = (try Forge(cacheCapacity: 0), try Forge())
        let token = try forge.token()
        #expect(forge.rejection(of: token) == nil)
        let impostor = try PublicKey(
            other.key.publicKey.material, keyID: forge.key.publicKey.keyID, sha256: Digest.sha256)
        try forge.verifier.replaceKeys([impostor])
        #expect(forge.rejection(of: token) == .badSignature)
    }

    @Test("Copies of a verifier change with it")
    func copies() throws {
        let (forge, other) = (try Forge(), try Forge())
        let copy = forge.verifier
        try copy.update(keySet: JWKSet.serialize([forge.key.publicKey, other.key.publicKey]))
        #expect(forge.rejection(of: try other.token()) == nil)
        #expect(forge.rejection(of: try forge.token()) == nil)
    }

    @Test("A set that is refused, empty or has no usable key leaves the keys as they were")
    func refused() throws {
        let forge = try Forge()
        let token = try forge.token()
        let rsa = try SigningKey.generate(.eddsa).publicKey
        for json in ["<html>", #"{"keys":[]}"#, #"{"keys":[{"kty":"oct","k":"AAAA"}]}"#] {
            #expect(throws: VerifierConfigurationError.self) {
                try forge.verifier.update(keySet: Array(json.utf8))
            }
        }
        for keys in [[], [rsa], [forge.key.publicKey, forge.key.publicKey]] {
            #expect(throws: VerifierConfigurationError.self) {
                try forge.verifier.replaceKeys(keys)
            }
        }
        #expect(forge.rejection(of: token) == nil)
    }

    @Test("The same keys again, in whatever order, leave what is remembered")
    func same() throws {
        let (forge, other) = (try Forge(), try Forge())
        try forge.verifier.replaceKeys([forge.key.publicKey, other.key.publicKey])
        #expect(forge.rejection(of: try forge.token()) == nil)
        try forge.verifier.replaceKeys([other.key.publicKey, forge.key.publicKey])
        #expect(forge.verifier.rememberedCount == 1)
    }

    @Test("While keys come and go, a key that stays is never refused, one that is gone never taken")
    func underLoad() async throws {
        let (forge, other) = (try Forge(), try Forge())
        let both = [forge.key.publicKey, other.key.publicKey]
        try forge.verifier.replaceKeys(both)
        let tokens = try (0..<40).map { number in try forge.token { $0.tokenID = "t\(number)" } }
        let leaving = try other.token()
        let isOver = Flag()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for round in 0..<200 {
                    try! forge.verifier.replaceKeys(round % 2 == 0 ? [both[0]] : both)
                    if round % 2 == 0 { #expect(forge.rejection(of: leaving) == .unknownKey) }
                }
                isOver.raise()
            }
            group.addTask {
                while !isOver.isRaised {
                    for token in tokens { #expect(forge.rejection(of: token) == nil) }
                    _ = forge.rejection(of: leaving)
                }
            }
        }
    }
}
