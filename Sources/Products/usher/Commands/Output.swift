import ArgumentParser
import Glibc

/// What commands print. A reader that has gone ends the command as it ends any other program of
/// the system: quietly.
enum Output {
    /// One line on stdout, at once; a failure to write it is the command's.
    static func write(line: String) {
        let failure = put(Array((line + "\n").utf8)[...], on: STDOUT_FILENO)
        guard failure != 0 else { return }
        if failure == EPIPE { endByBrokenPipe() }
        complain("cannot write to stdout: \(unsafe String(cString: strerror(failure)))")
        exit(1)
    }

    /// Waits, and ends the command when nobody reads stdout any more: a command that has nothing to
    /// write for long would not notice.
    static func pause(milliseconds: Int32) {
        // Asked for nothing, it tells of errors: that of a pipe without readers is one.
        var out = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
        let end = Clock.monotonicMilliseconds() + Int64(milliseconds)
        var left = milliseconds
        while left > 0 {
            let found = unsafe poll(&out, 1, left)
            if found > 0, Int32(out.revents) & (POLLERR | POLLNVAL) != 0 { endByBrokenPipe() }
            left = Int32(clamping: end - Clock.monotonicMilliseconds())
        }
    }

    /// Nothing is left to be done where this fails.
    fileprivate static func complain(_ message: String) {
        _ = put(Array("usher: \(message)\n".utf8)[...], on: STDERR_FILENO)
    }

    /// Writes all of it. Returns 0, or the `errno` that kept it from doing so.
    static func put(_ bytes: ArraySlice<UInt8>, on descriptor: Int32) -> Int32 {
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

    /// Whoever started the command sees the signal, also where it had SIGPIPE ignored.
    static func endByBrokenPipe() -> Never {
        signal(SIGPIPE, SIG_DFL)
        raise(SIGPIPE)
        exit(1)
    }
}

/// A line on stderr.
func complain(_ message: String) { Output.complain(message) }

/// One line on stdout, at once.
func say(_ line: String) { Output.write(line: line) }
