import COpenSSL

/// Random numbers that nobody can foretell, from OpenSSL's generator.
///
/// A machine without randomness cannot run Usher: the process ends rather than go on with guessable
/// secrets.
package enum SecureRandom {
    package static func bytes(_ count: Int) -> [UInt8] {
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            guard count > 0 else { return }
            let status = unsafe RAND_bytes(buffer.baseAddress, Int32(count))
            precondition(status == 1, "OpenSSL has no randomness to give")
            filled = count
        }
    }

    package static func uint64() -> UInt64 {
        bytes(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    package static func uint128() -> UInt128 {
        bytes(16).reduce(0) { $0 << 8 | UInt128($1) }
    }
}
