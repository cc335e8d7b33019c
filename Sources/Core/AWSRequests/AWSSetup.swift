package import Bytes
internal import HTTPMessages

/// What AWS's tools are told on this machine, by the usual variables and files: of both, the keys
/// that stand there. Other ways to get keys are theirs.
package struct AWSSetup {
    package enum Finding: Sendable {
        case absent
        /// For people.
        case unreadable(String)
        case bytes([UInt8])
    }

    package enum Fault: Error, Equatable, Sendable {
        /// Of two variables or settings that belong together only one is there.
        case half(is: ByteText, isNot: ByteText)
        /// What stands there is no key.
        case malformed(ByteText)
        case unreadable(path: ByteText, reason: String)
        case file(path: ByteText, ProfileFile.Fault)
        case noProfile(ByteText)
        /// The profile gets its keys in this way.
        case unsupported(ByteText, profile: ByteText)
        case nothing(profile: ByteText)
    }

    private static let keyID: ByteText = "aws_access_key_id"
    private static let secret: ByteText = "aws_secret_access_key"
    private static let token: ByteText = "aws_session_token"
    /// What AWS's tools look at before the keys of the same profile.
    private static let first: [ByteText] = [
        "role_arn", "web_identity_token_file", "sso_session", "sso_start_url",
    ]
    private static let last: [ByteText] = ["credential_process", "login_session"]

    private let variable: (ByteText) -> ByteText?
    private let read: (_ path: ByteText) -> Finding

    /// - Parameters:
    ///   - variable: Nil for one that is not set; an empty one counts as none.
    ///   - read: A file, of which at most `ProfileFile.bytesMax` bytes and one more are wanted.
    package init(
        variable: @escaping (ByteText) -> ByteText?, read: @escaping (ByteText) -> Finding
    ) {
        self.variable = { name in variable(name).flatMap { $0.isEmpty ? nil : $0 } }
        self.read = read
    }

    // MARK: What is asked for

    package func credentials() throws(Fault) -> AWSCredentials {
        if let found = try fromVariables() { return found }
        let (shared, config) = (try sharedProfile(), try configProfile())
        guard shared != nil || config != nil else {
            guard variable("AWS_PROFILE") == nil else { throw .noProfile(profile) }
            throw .nothing(profile: profile)
        }
        for way in Self.first where config?[way] != nil || shared?[way] != nil {
            throw .unsupported(way, profile: profile)
        }
        if let found = try Self.keys(shared) { return found }
        for way in Self.last where config?[way] != nil || shared?[way] != nil {
            throw .unsupported(way, profile: profile)
        }
        if let found = try Self.keys(config) { return found }
        throw .nothing(profile: profile)
    }

    /// The region and where it is set, for people; nil where none is.
    package func region() throws(Fault) -> (place: ByteText, text: ByteText)? {
        for name: ByteText in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
            if let text = variable(name) { return (name, text) }
        }
        guard let text = try configProfile()?["region"], let path = path(Self.config) else {
            return nil
        }
        return ("region of the profile \"\(profile)\" in \(path)", text)
    }

    private func fromVariables() throws(Fault) -> AWSCredentials? {
        let names: [ByteText] = [
            "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
        ]
        return try Self.credentials(names) { variable($0) }
    }

    private static func keys(_ section: ProfileFile.Section?) throws(Fault) -> AWSCredentials? {
        try credentials([keyID, secret, token]) { name in
            section?[name].flatMap { $0.isEmpty ? nil : $0 }
        }
    }

    /// By the names of the key's id, the secret and the session token.
    private static func credentials(
        _ names: [ByteText], _ value: (ByteText) -> ByteText?
    ) throws(Fault) -> AWSCredentials? {
        switch (value(names[0]), value(names[1])) {
        case (nil, nil): return nil
        case (nil, _?): throw .half(is: names[1], isNot: names[0])
        case (_?, nil): throw .half(is: names[0], isNot: names[1])
        case (let id?, let secret?):
            guard id.utf8.allSatisfy(isKeyIDByte) else { throw .malformed(names[0]) }
            for name in names.dropFirst() {
                guard let text = value(name) else { continue }
                guard text.isASCII, FieldGrammar.isFieldValue(text) else { throw .malformed(name) }
            }
            return AWSCredentials(
                accessKeyID: id, secretAccessKey: secret, sessionToken: value(names[2]))
        }
    }

    private static func isKeyIDByte(_ byte: UInt8) -> Bool {
        0x30...0x39 ~= byte || 0x41...0x5A ~= byte || 0x61...0x7A ~= byte
            || byte == UInt8(ascii: "_")
    }

    // MARK: Files

    /// The variable that names a file, and its name in `~/.aws` otherwise.
    private typealias Place = (variable: ByteText, standard: ByteText)
    private static let config: Place = ("AWS_CONFIG_FILE", "config")

    private var profile: ByteText {
        variable("AWS_PROFILE") ?? variable("AWS_DEFAULT_PROFILE") ?? "default"
    }

    private func sharedProfile() throws(Fault) -> ProfileFile.Section? {
        try file(("AWS_SHARED_CREDENTIALS_FILE", "credentials"))?[profile]
    }

    private func configProfile() throws(Fault) -> ProfileFile.Section? {
        let file = try file(Self.config)
        if let named = file?["profile \(profile)"] { return named }
        return profile == "default" ? file?["default"] : nil
    }

    /// Nil where it is not named and there is no home.
    private func path(_ file: Place) -> ByteText? {
        variable(file.variable) ?? variable("HOME").map { "\($0)/.aws/\(file.standard)" }
    }

    private func file(_ place: Place) throws(Fault) -> ProfileFile? {
        guard let path = path(place) else { return nil }
        switch read(path) {
        case .absent: return nil
        case .unreadable(let reason): throw .unreadable(path: path, reason: reason)
        case .bytes(let bytes):
            do throws(ProfileFile.Fault) { return try ProfileFile(bytes) } catch {
                throw .file(path: path, error)
            }
        }
    }
}

extension AWSSetup.Fault: CustomStringConvertible {
    private static let hint =
        "export keys, as `aws configure export-credentials --format env` prints them"

    package var description: String {
        switch self {
        case .half(let one, let other): "\(one) is set, and \(other) beside it is not"
        case .malformed(let name): "\(name) is set to what cannot be one"
        case .unreadable(let path, let reason): "\(path): \(reason)"
        case .file(let path, .tooLarge): "\(path) has more than \(ProfileFile.bytesMax) bytes"
        case .file(let path, .line(let number, let expected)):
            "\(path), line \(number): expected \(expected.rawValue)"
        case .noProfile(let profile): "there is no profile \"\(profile)\", which AWS_PROFILE names"
        case .unsupported(let way, let profile):
            "the profile \"\(profile)\" gets its keys by \(way), as AWS's own tools can: "
                + Self.hint
        case .nothing(let profile):
            "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the profile "
                + "\"\(profile)\" keys in ~/.aws/credentials; elsewhere \(Self.hint)"
        }
    }
}
