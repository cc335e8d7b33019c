import Glibc

/// The three descriptors that a process finds open, unless whoever started it closed them.
package enum StandardDescriptors {
    /// Opens those that are closed, in the direction in which they are of no use: reading and
    /// writing there fails as before, but no file and no socket gets a number to which output goes.
    ///
    /// To be called before anything else opens a file.
    package static func reserve() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest free number is given out first.
            unsafe _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
        }
    }
}
