import AuthService
import Bytes
import Cluster
import HTTPMessages
import StrictJSON

/// A path of the operator's port: what may be asked there, by whom, and who answers.
struct Route: Sendable {
    typealias Answer = @Sendable (HTTPRequest) -> HTTPOutcome

    /// A segment in braces stands for any other.
    let path: ByteText
    /// Every other one is answered with 405 and these in `Allow`; nil where whoever answers does
    /// that.
    let methods: [ByteText]?
    /// Whether `Host` and `Origin` must be such that no page of another origin can be asking.
    var isClosedToPages = true
    /// Whether the token of `operator.json` is wanted as bearer.
    var wantsBearer = false
    /// nil where this process has nothing that answers.
    let answer: @Sendable (OperatorService) -> Answer?

    static let all: [Route] = [
        open("/livez") { _ in OperatorService.alive },
        open("/readyz") { $0.readiness },
        open("/metrics") { $0.metrics },
        page("/"), page("/operator.js"), page("/operator.css"),
        ofPeers("/events", "GET") { service, relay, _ in service.events(of: relay) },
        ofPeers(rooms, "GET") { _, relay, request in
            switch RoomsAsked(request) {
            case .everywhere: .response(relay.roomsEverywhere)
            case .here: .response(.json(200, relay.document.serialized()))
            case nil: .response(OperatorService.otherRooms)
            }
        },
        ofPeers("/cluster", "GET") { _, relay, _ in
            guard let cluster = relay.cluster else { return .response(OperatorService.alone) }
            return .response(.json(200, cluster.state().document.serialized()))
        },
        ofPeers(peer, "DELETE") { _, relay, request in
            switch relay.kick(request.path.dropFirst(peersPrefix.count)) {
            case .closed(at: nil): return .response(HTTPResponse(status: 204))
            case .closed(let node?):
                return .response(.json(200, JSONValue.object(["node": .string(node)]).serialized()))
            case .nowhere: return .response(OperatorService.noPeer)
            case .silent(let names): return .response(OperatorService.silent(names))
            }
        },
        // A proxy asks with the Host and Origin of the request that it has.
        Route(path: AuthService.edgeAuthPath, methods: nil, isClosedToPages: false) { service in
            guard let edge = service.ports.edge else { return nil }
            return { request in .response(edge(request)) }
        },
    ]

    static let rooms: ByteText = "/rooms"
    private static let peersPrefix: ByteText = "/peers/"
    private static let peer: ByteText = "/peers/{id}"
    private static let reading: [ByteText] = ["GET", "HEAD"]
    private static let byPath = Dictionary(uniqueKeysWithValues: all.map { ($0.path, $0) })

    /// Of a path as it stands in a request.
    static func of(_ path: ByteText) -> Route? {
        byPath[path] ?? (path.hasPrefix(peersPrefix) ? byPath[peer] : nil)
    }

    /// To whoever asks on this machine.
    private static func open(
        _ path: ByteText, _ answer: @escaping @Sendable (OperatorService) -> HTTPResponse
    ) -> Route {
        Route(path: path, methods: reading) { service in
            { _ in .response(answer(service)) }
        }
    }

    /// A file of the operator's page, which holds nothing: what fills it wants the bearer.
    private static func page(_ path: ByteText) -> Route {
        Route(path: path, methods: reading) { service in
            guard service.ports.relay != nil, let file = service.ports.pages[path] else {
                return nil
            }
            return { _ in .response(file.response(policy: OperatorService.pagePolicy)) }
        }
    }

    /// To who bears the operator's token.
    private static func ofPeers(
        _ path: ByteText, _ method: ByteText,
        _ answer:
            @escaping @Sendable (OperatorService, OperatedRelay, HTTPRequest) -> HTTPOutcome
    ) -> Route {
        Route(path: path, methods: [method], wantsBearer: true) { service in
            guard let relay = service.ports.relay else { return nil }
            return { request in answer(service, relay, request) }
        }
    }
}
