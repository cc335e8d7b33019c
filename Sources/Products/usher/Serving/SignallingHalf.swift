import Admission
import Bytes
import HTTPMessages
import PublicService
import Relay
import SocketLoop

/// The relay, with what brings connections to it.
struct SignallingHalf {
    let admission: Admission
    let service: Relay
    let loops: SocketLoops<RelayHandler>
    /// nil where it is alone.
    let node: ClusterNodeProcess?

    func routes(path: String?, marksTokens: Bool) -> PublicService.Relay {
        PublicService.Relay(
            admission, path: path.map { ByteText($0) }, marksTokens: marksTokens,
            check: { [admission, service] in admission.check($0, refusal: service.refusal) },
            upgrade: { [service, loops] headers, admission in
                let affinity = service.affinity(of: admission)
                return .upgrade(headers: headers) { socket in
                    loops.adopt(
                        socket.descriptor, earlyBytes: socket.earlyBytes, admission: admission,
                        affinity: affinity, onClosed: socket.onClosed)
                }
            })
    }
}
