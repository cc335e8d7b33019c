import ArgumentParser
import Bytes
import StrictJSON

/// What every command takes that asks the running service.
struct OperatorOptions: ParsableArguments {
    @Option(help: "Folder of the service. (default: $USHER_DATA or ~/.local/share/usher)")
    var data: String?
    @OptionGroup var node: NodeOption
    @Flag(help: "Print JSON for programs.") var json = false

    var dataFolder: String { Environment.dataFolder(data) }
}

/// Which of the services that run on one data folder.
struct NodeOption: ParsableArguments {
    @Option(name: .customLong("node"), help: "Node of a cluster, where several run on that folder.")
    var name: String?

    func validate() throws {
        guard let name, !ClusterPlace.isName(name, bytesMax: 64, allowsDots: true) else { return }
        throw ValidationError("--node is \"\(name)\": expected the --node-name of usher serve")
    }
}

/// Asks the service that runs on a data folder, with the bearer that it left there.
struct OperatorCall {
    /// A room's entry has some 200 bytes for each member.
    private static let bytesMax = 64 << 20
    private let passes: [OperatorPass]

    /// Of several nodes of a cluster any is as good as the others, unless one is named.
    init(data: String, node: String?) throws(CommandFailure) {
        passes = try OperatorPass.all(in: data, named: node)
    }

    /// Status and body of the first answer; `path` has its slash in front, and `seconds` is how
    /// long each may take.
    func ask(
        _ method: String, _ path: String, seconds: Int = Probe.timeoutSeconds
    ) throws(CommandFailure) -> Probe.Answer {
        for pass in passes.dropLast() {
            if let answer = try? ask(pass, method, path, seconds) { return answer }
        }
        return try ask(passes[passes.count - 1], method, path, seconds)
    }

    private func ask(
        _ pass: OperatorPass, _ method: String, _ path: String, _ seconds: Int
    ) throws(CommandFailure) -> Probe.Answer {
        let outcome = Probe.ask(
            method, pass.url + path, bearer: pass.token, bytesMax: Self.bytesMax, seconds: seconds)
        switch outcome {
        case .answer(let answer) where answer.status == 401:
            throw CommandFailure(
                "the service at \(pass.url) was started with another data folder: give its --data")
        case .answer(let answer): return answer
        case .silence(let reason):
            throw CommandFailure("no relay answers at \(pass.url) (\(reason)): is it running?")
        case .notAsked(let reason): throw CommandFailure("\(pass.url): \(reason)")
        }
    }
}

extension Probe.Answer {
    /// The failure that an unexpected answer means.
    var failure: CommandFailure {
        let said = json?["error_description"]?.string?.string ?? "status \(status)"
        return CommandFailure("the service answered: \(Printable.text(said))")
    }
}
