import Bytes
import Cryptography
import Foundation
import StrictJSON
import Testing
import Tokens
import UsherVerifier

enum PyJWT {
    static let python = ProcessInfo.processInfo.environment["USHER_PYJWT"]
    static let comment: Comment =
        "SKIPPED, NOT CHECKED: set USHER_PYJWT to a Python that has PyJWT and cryptography"
}

/// Tokens that somebody else's library signs with a key of ours.
///
/// `USHER_PYJWT` names a Python with PyJWT and cryptography; `scripts/test` makes one.
@Suite(.enabled(if: PyJWT.python != nil, PyJWT.comment))
struct PyJWTTests {
    /// Reads one line of JSON: key, algorithm, kid, claims. Prints the token.
    private static let script = """
        import json, sys, jwt
        order = json.load(sys.stdin)
        print(jwt.encode(order["claims"], order["pem"], algorithm=order["alg"],
                         headers={"kid": order["kid"], "typ": "at+jwt"}), end="")
        """

    private func sign(_ claims: JSONValue, _ key: SigningKey) throws -> String {
        let order: JSONValue = [
            "claims": claims, "pem": .string(String(decoding: try key.pem(), as: UTF8.self)),
            "alg": .string(key.algorithm.rawValue), "kid": .string(key.publicKey.keyID),
        ]
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(PyJWT.python))
        process.arguments = ["-c", Self.script]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        input.fileHandleForWriting.write(Data(order.serialized()))
        try input.fileHandleForWriting.close()
        let token = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return String(decoding: token, as: UTF8.self)
    }

    @Test(
        "What PyJWT signs with a registered key verifies, and with another does not",
        arguments: [
            SignatureAlgorithm.es256, .rs256, .eddsa,
        ])
    func verifies(_ algorithm: SignatureAlgorithm) throws {
        let key = try SigningKey.generate(algorithm)
        let verifier = try Verifier(
            issuer: Forge.issuer, audience: Forge.audience,
            algorithms: Set(Verifier.Algorithm.allCases),
            keys: .keySet(json: JWKSet.serialize([key.publicKey])))
        let claims: JSONValue = [
            "iss": .string(Forge.issuer), "aud": [.string(Forge.audience), "other"],
            "sub": "c1:Zoë", "client_id": "c1", "iat": .number(JSONNumber(Forge.now)),
            "exp": .number(JSONNumber(Forge.now + 60)), "jti": "p1", "scope": "signal",
            "rooms": ["team-*"],
        ]
        let token = try sign(claims, key)
        let verified = try verifier.verify(token, atSecondsSinceEpoch: Forge.now)
        #expect(verified.subject == "c1:Zoë")
        #expect(verified.rooms == ["team-*"])
        let other = try SigningKey.generate(algorithm)
        #expect(throws: TokenRejection.unknownKey) {
            _ = try verifier.verify(sign(claims, other), atSecondsSinceEpoch: Forge.now)
        }
    }
}
