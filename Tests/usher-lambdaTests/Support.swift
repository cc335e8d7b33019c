import Bytes
import Cryptography
import Identifiers
import TokenIssuing
import Tokens

@testable import usher_lambda

/// An issuer with a key and tokens to give.
struct Issuer {
    static let now: Int64 = 1_800_000_000
    static let name = "https://auth.example"

    let key: SigningKey

    init() throws { key = try SigningKey.generate(.es256) }

    var keySet: String {
        String(decoding: JWKSet.serialize([key.publicKey]), as: UTF8.self)
    }

    func token(_ id: String = "t1") throws -> String {
        try TokenIssuer(key: key).issue(
            TokenClaims(
                issuer: Self.name, audience: [Self.name], subject: "c1:ann", clientID: "c1",
                issuedAt: Self.now, expiresAt: Self.now + 600, tokenID: id, scopes: ["signal"],
                rooms: []))
    }
}

/// The variables of a function that lack nothing, with these changes.
func variables(_ changes: [ByteText: ByteText?] = [:]) -> Variables {
    var values: [ByteText: ByteText] = [
        "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "ASIAKEY",
        "AWS_SECRET_ACCESS_KEY": "key", "AWS_SESSION_TOKEN": "token", "USHER_TABLE": "usher",
        "USHER_ISSUER": "https://auth.example", "USHER_KEY_SET": #"{"keys":[]}"#,
    ]
    for (name, value) in changes { values[name] = value }
    return Variables(values)
}

func fault(_ changes: [ByteText: ByteText?]) -> SettingFault? {
    do throws(SettingFault) {
        _ = try FunctionSettings(variables(changes))
        return nil
    } catch {
        return error
    }
}
