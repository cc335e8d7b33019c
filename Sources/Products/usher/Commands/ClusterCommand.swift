import ArgumentParser
import Bytes
import StrictJSON

struct ClusterCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cluster",
        abstract: "See the nodes that are one relay.",
        subcommands: [Status.self])
}

extension ClusterCommand {
    struct Status: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the cluster's nodes and its servers of NATS, as a node knows them.",
            discussion: """
                Asks a node that runs on the data folder. It shows each node with the version that \
                it runs, the newest format of rooms that it reads, how many connections, sessions \
                and rooms it has, how much of what it is sent it has not answered and since when, \
                and to which server of NATS it is connected; those that died or left within an \
                hour too; then the servers of NATS, and which of them leads the bucket.

                The exit code is 1 where the node that is asked is not part of its cluster.

                EXAMPLES
                  usher cluster status
                  usher cluster status --node two --json | jq '.nodes[].state'
                """)

        @OptionGroup var options: OperatorOptions

        func run() throws {
            try report {
                let answer = try OperatorCall(
                    data: options.dataFolder, node: options.node.name
                ).ask("GET", "/cluster")
                guard answer.status == 200, let state = answer.json,
                    let nodes = state["nodes"]?.array
                else { throw answer.failure }
                if options.json {
                    say(String(decoding: answer.body, as: UTF8.self))
                } else {
                    show(state, nodes.compactMap(\.object))
                }
                if let trouble = state["trouble"]?.string {
                    throw CommandFailure(
                        "\(Printable.text(state["node"])) is not part of the cluster now: "
                            + Printable.text(trouble.string))
                }
            }
        }

        private func show(_ state: JSONObject, _ nodes: [JSONObject]) {
            let table = ClusterTable(nodes: nodes)
            let format = state["documentFormat"]?.int64 ?? 0
            let holders = table.whoHoldsBack(format).map { "; \($0) reads no newer" } ?? ""
            say(
                "cluster \(Printable.text(state["cluster"])), as \(Printable.text(state["node"])) "
                    + "knows it; rooms in format \(format)\(holders)")
            table.lines.forEach(say)
            say("")
            guard let nats = state["nats"]?.object else { return say("NATS: not connected yet") }
            NATSLines(nats: nats).lines.forEach(say)
        }
    }
}
