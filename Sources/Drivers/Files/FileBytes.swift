import Glibc

/// All the bytes, however few the kernel takes or gives at a time.
package enum FileBytes {
    /// Writes all of it, to a pipe that is full for a moment as well.
    ///
    /// - Returns: 0, or the `errno` that kept it from doing so.
    package static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int32 {
        var rest = bytes
        while !rest.isEmpty {
            let written = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno == EAGAIN {
                var room = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&room, 1, -1)
            } else if errno != EINTR {
                return errno
            }
        }
        return 0
    }

    /// Everything up to the end of a file or pipe, but no more than `bytesMax` bytes: into memory
    /// that never grows, so that no copy is left behind.
    ///
    /// - Returns: What was read, which is a part of it where `failure`, an `errno`, is not 0.
    package static func read(
        _ descriptor: Int32, bytesMax: Int
    ) -> (bytes: [UInt8], failure: Int32) {
        var failure: Int32 = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: bytesMax) { buffer, filled in
            while filled < bytesMax {
                let count = unsafe Glibc.read(
                    descriptor, buffer.baseAddress?.advanced(by: filled), bytesMax - filled)
                if count < 0, errno == EINTR { continue }
                failure = count < 0 ? errno : 0
                guard count > 0 else { return }
                filled += count
            }
        }
        return (bytes, failure)
    }

    /// The same of a file by its name.
    package static func read(path: String, bytesMax: Int) throws(FileFailure) -> [UInt8] {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure(errorNumber: errno) }
        defer { close(descriptor) }
        let (bytes, failure) = read(descriptor, bytesMax: bytesMax)
        guard failure == 0 else { throw FileFailure(errorNumber: failure) }
        return bytes
    }
}
