import Bytes
import Foundation
import Glibc
import HTTPMessages
import StrictJSON

/// One request, as commands ask: five seconds, no redirects, a bounded answer.
///
/// Plain http goes over a socket of our own. https is curl's, where that is installed: the service
/// itself never calls anybody, and should not link a TLS client for the sake of this.
enum Probe {
    struct Answer {
        let status: Int
        let body: [UInt8]

        /// No more was read than whoever asked wanted; all the rooms of a cluster may be in it.
        var json: JSONObject? {
            let limits = JSONLimits(bytesMax: .max, membersMax: .max)
            return (try? JSONValue.parse(body, limits: limits))?.object
        }

        /// Every answer of ours is an object with one of these.
        var isOfUsher: Bool {
            guard let json else { return false }
            return json["issuer"] != nil || json["status"] != nil
                || json["error"] != nil && json["error_description"] != nil
        }
    }

    enum Outcome {
        case answer(Answer)
        /// It was asked and did not answer; why.
        case silence(String)
        /// There was no way to ask; why.
        case notAsked(String)
    }

    static let timeoutSeconds = 5
    static let bytesMax = 65_536

    static func get(_ url: String) -> Outcome {
        guard let origin = Origin.of(url: url), url.hasPrefix(origin.description) else {
            return .notAsked("it is no http or https URL")
        }
        let target = String(url.dropFirst(origin.description.count))
        if origin.scheme == "https" { return Curl.get(url) }
        return PlainHTTP.ask(
            "GET", origin, target.isEmpty ? "/" : target, bearer: nil, bytesMax: bytesMax,
            seconds: timeoutSeconds)
    }

    /// A request to a service on this machine, over plain http; `Authorization` bears `bearer`, if
    /// it is there.
    static func ask(
        _ method: String, _ url: String, bearer: String?, bytesMax: Int,
        seconds: Int = timeoutSeconds
    ) -> Outcome {
        guard let origin = Origin.of(url: url), origin.scheme == "http" else {
            return .notAsked("it is no http URL")
        }
        let target = String(url.dropFirst(origin.description.count))
        return PlainHTTP.ask(
            method, origin, target, bearer: bearer, bytesMax: bytesMax, seconds: seconds)
    }

    /// Reads `HTTP/1.1 200 …`, the header fields and what follows until the end of the stream.
    static func answer(_ bytes: [UInt8]) -> Outcome {
        let end = Array("\r\n\r\n".utf8)
        let words = bytes.prefix { $0 != 0x0D }.split(separator: 0x20)
        guard words.count >= 2, words[0].starts(with: Array("HTTP/1.".utf8)),
            let status = Int(String(decoding: words[1], as: UTF8.self)),
            let gap = bytes.indices.first(where: { bytes[$0...].starts(with: end) })
        else { return .silence("what answers there does not speak HTTP") }
        return .answer(Answer(status: status, body: Array(bytes[(gap + end.count)...])))
    }
}

/// https by curl.
private enum Curl {
    static func get(_ url: String) -> Probe.Outcome {
        let outcome = Tool.run(
            "curl",
            [
                "--disable", "--silent", "--show-error", "--include", "--http1.1",
                "--proto", "=https", "--max-time", String(Probe.timeoutSeconds),
                "--max-filesize", String(Probe.bytesMax), "--suppress-connect-headers", "--", url,
            ])
        switch outcome {
        case .missing: return .notAsked("curl is not installed, which asks over https")
        case .failed(let reason): return .silence(reason)
        case .done(let output): return Probe.answer(output)
        }
    }
}

/// HTTP/1.0 over a socket: the answer ends where the stream does.
private enum PlainHTTP {
    static func ask(
        _ method: String, _ origin: Origin, _ target: String, bearer: String?, bytesMax: Int,
        seconds: Int
    ) -> Probe.Outcome {
        let connection: Connection
        switch Connection.open(origin, seconds: seconds) {
        case .success(let opened): connection = opened
        case .failure(let failure): return .silence(failure.description)
        }
        let host = origin.description.dropFirst("http://".count)
        let authorization = bearer.map { "Authorization: Bearer \($0)\r\n" } ?? ""
        let request =
            "\(method) \(target) HTTP/1.0\r\nHost: \(host)\r\nAccept: application/json\r\n"
            + authorization + "\r\n"
        guard connection.send(Array(request.utf8)),
            let bytes = connection.receive(bytesMax: bytesMax)
        else {
            return .silence("no answer within \(seconds) seconds")
        }
        return Probe.answer(bytes)
    }
}

/// A TCP connection on which nothing waits for longer than the probe's time.
private final class Connection {
    private let descriptor: Int32
    private let seconds: Int

    private init(_ descriptor: Int32, seconds: Int) {
        self.descriptor = descriptor
        self.seconds = seconds
    }

    deinit { close(descriptor) }

    /// To the first of the host's addresses that accepts.
    static func open(
        _ origin: Origin, seconds: Int
    ) -> Result<Connection, CommandFailure> {
        let isLiteral = origin.host.hasPrefix("[")
        let name = origin.host.string
        let host = isLiteral ? String(name.dropFirst().dropLast()) : name
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, String(origin.port), &hints, &list)
        guard status == 0 else {
            return .failure(CommandFailure(unsafe String(cString: gai_strerror(status))))
        }
        defer { unsafe freeaddrinfo(list) }
        var reason = "no address"
        var next = unsafe list
        while let address = unsafe next {
            let descriptor = unsafe connected(address.pointee, seconds)
            if descriptor >= 0 { return .success(Connection(descriptor, seconds: seconds)) }
            reason = unsafe String(cString: strerror(errno))
            unsafe next = address.pointee.ai_next
        }
        return .failure(CommandFailure(reason))
    }

    /// A descriptor, or -1 with `errno`.
    private static func connected(_ address: addrinfo, _ seconds: Int) -> Int32 {
        let type = unsafe address.ai_socktype | Int32(SOCK_CLOEXEC.rawValue)
        let descriptor = unsafe socket(address.ai_family, type, address.ai_protocol)
        guard descriptor >= 0 else { return -1 }
        var time = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {  // The latter bounds connect as well.
            unsafe setsockopt(
                descriptor, SOL_SOCKET, option, &time, socklen_t(MemoryLayout<timeval>.size))
        }
        guard unsafe connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            let failure = errno
            close(descriptor)
            errno = failure
            return -1
        }
        return descriptor
    }

    func send(_ bytes: [UInt8]) -> Bool {
        unsafe Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            == bytes.count
    }

    /// Up to the end of the stream or the probe's limit; nil where nothing came in time.
    func receive(bytesMax: Int) -> [UInt8]? {
        let end = Clock.monotonicMilliseconds() + Int64(seconds) * 1000
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while received.count < bytesMax {
            let count = unsafe recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count >= 0, Clock.monotonicMilliseconds() < end else { return nil }
            guard count > 0 else { break }
            received += buffer.prefix(count)
        }
        return received.isEmpty ? nil : received
    }
}
