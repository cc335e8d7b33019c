import ArgumentParser
import Bytes
import Identifiers
import OperatorService
import Rooms
import ServerlessRelay
import Signalling
import StrictJSON

struct RoomCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "room",
        abstract: "See who is in which room now.",
        subcommands: [List.self])
}

extension RoomCommand {
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the rooms of the running relay and their members.",
            discussion: """
                Asks the relay that runs on the data folder; a node of a cluster asks the others, \
                and with --node tells what it has itself. With --watch, the list is shown again \
                whenever it has changed, until interrupted.

                The exit code is 1 where nodes of the cluster do not answer, or there are too many \
                rooms to be listed: the others are shown.

                With --table the relay is one that runs as a function. The whole table is read \
                for it, once, and paid for: 250,000 read units for each gigabyte.

                EXAMPLES
                  usher room list
                  usher room list --watch
                  usher room list --node two
                  usher room list --json | jq '.rooms[].members | length'
                  usher room list --table usher --region eu-central-1
                """)

        private static let watchMilliseconds: Int32 = 1000
        /// Other nodes are waited for.
        private static let secondsMax = 15

        @Flag(help: "Show it again whenever it changes.") var watch = false
        @OptionGroup var home: TableOptions
        @OptionGroup var options: OperatorOptions

        func validate() throws {
            try home.check(excludes: [("--data", options.data), ("--node", options.node.name)])
            if watch, home.table != nil {
                throw ValidationError(
                    "--watch and --table exclude each other: each look costs a look at all items")
            }
        }

        func run() throws {
            try report {
                if let relay = try home.relay() {
                    let rooms = try relay.rooms().map(Self.document)
                    let body = JSONValue.object(["rooms": .array(rooms)]).serialized()
                    return show(body, Self.rows(rooms), isFirst: true)
                }
                try list()
            }
        }

        private func list() throws {
            let node = options.node.name
            let path = node == nil ? "/rooms" : "/rooms?node=here"
            var last: (members: [[String]], gap: String?)?
            repeat {
                // Nodes come and go while it is watched.
                let relay = try OperatorCall(data: options.dataFolder, node: node)
                let answer = try relay.ask("GET", path, seconds: Self.secondsMax)
                guard answer.status == 200, let list = answer.json,
                    let rooms = list["rooms"]?.array
                else { throw answer.failure }
                // Ages change all the time.
                let seen = (members: Self.rows(rooms), gap: Self.gap(in: list))
                if last.map({ $0 != seen }) ?? true {
                    show(answer.body, seen.members, isFirst: last == nil)
                    if watch, let gap = seen.gap { complain(gap) }
                }
                last = seen
                guard watch else {
                    if let gap = seen.gap { throw CommandFailure(gap) }
                    return
                }
                Output.pause(milliseconds: Self.watchMilliseconds)
            } while true
        }

        /// What a list lacks; nil where it is whole.
        static func gap(in list: JSONObject) -> String? {
            var reasons: [String] = []
            let silent = (list["silent"]?.array ?? []).compactMap(\.string)
            if !silent.isEmpty {
                let names = silent.map { Printable.text($0.string) }.joined(separator: ", ")
                reasons.append("\(names): no answer, so rooms that are there alone are missing")
            }
            if list["truncated"]?.bool == true {
                reasons.append(
                    "there are too many rooms to be listed: --node shows those of one node")
            }
            return reasons.isEmpty ? nil : reasons.joined(separator: "; ")
        }

        private static func document(_ room: FunctionConsole.RoomSummary) -> JSONValue {
            RoomDocument.room(
                room.client, room.room,
                room.members.map { member in
                    RoomDocument.member(
                        member.connection.text, peerID: member.peerID.text, name: member.name,
                        dialect: member.dialect.rawValue)
                })
        }

        private func show(_ body: [UInt8], _ members: [[String]], isFirst: Bool) {
            if options.json { return say(String(decoding: body, as: UTF8.self)) }
            if !isFirst { say("") }
            guard !members.isEmpty else { return say("nobody is in a room") }
            var head = ["client_id", "room", "connection", "peer", "name", "dialect", "node"]
            let isOfCluster = members.contains { !$0[head.count - 1].isEmpty }
            if !isOfCluster { head.removeLast() }
            TextTable(rows: ([head] + members).map { Array($0.prefix(head.count)) })
                .lines.forEach(say)
        }

        /// One for each member, and one for those of a room that are left out.
        static func rows(_ rooms: [JSONValue]) -> [[String]] {
            rooms.compactMap(\.object).flatMap { room in
                let members = (room["members"]?.array ?? []).compactMap(\.object).map { member in
                    [
                        room["client_id"], room["room"], member["connectionId"],
                        member["peerId"], member["name"], member["dialect"], member["node"],
                    ].map { Printable.text($0?.string?.string ?? "") }
                }
                guard let hidden = room["hiddenMembers"]?.int64 else { return members }
                let names = [room["client_id"], room["room"]].map {
                    Printable.text($0?.string?.string ?? "")
                }
                return members + [names + ["", "… and \(hidden) more", "", "", ""]]
            }
        }
    }
}
