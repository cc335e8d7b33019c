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

    /// Of those of `serve`.
    struct EdgeSettings: SettingSection {
        let edgeCookie = AccessSettings().edgeCookie
    }

    @OptionGroup var options: SettingOptions<EdgeSettings>

    func run() throws {
        try report {
            let settings = try Settings<EdgeSettings>(
                SettingValues(flags: options.flags, environment: Environment.variables))
            let step = EdgeStep(cookieName: ByteText(settings.edgeCookie))
            let bytesMax = ViewerRequest.eventBytesMax
            guard let event = Environment.standardInput(bytesMax: bytesMax) else {
                throw CommandFailure("the event on stdin is longer than \(bytesMax) bytes")
            }
            let answer = try ViewerRequest.rewrite(event: event, step: step)
            say(String(decoding: answer, as: UTF8.self))
        }
    }
}
