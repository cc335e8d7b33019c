import Bytes
import Glibc

/// The cluster that a relay is part of, and what it is called there.
struct ClusterPlace: Equatable, Sendable {
    /// URLs of NATS servers, as they were set.
    let servers: [String]
    /// Path of the file with credentials, if any.
    let credentials: String?
    /// Path of the file with the CA's certificates, if it is not the system's.
    let authority: String?
    /// Whether the credentials' group may read them.
    let allowsGroup: Bool
    let name: String
    let nodeName: String
    let drainNoticeSeconds: Int

    /// - Returns: nil where no server is set.
    /// - Throws: `SettingError` for what is set beside it and means nothing, or is missing.
    init?(
        _ settings: Settings<ClusterSettings>, allowsGroup: Bool = false
    ) throws(SettingError) {
        self.allowsGroup = allowsGroup
        servers = settings.cluster.flatMap(\.self)
        credentials = settings.clusterCredentials
        authority = settings.clusterCA
        name = settings.clusterName
        drainNoticeSeconds = settings.drainNoticeSeconds
        guard !servers.isEmpty else {
            let expected = "--cluster beside it, which names the NATS servers"
            if credentials != nil {
                throw settings.error(\.clusterCredentials, expected: expected)
            }
            if authority != nil { throw settings.error(\.clusterCA, expected: expected) }
            return nil
        }
        guard !servers.contains(where: { $0.utf8.contains(UInt8(ascii: "@")) }) else {
            throw settings.error(
                \.cluster, value: "…@…",
                expected: "no user and password, which every user of this host would see: they "
                    + "have a file (--cluster-credentials)")
        }
        guard let nodeName = settings.nodeName ?? Self.hostName else {
            throw settings.error(
                \.nodeName, expected: "a name for this node, since the host's will not do")
        }
        self.nodeName = nodeName
    }

    /// The host's, as far as it may be a node's.
    private static var hostName: String? {
        var name = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&name, name.count - 1) == 0 else { return nil }
        let text = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        return isName(text, bytesMax: 64, allowsDots: true) ? text : nil
    }

    /// Names stand in subjects, in the names of streams, and in those of files.
    static func isName(_ text: String, bytesMax: Int, allowsDots: Bool) -> Bool {
        let bytes = text.utf8
        guard (1...bytesMax).contains(bytes.count), bytes.first != UInt8(ascii: ".") else {
            return false
        }
        return bytes.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "_"): true
            case UInt8(ascii: "."): allowsDots
            default: false
            }
        }
    }

    /// URLs of servers, with commas between.
    @Sendable static func servers(_ text: String) -> [String]? {
        let texts = text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        let servers = texts.compactMap { server(String(Substring($0))) }
        return servers.count == texts.count ? servers : nil
    }

    /// A server's URL. One that holds credentials is found out later, so that no error repeats
    /// them.
    private static func server(_ text: String) -> String? {
        let bytes = ByteText(text)
        guard bytes.hasPrefix("nats://") || bytes.hasPrefix("tls://") else { return nil }
        let place = text.utf8.drop { $0 != UInt8(ascii: "/") }.dropFirst(2)
        let isPlace = place.allSatisfy { byte in
            (0x21...0x7E).contains(byte) && !"/?#,".utf8.contains(byte)
        }
        return isPlace && !place.isEmpty ? text : nil
    }
}
