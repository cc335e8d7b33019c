import CLibSSL
import Foundation

/// Keys and certificates, made by the `openssl` program when they are first needed, and removed
/// when the process ends.
package enum TestKeys {
    private static let folder: String = {
        let folder = FileManager.default.temporaryDirectory.path + "/usher-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: false)
        atexit { try? FileManager.default.removeItem(atPath: TestKeys.folder) }
        openssl(folder, "req -x509 \(newKey("authority")) -days 2 -subj /CN=authority")
        return folder
    }()

    /// The authority that has signed all but those that have signed themselves.
    package static var authority: String { folder + "/authority.pem" }

    package static let good = signed("good", names: "DNS:localhost,IP:127.0.0.1")
    package static let other = signed("other", names: "DNS:other.example,IP:127.0.0.2")
    package static let expired = signed("expired", names: "DNS:localhost,IP:127.0.0.1", days: -1)
    package static let selfSigned: ServerIdentity = {
        let request = "req -x509 \(newKey("self")) -days 2 -subj /CN=localhost"
        openssl(folder, request + " -addext subjectAltName=DNS:localhost,IP:127.0.0.1")
        return ServerIdentity(folder + "/self")
    }()

    private static func newKey(_ name: String) -> String {
        "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout \(name).key -out \(name).pem"
    }

    private static func signed(_ name: String, names: String, days: Int = 2) -> ServerIdentity {
        openssl(folder, "req -new \(newKey(name)) -subj /CN=\(name)")
        let names = Data("subjectAltName=\(names)\n".utf8)
        try? names.write(to: URL(fileURLWithPath: folder + "/\(name).names"))
        openssl(
            folder,
            "x509 -req -in \(name).pem -CA authority.pem -CAkey authority.key -CAcreateserial "
                + "-CAserial \(name).serial -days \(days) -extfile \(name).names -out \(name).pem")
        return ServerIdentity(folder + "/" + name)
    }

    /// A file beside the keys.
    package static func file(_ name: String, _ text: String) throws -> String {
        let path = folder + "/" + name
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    private static func openssl(_ folder: String, _ arguments: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["openssl"] + arguments.split(separator: " ").map(String.init)
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try? process.run()
        process.waitUntilExit()
        precondition(process.terminationStatus == 0, "openssl \(arguments)")
    }
}

/// What a server speaks TLS with.
///
/// `@unchecked Sendable`: as for any `SSL_CTX`, once it is set up it is only read.
@safe package final class ServerIdentity: @unchecked Sendable {
    let context: OpaquePointer?

    /// - Parameters:
    ///   - path: Of `.pem` and `.key`, without either.
    ///   - versionMax: The newest version of TLS that it speaks.
    init(_ path: String, versionMax: Int32? = nil) {
        unsafe context = SSL_CTX_new(TLS_server_method())
        self.path = path
        let (certificate, key) = (path + ".pem", path + ".key")
        var isLoaded = unsafe SSL_CTX_use_certificate_file(context, certificate, Self.pem) == 1
        isLoaded =
            unsafe SSL_CTX_use_PrivateKey_file(context, key, Self.pem) == 1 && isLoaded
        precondition(isLoaded)
        if let versionMax {
            unsafe SSL_CTX_set_security_level(context, 0)
            unsafe SSL_CTX_set_options(context, Self.newer(than: versionMax))
        }
    }

    private static let pem = SSL_FILETYPE_PEM
    /// Of `.pem` and `.key`, without either.
    package let path: String

    /// The same key and certificate, with no newer version of TLS.
    package func upTo(_ version: Int32) -> ServerIdentity {
        ServerIdentity(path, versionMax: version)
    }

    private static func newer(than version: Int32) -> UInt64 {
        var options: UInt64 = 0
        if version < TLS1_3_VERSION { options |= 1 << 29 }  // SSL_OP_NO_TLSv1_3
        if version < TLS1_2_VERSION { options |= 1 << 27 }  // SSL_OP_NO_TLSv1_2
        return options
    }
}
