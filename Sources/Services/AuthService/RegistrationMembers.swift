import Bytes
import StrictJSON
import Tokens

/// The members of a registration by their types; of another type, they are refused by name.
struct RegistrationMembers {
    typealias Member = RegistrationMetadata.Member

    private let object: JSONObject

    init(_ object: JSONObject) { self.object = object }

    func text(_ member: Member) throws(OAuthRefusal) -> ByteText? {
        guard let value = value(member) else { return nil }
        guard let text = value.string else { throw .invalidMetadata(member, "expected a string") }
        return text
    }

    func texts(_ member: Member) throws(OAuthRefusal) -> [ByteText]? {
        guard let value = value(member) else { return nil }
        let texts = value.array?.compactMap(\.string)
        guard let texts, texts.count == value.array?.count else {
            throw .invalidMetadata(member, "expected a list of strings")
        }
        return texts
    }

    func integer(_ member: Member) throws(OAuthRefusal) -> Int64? {
        guard let value = value(member) else { return nil }
        guard let number = value.int64 else { throw .invalidMetadata(member, "expected a number") }
        return number
    }

    func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ member: Member
    ) throws(OAuthRefusal) -> Choice? {
        guard let text = try text(member) else { return nil }
        return try Self.choice(text, member)
    }

    /// Not empty, and each once.
    func choices<Choice: RawRepresentable<String> & CaseIterable & Equatable>(
        _ member: Member
    ) throws(OAuthRefusal) -> [Choice]? {
        guard let texts = try texts(member) else { return nil }
        guard !texts.isEmpty else { throw .invalidMetadata(member, "expected at least one") }
        var choices: [Choice] = []
        for text in texts {
            let choice: Choice = try Self.choice(text, member)
            if !choices.contains(choice) { choices.append(choice) }
        }
        return choices
    }

    /// The public keys of `jwks`. None is skipped: who registers a key means to use it.
    func keys(
        sha256: ([UInt8]) -> [UInt8], isUsable: (PublicKey) -> Bool
    ) throws(OAuthRefusal) -> [PublicKey] {
        guard value(.keysURI) == nil else {
            let isDoubled = value(.keys) != nil
            throw .invalidMetadata(
                .keysURI,
                isDoubled ? "jwks and jwks_uri exclude each other" : "not supported: send jwks")
        }
        guard let value = value(.keys) else { return [] }
        let set: JWKSet
        do throws(KeyFault) {
            set = try JWKSet(parsing: value.serialized(), sha256: sha256)
        } catch {
            throw .invalidMetadata(.keys, error.description)
        }
        if let skipped = set.skipped.first {
            throw .invalidMetadata(.keys, "key \(skipped.index): \(skipped.fault.description)")
        }
        if let key = set.keys.first(where: { !isUsable($0) }) {
            throw .invalidMetadata(.keys, "\(OAuthText.quoted(key.keyID)) is no usable key")
        }
        return set.keys
    }

    private func value(_ member: Member) -> JSONValue? {
        guard let value = object[ByteText(member.rawValue)], value != .null else { return nil }
        return value
    }

    private static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ text: ByteText, _ member: Member
    ) throws(OAuthRefusal) -> Choice {
        guard let choice = Choice(named: text) else {
            let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidMetadata(member, "\(OAuthText.quoted(text)) is none of \(known)")
        }
        return choice
    }
}
