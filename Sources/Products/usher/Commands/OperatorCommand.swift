import ArgumentParser

struct OperatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "operator",
        abstract: "Reach the operator's page of the running service.",
        subcommands: [Link.self])
}

extension OperatorCommand {
    struct Link: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the link to the operator's page.",
            discussion: """
                The link bears the token of this run behind its #, which browsers do not send: \
                the page keeps it for its tab. Whoever has the link may see and close \
                connections until the service stops. From elsewhere, forward the port first \
                (ssh -L 9090:127.0.0.1:9090 HOST).

                EXAMPLES
                  usher operator link
                  xdg-open "$(usher operator link)"
                """)

        @OptionGroup var options: OperatorOptions

        func run() throws {
            try report {
                let pass = try OperatorPass.read(
                    in: options.dataFolder, of: options.node.name)
                let link = "\(pass.url)/#token=\(pass.token)"
                say(options.json ? #"{"link":"\#(link)"}"# : link)
            }
        }
    }
}
