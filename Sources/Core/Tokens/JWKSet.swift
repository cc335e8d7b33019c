import Bytes
import StrictJSON

/// A JSON Web Key Set (RFC 7517 §5), read and written.
package struct JWKSet: Sendable, Equatable {
    /// Why one key of a set was left out.
    package struct Skipped: Sendable, Equatable {
        /// Its place in `keys`, from 0.
        package let index: Int
        package let fault: KeyFault
    }

    package static let bytesMax = 65_536
    package static let keysMax = 32

    package let keys: [PublicKey]
    package let skipped: [Skipped]

    /// Reads a set. Keys of unknown type, for other uses, or unfit are skipped (§5).
    ///
    /// - Throws: `KeyFault` where the whole set is refused: bad JSON, more than 64 KiB or 32 keys,
    ///   a private or symmetric member in a published set, a public key among secrets, one `kid`
    ///   twice.
    package init(
        parsing json: [UInt8], from origin: JWK.Origin = .published,
        sha256: ([UInt8]) -> [UInt8]
    ) throws(KeyFault) {
        let entries = try Self.entries(of: json)
        try Self.checkKeyIDs(of: entries)
        var keys: [PublicKey] = []
        var skipped: [Skipped] = []
        for (index, entry) in entries.enumerated() {
            do throws(KeyFault) {
                guard let jwk = entry.object else { throw .malformedMember("keys") }
                let key = try JWK.read(jwk, from: origin, sha256: sha256)
                guard !keys.contains(where: { ByteText($0.keyID) == ByteText(key.keyID) }) else {
                    throw .duplicateKeyID(key.keyID)
                }
                keys.append(key)
            } catch {
                guard !error.condemnsSet else { throw error }
                skipped.append(Skipped(index: index, fault: error))
            }
        }
        self.keys = keys
        self.skipped = skipped
    }

    /// The set that publishes these keys. Shared secrets are left out.
    package static func serialize(_ keys: [PublicKey]) -> [UInt8] {
        let published = keys.filter { !$0.algorithm.isSymmetric }
        let set: JSONValue = ["keys": .array(published.map(\.jwk))]
        return set.serialized()
    }

    private static func entries(of json: [UInt8]) throws(KeyFault) -> [JSONValue] {
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(json, limits: JSONLimits(bytesMax: bytesMax, depthMax: 8))
        } catch {
            throw .badJSON(error.description)
        }
        guard let set = value.object else { throw .badJSON("it must be an object with `keys`") }
        guard let keys = set["keys"] else { throw .missingMember("keys") }
        guard let entries = keys.array else { throw .malformedMember("keys") }
        guard entries.count <= keysMax else { throw .tooManyKeys(entries.count) }
        return entries
    }

    /// Over all entries, those that are skipped later included.
    private static func checkKeyIDs(of entries: [JSONValue]) throws(KeyFault) {
        var seen: Set<ByteText> = []
        for entry in entries {
            guard let keyID = entry.object?["kid"]?.string else { continue }
            guard seen.insert(keyID).inserted else { throw .duplicateKeyID(keyID.string) }
        }
    }
}
