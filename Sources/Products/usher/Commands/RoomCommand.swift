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
                Asks the relay that runs on the data folder. With --watch, the list is shown \
                again whenever it has changed, until interrupted.

                With --table the relay is one that runs as a function. The whole table is read \
                for it, once, and paid for: 250,000 read units for each gigabyte.

                EXAMPLES
                  usher room list
                  usher room list --watch
                  usher room list --json | jq '.rooms[].members | length'
                  usher room list --table usher --region eu-central-1
                """)

        private static let watchMilliseconds: Int32 = 1000

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
                    return show(body, rooms, isFirst: true)
                }
                let relay = try OperatorCall(data: options.dataFolder, node: options.node.name)
                var last: [UInt8]?
                repeat {
                    let answer = try relay.ask("GET", "/rooms")
                    guard answer.status == 200, let rooms = answer.json?["rooms"]?.array else {
                        throw answer.failure
                    }
                    if answer.body != last { show(answer.body, rooms, isFirst: last == nil) }
                    last = answer.body
                    if watch { Output.pause(milliseconds: Self.watchMilliseconds) }
                } while watch
            }
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

        private func show(_ body: [UInt8], _ rooms: [JSONValue], isFirst: Bool) {
            if options.json { return say(String(decoding: body, as: UTF8.self)) }
            if !isFirst { say("") }
            let members = rooms.compactMap(\.object).flatMap(rows)
            guard !members.isEmpty else { return say("nobody is in a room") }
            let head = ["client_id", "room", "connection", "peer", "name", "dialect"]
            TextTable(rows: [head] + members).lines.forEach(say)
        }

        private func rows(_ room: JSONObject) -> [[String]] {
            (room["members"]?.array ?? []).compactMap(\.object).map { member in
                [
                    room["client_id"], room["room"], member["connectionId"], member["peerId"],
                    member["name"], member["dialect"],
                ].map { Printable.text($0?.string?.string ?? "") }
            }
        }
    }
}
