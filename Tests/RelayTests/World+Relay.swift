import Admission
import AdmissionSupport
import ICEServers
import Locking
import Relay

extension World {
    /// The relay and the admission before it; no limit on addresses, since all clients share one.
    func services(
        _ configuration: RelayConfiguration, _ limits: AdmissionConfiguration,
        line: BusLine? = nil
    ) -> (admission: Admission, relay: Relay) {
        var limits = limits
        limits.connectionsPerAddressMax = 0
        let admission = Admission(limits, ports())
        follow(admission.noteRightsChanged)
        return (admission, Relay(configuration, relayPorts(line), ledger: admission.ledger))
    }

    private func relayPorts(_ line: BusLine?) -> RelayPorts {
        RelayPorts(
            ports(),
            random64: { self.random() },
            random128: { UInt128(self.random()) << 64 | UInt128(self.random()) },
            sha256: fakeDigest,
            iceServers: { subject, now in
                guard self.state.withLock({ $0.hasTURN }) else { return .none }
                return ICEServers.Offer(
                    json: #"[{"urls":["turn:t"],"username":"\#(subject)"}]"#, expiresAt: now + 9)
            }, cluster: line)
    }
}
