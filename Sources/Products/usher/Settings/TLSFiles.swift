import Foundation
import HTTPServing

/// Where the certificate and its key lie, which are read at the start and again on SIGHUP.
struct TLSFiles: Equatable, Sendable {
    let certificate: String
    let key: String

    init?(certificate: String?, key: String?) {
        guard let certificate, let key else { return nil }
        self.certificate = certificate
        self.key = key
    }

    func read() throws(SettingError) -> TLSIdentity {
        let certificates = try content(certificate, of: AccessSettings().tlsCertificate)
        let privateKey = try content(key, of: AccessSettings().tlsKey)
        do throws(TLSIdentityError) {
            return try TLSIdentity(certificates: certificates, privateKey: privateKey)
        } catch {
            throw fault(error)
        }
    }

    private func content(
        _ path: String, of setting: Setting<String?>
    ) throws(SettingError) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw SettingError(
                place: setting.flag, value: path, expected: "a file that can be read")
        }
        return TextFile.withoutMark([UInt8](data))
    }

    private func fault(_ error: TLSIdentityError) -> SettingError {
        switch error {
        case .certificateUnreadable:
            SettingError(
                place: AccessSettings().tlsCertificate.flag, value: certificate,
                expected: "a PEM file with the certificate first and its chain behind it")
        case .keyUnreadable:
            SettingError(
                place: AccessSettings().tlsKey.flag, value: key,
                expected: "a PEM file with a private key and no password")
        case .keyOfAnotherCertificate:
            SettingError(
                place: AccessSettings().tlsKey.flag, value: key,
                expected: "the private key of the first certificate in \(certificate)")
        }
    }
}
