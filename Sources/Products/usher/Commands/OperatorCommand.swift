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
                (ssh -L 9090:127.0.0.1:9090 HOST). Of the nodes of a cluster that run on the data \
                folder, it is the page of the first that answers: each page shows all nodes.

                EXAMPLES
                  usher operator link
                  xdg-open "$(usher operator link)"
                """)

        @OptionGroup var options: OperatorOptions

        func run() throws {
            try report {
                let pass = try pass()
                let link = "\(pass.url)/#token=\(pass.token)"
                say(options.json ? #"{"link":"\#(link)"}"# : link)
            }
        }

        /// Of the services that run on the folder; one that was killed leaves its pass.
        private func pass() throws -> OperatorPass {
            let passes = try OperatorPass.all(in: options.dataFolder, named: options.node.name)
            return passes.dropLast().first { pass in
                if case .answer = Probe.get("\(pass.url)/livez") { true } else { false }
            } ?? passes[passes.count - 1]
        }
    }
}
