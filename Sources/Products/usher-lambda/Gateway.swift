import AWSRequests
import AWSServices
import Bytes
import HTTPClient
import Locking
import ServerlessRelay
import StrictJSON

/// The gateway whose connections are served: at the address that was set, or at the one that its
/// own events tell. Custom domains, which events name too, have no `@connections`.
final class Gateway: Sendable {
    private let access: AWSAccess
    private let connections: Lock<GatewayConnections?>

    /// - Throws: `SettingFault` where the address that was set is no stage's.
    init(_ address: HTTPURL?, _ access: AWSAccess) throws(SettingFault) {
        self.access = access
        var known: GatewayConnections?
        if let address {
            known = GatewayConnections(at: address, access)
            guard known != nil else {
                throw SettingFault(
                    name: "USHER_MANAGEMENT", value: "\(address.origin)\(address.target)",
                    expected: "the stage's address, with the stage alone for its path")
            }
        }
        connections = Lock(known)
    }

    /// Takes the address from an event, where none is known yet.
    func learn(from event: [UInt8]) {
        guard connections.withLock({ $0 == nil }),
            let context = (try? JSONValue.parse(event))?.object?["requestContext"]?.object,
            let api = context["apiId"]?.string, let stage = context["stage"]?.string,
            api.utf8.allSatisfy({ 0x61...0x7A ~= $0 || 0x30...0x39 ~= $0 }), !api.isEmpty,
            let address = try? HTTPURL(
                "\(AWSRegion.address(of: "\(api).execute-api", in: access.region))/\(stage)"),
            let found = GatewayConnections(at: address, access)
        else { return }
        connections.withLock { $0 = found }
    }

    var port: GatewayPort {
        GatewayPort(
            post: { (id, bytes) throws(GatewayFault) in
                let connections = try self.known()
                do throws(AWSFault) { return try connections.post(id, bytes) } catch {
                    throw GatewayFault(error)
                }
            },
            end: { (id) throws(GatewayFault) in
                let connections = try self.known()
                do throws(AWSFault) { try connections.end(id) } catch {
                    throw GatewayFault(error)
                }
            })
    }

    private func known() throws(GatewayFault) -> GatewayConnections {
        guard let known = connections.withLock({ $0 }) else {
            throw .unavailable(
                "no event has told the gateway's address yet: set USHER_MANAGEMENT beside "
                    + "USHER_TIMER_QUEUE")
        }
        return known
    }
}

extension GatewayFault {
    init(_ fault: AWSFault) {
        switch fault {
        case .unavailable(let reason): self = .unavailable(reason)
        case .unknown(let reason): self = .unknown(reason)
        case .tooLarge: self = .tooLarge
        }
    }
}
