import Bytes
import HTTPMessages
import Synchronization
import Threads

/// What the callbacks reach: the settings, the handler, and the number of requests in flight.
final class ServerCore: Sendable {
    let configuration: HTTPServerConfiguration
    let handler: @Sendable (HTTPRequest) -> HTTPOutcome
    /// Requests between the end of their header and the last byte of their answer.
    let inFlight = Atomic<Int>(0)
    let ledger: ConnectionLedger
    let streams = ResponseStreams()
    /// Makes the answers that may have to wait.
    let crew: Crew
    /// New requests are turned away from now on.
    let isStopping = Atomic<Bool>(false)

    /// When `onWant` was told last, on the clock of `Clock`.
    private let toldOfWantAt = Atomic<Int64>(.min)
    private static let wantMilliseconds: Int64 = 60_000

    init(
        _ configuration: HTTPServerConfiguration,
        handler: @escaping @Sendable (HTTPRequest) -> HTTPOutcome
    ) {
        self.configuration = configuration
        ledger = ConnectionLedger(
            totalMax: configuration.connectionsMax,
            perAddressMax: configuration.connectionsPerAddressMax)
        self.handler = handler
        let waitingMax = configuration.waitingMax
        crew = Crew(named: "usher-waiting", threadsMax: 16, waitingMax: waitingMax)
    }

    /// A newcomer could not be accepted: whoever holds most gives way.
    func noteWant(_ errno: Int32, at now: Int64) {
        ledger.relieve()
        let told = toldOfWantAt.load(ordering: .relaxed)
        guard told == .min || now - told >= Self.wantMilliseconds else { return }
        // One of the threads tells it.
        let (isFirst, _) = toldOfWantAt.compareExchange(
            expected: told, desired: now, ordering: .relaxed)
        if isFirst { configuration.onWant?(errno) }
    }

    /// Reads what came with the header. Returns the answer where it can only be a refusal, after
    /// which the connection ends: what follows on it cannot be told from a body.
    func begin(
        _ exchange: Exchange, _ line: RequestLine, headers: HeaderFields?, peer: String
    ) -> HTTPResponse? {
        exchange.stage = .reading
        guard !isStopping.load(ordering: .relaxed) else { return closing(Refusals.stopping) }
        if let refusal = tooLong(exchange, line) { return closing(refusal) }
        guard line.isWhole, FieldGrammar.isToken(line.method) else {
            return closing(Refusals.malformed("the request line is malformed"))
        }
        guard let target = exchange.target else {
            return closing(
                Refusals.malformed("the request target is not a path or http URL in ASCII"))
        }
        guard var headers else {
            return closing(Refusals.malformed("a header field is malformed"))
        }
        guard headers.fields.count <= configuration.headerFieldsMax else {
            return closing(Refusals.tooManyFields(max: configuration.headerFieldsMax))
        }
        switch RequestFraming.length(of: headers, isHTTP10: line.isHTTP10) {
        case .refused(let reason): return closing(Refusals.malformed(reason))
        case .known(let length):
            if length > UInt64(configuration.bodyBytesMax), isTooLongToDrain(length, headers) {
                return closing(Refusals.bodyTooLong(bytesMax: configuration.bodyBytesMax))
            }
            if length <= UInt64(configuration.bodyBytesMax) {
                exchange.body.reserveCapacity(Int(length))
            }
        case .chunked:
            // libmicrohttpd takes chunk lines that end in a bare LF, and any trailer. A reader in
            // front may see the body end elsewhere: what follows it is not read as a request.
            exchange.mustClose = true
        }
        if let authority = target.authority { headers.set("Host", authority) }
        // HTTP/1.0 cannot ask for it (RFC 9110 §7.8), and what follows chunks is not read.
        if line.isHTTP10 || exchange.mustClose { headers.remove("Upgrade") }
        let fieldBytes = HTTPServerConfiguration.fieldBytes * (headers.fields.count + 3)
        exchange.answerHeaderBytesMax =
            configuration.connectionBytes - line.headerBytes - fieldBytes
        exchange.request = request(target, headers, line.method, peer)
        return nil
    }

    private func tooLong(_ exchange: Exchange, _ line: RequestLine) -> HTTPResponse? {
        let bytesMax = configuration.headerBytesMax
        if exchange.targetLength > bytesMax { return Refusals.targetTooLong(bytesMax: bytesMax) }
        return line.headerBytes > bytesMax ? Refusals.headerTooLong(bytesMax: bytesMax) : nil
    }

    /// The answer to a request that was read to its end; nil where it is made elsewhere, and the
    /// request waits for it.
    func answer(
        _ exchange: Exchange, waiting: (HTTPRequest) -> Void
    ) -> HTTPOutcome? {
        if let outcome = exchange.outcome.take() { return outcome }
        guard exchange.stage == .reading, let request = exchange.takeRequest() else {
            return .response(Refusals.bodyTooLong(bytesMax: configuration.bodyBytesMax))
        }
        guard configuration.mayWait?(request) == true else { return handler(request) }
        // Nothing begins to wait while the server stops.
        guard !isStopping.load(ordering: .relaxed) else {
            return .response(Refusals.stopping)
        }
        waiting(request)
        return nil
    }

    /// A client that waits for 100 Continue has sent nothing yet and hears at once.
    private func isTooLongToDrain(_ length: UInt64, _ headers: HeaderFields) -> Bool {
        length > UInt64(Exchange.drainedBytesMax(configuration.bodyBytesMax))
            || headers.contains("Expect")
    }

    private func request(
        _ target: RequestTarget, _ headers: HeaderFields, _ method: ByteText, _ peer: String
    ) -> HTTPRequest {
        let origin = ForwardedAddress.resolve(
            peer: peer, headers: headers, trusted: configuration.trustedProxies)
        return HTTPRequest(
            method: method, path: target.path, query: target.query, headers: headers,
            peerAddress: peer, isSecure: origin.isSecure || configuration.tls != nil,
            clientAddress: origin.clientAddress)
    }

    private func closing(_ response: HTTPResponse) -> HTTPResponse {
        var response = response
        response.headers.add("Connection", "close")
        return response
    }
}
