package import Access
package import Bytes
internal import Identifiers
package import Tables

/// The relay as a function that is invoked for each thing that happens, and keeps nothing but a
/// table: sessions, rooms and mailboxes are the `Store`'s, tokens and messages are dealt with here.
package struct ServerlessRelay: Sendable {
    /// What the function makes of an event.
    package struct Answer {
        package let reply: [UInt8]
        /// To be done once the reply is there, within the same deadline.
        package let after: (() -> Void)?
    }

    let configuration: ServerlessConfiguration
    let store: Store
    let timers: TimerPort
    let ports: FunctionPorts
    /// As `TokenCheck` has it, legacy tokens included.
    let verify: TokenCheck.Verify

    package init(
        _ configuration: ServerlessConfiguration, table: TablePort, gateway: GatewayPort,
        timers: TimerPort, ports: FunctionPorts, verify: @escaping TokenCheck.Verify
    ) {
        self.configuration = configuration
        self.timers = timers
        self.ports = ports
        self.verify = verify
        let digests = configuration.legacySecretDigests
        store = Store(
            configuration.storeLimits, table: table, gateway: gateway, timers: timers,
            ports: ports,
            isTrusted: { token in
                guard let digest = token.legacySecretDigest else { return true }
                return digest == digests[token.clientID]
            })
    }

    /// Handles one event.
    ///
    /// - Parameters:
    ///   - event: As Lambda hands it over.
    ///   - id: Of the invocation.
    ///   - deadline: When the function is killed, in milliseconds since the Unix epoch.
    /// - Returns: Nil for what is no event of ours, which the deployment is to blame for.
    package func handle(_ event: [UInt8], id: ByteText, deadline: Int64) -> Answer? {
        let invoked = Invoked(id: id, deadline: deadline)
        let read: FunctionEvent
        do throws(FunctionEvent.Fault) {
            read = try FunctionEvent(event)
        } catch {
            ports.log("event_unknown", [("place", error.place.description)])
            return nil
        }
        switch read {
        case .connect(let gateway, let request, let parameters):
            return connect(gateway, request, parameters, invoked)
        case .message(let gateway, let body):
            return attempt("message_failed") { () throws(StoreFault) in
                try received(body, from: gateway, invoked)
            }
        case .disconnect(let gateway, let code):
            return attempt("disconnect_failed") { () throws(StoreFault) in
                try store.disconnected(gateway: gateway, code: code, in: invoked)
            }
        case .timers(let timers):
            let failed = timers.filter { !isDone($0, invoked) }
            return Answer(reply: FunctionReply.timers(failed: failed.map(\.id)), after: nil)
        }
    }

    /// The gateway can do nothing about what fails, so it is not told.
    private func attempt(
        _ name: StaticString, _ work: () throws(StoreFault) -> Void
    ) -> Answer {
        do throws(StoreFault) {
            try work()
        } catch {
            note(name, error)
        }
        return Answer(reply: FunctionReply.done, after: nil)
    }

    func note(_ name: StaticString, _ fault: StoreFault) {
        switch fault {
        case .unavailable(let reason): ports.log(name, [("reason", reason)])
        }
    }
}
