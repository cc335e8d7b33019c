import COpenSSL
import Files
import Glibc

/// Overwrites a secret that is needed no more, in a way that no optimiser leaves out.
///
/// The array must be the only holder of its memory: of a shared one Swift would make a copy and
/// that would be overwritten. Copies made by others are theirs to erase.
package func eraseSecret(_ bytes: inout [UInt8]) {
    unsafe bytes.withUnsafeMutableBytes { bytes in
        unsafe OPENSSL_cleanse(bytes.baseAddress, bytes.count)
    }
}

/// Reads secrets so that no copy of theirs is left behind: into memory that never grows, and
/// unbuffered.
package enum SecretReading {
    /// Everything up to the end of a file or pipe, but no more than `bytesMax` bytes.
    ///
    /// - Returns: Bytes to be erased when they are needed no more; nil where reading fails, with
    ///   the reason in `errno`.
    package static func all(of descriptor: Int32, bytesMax: Int) -> [UInt8]? {
        var (bytes, failure) = FileBytes.read(descriptor, bytesMax: bytesMax)
        guard failure == 0 else {
            eraseSecret(&bytes)
            errno = failure
            return nil
        }
        return bytes
    }
}
