import Locking
import ServerSupport

/// A Runtime API with a list of events, which answers 500 when it is at its end.
struct ToyRuntime {
    struct Call: Equatable {
        /// `POST /init/error`, without the version.
        let line: String
        let fields: [Substring]
        let body: Substring
    }

    /// What has come and what is left, shared with the server's threads.
    final class State: Sendable {
        private struct Content {
            var events: [String]
            var answers: [String]
            var calls: [Call] = []
        }

        private let content: Lock<Content>

        init(_ events: [String], _ answers: [String]) {
            content = Lock(Content(events: events, answers: answers))
        }

        var calls: [Call] { content.withLock { $0.calls } }

        func answer(_ request: String) -> String {
            let call = Call(request)
            return content.withLock { content in
                content.calls.append(call)
                if call.line.hasPrefix("GET") {
                    return content.events.isEmpty
                        ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
                        : content.events.removeFirst()
                }
                return content.answers.isEmpty
                    ? "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
                    : content.answers.removeFirst()
            }
        }
    }

    private let state: State
    private let server: ScriptedServer

    var address: String { "127.0.0.1:\(server.port)" }
    var calls: [Call] { state.calls }
    var lines: [String] { calls.map(\.line) }

    /// - Parameters:
    ///   - events: Whole answers to the questions for the next event.
    ///   - answers: What the first posts get; all others get 202.
    ///   - perConnection: How many requests a connection serves before it is closed.
    /// - Throws: As `ScriptedServer`.
    init(_ events: [String], answers: [String] = [], perConnection: Int = .max) throws {
        let state = State(events, answers)
        self.state = state
        server = try ScriptedServer { peer in
            var left = perConnection
            while left > 0, let request = peer.request() {
                peer.send(state.answer(request))
                left -= 1
            }
        }
    }

    static func event(
        _ body: String, fields: [String] = [id("a-1"), "Lambda-Runtime-Deadline-Ms: 1700000000123"]
    ) -> String {
        let fields = fields + ["Content-Length: \(body.utf8.count)"]
        return "HTTP/1.1 200 OK\r\n" + fields.map { $0 + "\r\n" }.joined() + "\r\n" + body
    }

    static func id(_ text: String) -> String { "Lambda-Runtime-Aws-Request-Id: \(text)" }
}

extension ToyRuntime.Call {
    init(_ request: String) {
        let lines = request.split(separator: "\r\n", omittingEmptySubsequences: false)
        let words = lines[0].split(separator: " ")
        line = "\(words[0]) \(words[1].trimmingPrefix("/2018-06-01/runtime"))"
        fields = Array(lines.dropFirst().prefix { !$0.isEmpty })
        body = lines.last ?? ""
    }
}
