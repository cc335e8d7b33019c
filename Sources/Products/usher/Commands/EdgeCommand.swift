import ArgumentParser
import Bytes
import Edge
import Foundation

struct EdgeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "edge", abstract: "Run the edge step on its own.",
        subcommands: [ViewerRequestCommand.self])
}

struct ViewerRequestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "viewer-request",
        abstract: "Turn the cookie of a Lambda@Edge viewer-request event into a bearer token.",
        discussion: """
            Reads the event on stdin and writes the rewritten request, or the answer for a request \
            that is refused, on stdout.

            EXAMPLE
              usher edge viewer-request < event.json
            """)

    @Option(help: "Cookie that becomes the bearer token. (default: __Host-usher_session)")
    var edgeCookie: String?

    func run() throws {
        try report {
            let values = try SettingValues(
                flags: ["edge-cookie": edgeCookie.asTexts], environment: Environment.variables)
            let name = try AccessSettings().edgeCookie.value(in: values)
            let step = EdgeStep(cookieName: ByteText(name))
            let bytesMax = ViewerRequest.eventBytesMax
            guard let event = Environment.standardInput(bytesMax: bytesMax) else {
                throw CommandFailure("the event on stdin is longer than \(bytesMax) bytes")
            }
            let answer = try ViewerRequest.rewrite(event: event, step: step)
            say(String(decoding: answer, as: UTF8.self))
        }
    }
}
