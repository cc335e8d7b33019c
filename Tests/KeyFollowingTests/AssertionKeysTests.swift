import Cryptography
import Testing
import Tokens

@testable import KeyFollowing

@Suite struct AssertionKeysTests {
    private let input = Array("header.claims".utf8)

    @Test("An assertion key is parsed once, and one of the same kid is not taken for it")
    func wholeKey() throws {
        let keys = AssertionKeys()
        let signers = try [SigningKey.generate(.es256), SigningKey.generate(.es256)]
        let named = try signers.map { signer in
            try PublicKey(signer.publicKey.material, keyID: "1", sha256: Digest.sha256)
        }
        for _ in 0..<2 {
            for (index, signer) in signers.enumerated() {
                let signature = try signer.sign(input)
                #expect(keys.isValid(named[index], signature, input))
                #expect(!keys.isValid(named[1 - index], signature, input))
            }
        }
        #expect(keys.count == 2)
    }

    @Test("Numbers that are no key verify nothing, and are not kept (RFC 8725 §3.4)")
    func noKey() throws {
        let keys = AssertionKeys()
        let signer = try SigningKey.generate(.es256)
        guard case .ec(let x, var y) = signer.publicKey.material else { return }
        y[31] ^= 1
        let moved = try PublicKey(.ec(x: x, y: y), sha256: Digest.sha256)
        #expect(!keys.isValid(moved, try signer.sign(input), input))
        #expect(keys.count == 0)
    }

    @Test("The keys that are kept are bounded")
    func bound() throws {
        let keys = AssertionKeys()
        let material = try SigningKey.generate(.eddsa).publicKey.material
        for number in 0...AssertionKeys.entriesMax {
            let key = try PublicKey(material, keyID: "\(number)", sha256: Digest.sha256)
            #expect(!keys.isValid(key, [], input))
        }
        #expect(keys.count == 1)
    }
}
