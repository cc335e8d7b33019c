import ArgumentParser
import Bytes
import Clients
import SigningKeys
import StrictJSON

extension KeyCommand {
    struct Master: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "master",
            abstract: "Make or replace the master key, under which the registry keeps keys.",
            discussion: """
                With --master-key-file (USHER_MASTER_KEY_FILE) the signing keys lie in the \
                registry, sealed under the master key in that file, so that services on many hosts \
                share them. Every host has the same file, for the service's user alone. Without it \
                the keys are lost: keep a copy, and not beside the registry's backups.

                EXAMPLES
                  usher key master new --master-key-file /etc/usher/master.key
                  usher key master list --master-key-file /etc/usher/master.key
                  usher key master rotate --master-key-file /etc/usher/master.key
                  usher key master rotate --finish --master-key-file /etc/usher/master.key
                """,
            subcommands: [New.self, List.self, Rotate.self])
    }
}

/// Where a master key is.
struct MasterKeyOptions: ParsableArguments {
    @Option(help: "File of the master key. (default: $USHER_MASTER_KEY_FILE)")
    var masterKeyFile: String?
    @Flag(help: "Take a file that its group may read, as Kubernetes mounts it with fsGroup.")
    var keysGroupAccess = false
    @Flag(help: "Print JSON for programs.") var json = false

    func values() throws(SettingError) -> SettingValues {
        try SettingValues(
            flags: [
                "master-key-file": masterKeyFile.asTexts,
                "keys-group-access": keysGroupAccess.asFlag,
            ], environment: Environment.variables)
    }

    func path() throws -> String {
        guard let path = try values().text(of: PlaceSettings().masterKeyFile) else {
            throw CommandFailure(Self.advice)
        }
        return path
    }

    static let advice = "name the file of the master key with --master-key-file"
}

extension KeyCommand.Master {
    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a file with a new master key.",
            discussion: """
                Mode 0600, and never over a file that is there. The key is shown to nobody.

                EXAMPLES
                  usher key master new --master-key-file /etc/usher/master.key
                """)
        @OptionGroup var options: MasterKeyOptions

        func run() throws {
            try report {
                let path = try options.path()
                let id = try MasterKeyFile.make(path: path)
                guard !options.json else {
                    return sayJSON(["file": .string(path), "master_key": .string(id.text)])
                }
                say("\(path) holds the new master key \(id).")
                say("Bring the file to every host, for the service's user alone, and keep a copy")
                say("where the registry's backups are not: without it the signing keys are lost.")
            }
        }
    }

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the ids of the master keys in a file.",
            discussion: """
                The first is the newest; a second one is on its way out. On all hosts they are the \
                same.

                EXAMPLES
                  usher key master list --master-key-file /etc/usher/master.key
                """)
        @OptionGroup var options: MasterKeyOptions

        func run() throws {
            try report {
                let allowsGroup = try PlaceSettings().keysGroupAccess.value(in: options.values())
                let file = try MasterKeyFile(path: options.path(), allowsGroup: allowsGroup)
                guard !options.json else { return sayJSON(.strings(file.ids.map(\.text))) }
                for id in file.ids { say(id.text) }
            }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Replace the master key, in two steps.",
            discussion: """
                The first step writes a new master key into the first line of the file, and leaves \
                the one in use as the second. Then copy the file to every host; services read it \
                when they need it and are not restarted. The second step (--finish) seals every \
                key under the new one, in one transaction, and takes the old one out of the file. \
                Each step can be run again if it was cut off.

                EXAMPLES
                  usher key master rotate --master-key-file /etc/usher/master.key
                  usher key master rotate --finish --master-key-file /etc/usher/master.key
                """)
        @Flag(help: "Take the second step: every host has the file with both keys.")
        var finish = false
        @OptionGroup var options: KeyOptions

        func run() throws {
            try report {
                let store = try options.inRegistry(otherwise: MasterKeyOptions.advice)
                let path = store.masterKeys.path
                if finish {
                    show(try store.finishMasterKey(by: .atTerminal(), at: Clock.now()), path)
                } else {
                    show(try store.beginMasterKey(by: .atTerminal(), at: Clock.now()), path)
                }
            }
        }

        private func show(_ step: MasterKeyStep, _ path: String) {
            guard !options.json else {
                return sayJSON([
                    "change": .string(step.isNew ? "begun" : "none"),
                    "master_key": .string(step.new.text), "old_master_key": .string(step.old.text),
                ])
            }
            say(
                step.isNew
                    ? "\(step.new) is the new master key; \(step.old) stays in use for now."
                    : "\(step.new) is to take the place of \(step.old) already: none was made.")
            say("Copy \(path) to every host, over the one there. Then, and not before:")
            say("  usher key master rotate --finish")
        }

        private func show(_ end: MasterKeyEnd, _ path: String) {
            guard !options.json else {
                return sayJSON([
                    "change": .string(end.old == nil && end.count == 0 ? "none" : "finished"),
                    "master_key": .string(end.new.text),
                    "old_master_key": end.old.map { .string($0.text) } ?? .null,
                    "keys": .number(Int64(end.count)),
                ])
            }
            guard let old = end.old else {
                return say("Every key is sealed under \(end.new), the only one in \(path).")
            }
            say("Every key is sealed under \(end.new); \(old) is out of \(path).")
            say("Copy \(path) to every host once more, and destroy the old one but for where")
            say("backups of the registry from before need it.")
        }
    }
}
