import ArgumentParser
import LogWriting

@main
struct Usher: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "usher",
        abstract: "Lets peers meet, and only those who may.",
        discussion: """
            Registers clients, issues access tokens, and relays WebRTC signalling between the \
            browsers that bear them.

            EXAMPLES
              usher serve --demo                 a service to try, with a demo page
              usher client add "My game"         register an application
              usher client list                  who is registered
              usher key rotate                   a new signing key
              usher token issue c_…              a token to try with
              usher room list --watch            who is in which room now
              usher cluster status               which nodes are one relay, and how they are
              usher operator link                the page that shows all this
              usher doctor                       what is wrong, and what to do
              usher backup usher.tar             registry and keys in one file
              usher serve --help                 every setting

            EXIT CODES
              0  done
              1  it could not be done; the reason is on stderr
              64 a wrong argument or setting; it is named on stderr
            """,
        version: usherVersion,
        subcommands: [
            Serve.self, ClientCommand.self, KeyCommand.self, TokenCommand.self, AuditCommand.self,
            RegistryCommand.self,
            RoomCommand.self, PeerCommand.self, ClusterCommand.self, OperatorCommand.self,
            DoctorCommand.self,
            BackupCommand.self, RestoreCommand.self, EdgeCommand.self,
        ])

    static func main() {
        StandardDescriptors.reserve()
        main(KeyIDArgument.protected(in: Array(CommandLine.arguments.dropFirst())))
    }
}

/// The version of this build; docs/CHANGELOG.md has an entry for it.
let usherVersion = "0.1.0"
