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
                it runs and how many connections, sessions and rooms it has, those that died or \
                left within an hour too, and which server of NATS leads the bucket.

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
                        "\(Self.text(state["node"])) is not part of the cluster now: "
                            + Printable.text(trouble.string))
                }
            }
        }

        private func show(_ state: JSONObject, _ nodes: [JSONObject]) {
            say(
                "cluster \(Self.text(state["cluster"])), as \(Self.text(state["node"])) knows it; "
                    + "rooms in format \(state["documentFormat"]?.int64 ?? 0)")
            let head = [
                "node", "state", "version", "connections", "sessions", "rooms", "silent",
                "incarnation",
            ]
            TextTable(rows: [head] + nodes.map(Self.row)).lines.forEach(say)
            say("")
            guard let nats = state["nats"]?.object else { return say("NATS: not connected yet") }
            let server = nats["server"]?.string == nil ? "not connected" : Self.text(nats["server"])
            let wait = nats["answerMilliseconds"]?.int64.map { ", answers in \($0) ms" } ?? ""
            say("NATS: \(server), nats-server \(Self.text(nats["version"]))\(wait)")
            if nats["leader"]?.string != nil {
                say("bucket: led by \(Self.text(nats["leader"]))" + Self.followers(nats))
            }
        }

        private static func row(_ node: JSONObject) -> [String] {
            let silence = node["silentMilliseconds"]?.int64 ?? 0
            return [text(node["name"]), text(node["state"]), text(node["version"])]
                + [node["connections"], node["sessions"], node["rooms"]].map {
                    "\($0?.int64 ?? 0)"
                } + [silence < 1000 ? "" : "\(silence / 1000) s", text(node["incarnation"])]
        }

        private static func followers(_ nats: JSONObject) -> String {
            (nats["replicas"]?.array ?? []).compactMap(\.object).map { replica in
                let lag = replica["lag"]?.int64 ?? 0
                let state = replica["current"]?.bool == true ? "current" : "\(lag) writes behind"
                return ", \(text(replica["name"])) \(state)"
            }.joined()
        }

        private static func text(_ value: JSONValue?) -> String {
            Printable.text(value?.string?.string ?? "")
        }
    }
}
