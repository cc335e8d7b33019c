import ArgumentParser
import Bytes
import Clients
import Signalling
import StrictJSON

struct PeerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer",
        abstract: "Act on a peer that is connected now.",
        subcommands: [Kick.self])
}

extension PeerCommand {
    struct Kick: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close a peer's connection for good (4501).",
            discussion: """
                Its rooms are told that it left, and clients that keep the protocol do not come \
                back by themselves. Its token stays good: to keep it out, revoke that \
                (usher token revoke), or the client (usher client disable).

                With --table the relay is one that runs as a function: its session there ends, \
                and its connection is closed by --gateway, the stage's own address.

                EXAMPLES
                  usher room list
                  usher peer kick 9f3a5c0e77d10b42
                  usher peer kick 9f3a5c0e77d10b42 --table usher \\
                      --gateway https://a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/live
                """)

        @Argument(help: "The connection, as usher room list shows it.") var connectionID: String
        @OptionGroup var home: TableOptions
        @OptionGroup var gateway: GatewayOptions
        @OptionGroup var places: PlaceOptions
        @OptionGroup var node: NodeOption
        @Flag(help: "Print JSON for programs.") var json = false

        func validate() throws {
            try home.check(excludes: places.given + [("--node", node.name)])
            try gateway.check(with: home)
            let isID =
                connectionID.utf8.count == 16
                && connectionID.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
                }
            guard isID else {
                throw ValidationError(
                    "CONNECTION-ID is \"\(connectionID)\": expected the 16 hexadecimal digits "
                        + "that usher room list shows")
            }
        }

        func run() throws {
            try report {
                if let relay = try home.relay(gateway: gateway.gateway) {
                    return try kick(at: relay)
                }
                let answer = try OperatorCall(
                    data: places.dataFolder, node: node.name
                ).ask("DELETE", "/peers/\(connectionID)")
                guard answer.status != 404 else {
                    throw CommandFailure(
                        "no peer in a room has the connection \(connectionID): see usher room list")
                }
                guard [200, 204].contains(answer.status) else { throw answer.failure }
                let node = answer.json?["node"]?.string
                note(at: node)
                done(at: node)
            }
        }

        /// `node` is where it was in a cluster.
        private func done(at node: ByteText? = nil) {
            guard json else {
                let place = node.map { " at \(Printable.text($0.string))" } ?? ""
                return say("kicked \(connectionID)\(place)")
            }
            var document: JSONObject = ["kicked": .string(connectionID)]
            if let node { document["node"] = .string(node) }
            say(String(decoding: JSONValue.object(document).serialized(), as: UTF8.self))
        }

        private func kick(at relay: TableRelay) throws {
            guard relay.hasGateway else {
                throw SettingError(
                    place: "--gateway", value: "", expected: TableSettings.gatewayExpected)
            }
            let bytes = Array(connectionID.utf8)
            guard let connection = ConnectionID(bytes.span, bytes.indices),
                try relay.kick(connection)
            else {
                throw CommandFailure(
                    "no session of that table has the connection \(connectionID): see "
                        + "usher room list --table")
            }
            done()
        }

        /// The relay keeps no audit of its own: who ran the command is known here alone.
        private func note(at node: ByteText?) {
            do {
                let registry = try places.place().open(mustExist: true)
                try registry.appendAudit(
                    action: "peer.kick", target: connectionID,
                    details: node.map { "node \($0.string)" } ?? "", by: .atTerminal(),
                    at: Clock.now())
            } catch {
                complain("it is done, but not in the audit log: \(error)")
            }
        }
    }
}
