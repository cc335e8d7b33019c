import Bytes
import Glibc
import HTTPClient
import LambdaRuntime

@main
struct Main {
    private static let helpText = """
        usher-lambda: Usher's relay as a function of AWS Lambda (runtime provided.al2023).
        Lambda starts it; docs/configuration.md tells the variables that it is set by.
        """

    static func main() {
        signal(SIGPIPE, SIG_IGN)
        NameLookup.useHostsAndServersAlone()
        let log = FunctionLog()
        let variables = Variables.ofProcess
        guard let address = variables.text("AWS_LAMBDA_RUNTIME_API") else {
            print(helpText)
            exit(64)
        }
        do throws(RuntimeFault) {
            let runtime = try LambdaRuntime(address: address) { fault in
                log.write("runtime_fault", [("reason", fault.description)])
            }
            try run(runtime, variables, log)
        } catch {
            log.write("runtime_failed", [("reason", error.description)])
        }
        exit(1)
    }

    private static func run(
        _ runtime: LambdaRuntime, _ variables: Variables, _ log: FunctionLog
    ) throws(RuntimeFault) {
        let function: Function
        do throws(SettingFault) {
            function = try Function(try FunctionSettings(variables), log: log)
        } catch {
            log.write("setting_refused", [("reason", error.description)])
            return try runtime.failInit(
                FunctionFault(type: "Usher.Setting", message: error.description))
        }
        throw runtime.run(function.handle)
    }
}
