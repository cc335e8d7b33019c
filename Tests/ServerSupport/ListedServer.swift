import Locking

/// A server that gives one answer after the other, to whichever connection asks, and then the last
/// of them for ever.
package struct ListedServer: Sendable {
    private struct Content {
        var answers: [String]
        var requests: [String] = []
    }

    private final class State: Sendable {
        let content: Lock<Content>
        init(_ answers: [String]) { content = Lock(Content(answers: answers)) }
    }

    private let state: State
    private let server: ScriptedServer

    package var port: UInt16 { server.port }
    package var connections: Int { server.connections }
    /// As they came.
    package var requests: [String] { state.content.withLock { $0.requests } }

    /// - Parameter answers: Whole ones, or statuses (`429`) of which answers without a body are
    ///   made.
    /// - Throws: As `ScriptedServer`.
    package init(_ answers: [String]) throws {
        let state = State(
            answers.map { $0.count > 3 ? $0 : "HTTP/1.1 \($0) S\r\nContent-Length: 0\r\n\r\n" })
        self.state = state
        server = try ScriptedServer { peer in
            while let request = peer.request() {
                let answer = state.content.withLock { content in
                    content.requests.append(request)
                    return content.answers.count > 1
                        ? content.answers.removeFirst() : content.answers[0]
                }
                peer.send(answer)
            }
        }
    }

    package static func answer(_ status: Int, _ body: String, field: String? = nil) -> String {
        let fields = (field.map { $0 + "\r\n" } ?? "") + "Content-Length: \(body.utf8.count)"
        return "HTTP/1.1 \(status) S\r\n\(fields)\r\n\r\n\(body)"
    }
}
