import ArgumentParser
import Files
import Glibc

/// What commands print. A reader that has gone ends the command as it ends any other program of
/// the system: quietly.
enum Output {
    /// One line on stdout, at once; a failure to write it is the command's.
    static func write(line: String) {
        let failure = FileBytes.write(Array((line + "\n").utf8)[...], to: STDOUT_FILENO)
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
        _ = FileBytes.write(Array("usher: \(message)\n".utf8)[...], to: STDERR_FILENO)
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
