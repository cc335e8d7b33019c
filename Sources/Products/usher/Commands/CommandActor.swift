import Clients
import Glibc

/// Who runs this process.
enum User {
    /// The login, or `uid 1000` where it has none here.
    static var name: String {
        guard let entry = unsafe getpwuid(geteuid()), let name = unsafe entry.pointee.pw_name else {
            return "uid \(geteuid())"
        }
        return unsafe String(cString: name)
    }
}

extension Actor {
    /// Whoever runs this command; by sudo, also who asked for it.
    static func atTerminal() -> Actor {
        let asked = Environment.variables["SUDO_USER"].flatMap { $0.isEmpty ? nil : $0 }
        return .commandLine(user: asked.map { "\($0) as \(User.name)" } ?? User.name)
    }
}
