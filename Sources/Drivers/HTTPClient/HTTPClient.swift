package import Bytes
package import HTTPMessages

/// An HTTP/1.1 client that blocks, for one thread at a time. Keeps a connection to each origin, and
/// uses it again. Follows no redirect, knows no proxy, stores no cookie.
package final class HTTPClient {
    private struct Kept {
        let origin: Origin
        let connection: Connection
        let since: ContinuousClock.Instant
    }

    private static let keptMax = 8
    /// Shorter than servers keep theirs: what they have ended meanwhile, or a machine that slept,
    /// may be noticed only when a request is lost.
    private static let keptFor = Duration.seconds(50)

    private let trust: TLSTrust
    private let limits: AnswerLimits
    /// One of an origin at most, the one used last at the end.
    private var kept: [Kept] = []

    package init(trust: TLSTrust = TLSTrust(), limits: AnswerLimits = AnswerLimits()) {
        self.trust = trust
        self.limits = limits
    }

    /// Sends one request and waits for its whole answer, whatever its status.
    ///
    /// Where a kept connection turns out to be closed before anything of the answer has come, the
    /// request is sent once more, over a new one, if nothing of it had left or it is repeatable.
    ///
    /// - Parameters:
    ///   - method: In capitals.
    ///   - url: Where to send it.
    ///   - headers: Without those that frame the message, and `Host`.
    ///   - body: The whole of it.
    ///   - isRepeatable: Whether it does no harm if it is done twice. Without it, the method says.
    ///   - deadline: For all: name, connection, handshake, request and answer.
    /// - Returns: The answer, without fields that came behind its body.
    /// - Throws: `HTTPClientError`; its `mayHaveArrived` says whether the request may have been
    ///   done all the same.
    package func request(
        _ method: ByteText, _ url: HTTPURL, headers: HeaderFields = HeaderFields(),
        body: [UInt8] = [], isRepeatable: Bool? = nil, deadline: Deadline
    ) throws(HTTPClientError) -> HTTPResponse {
        let request = try OutgoingRequest(
            method, url, headers: headers, body: body, isRepeatable: isRepeatable)
        if let connection = takeKept(url.origin) {
            do throws(ExchangeFault) {
                return try exchange(request, url.origin, connection, deadline)
            } catch {
                guard error.isStale, request.isRepeatable || !connection.hasSent else {
                    throw error.reason
                }
            }
        }
        let connection = try open(url, deadline)
        do throws(ExchangeFault) {
            return try exchange(request, url.origin, connection, deadline)
        } catch {
            throw error.reason
        }
    }

    /// Ends all connections that are kept.
    package func close() { kept = [] }

    private func takeKept(_ origin: Origin) -> Connection? {
        let now = ContinuousClock.now
        kept.removeAll { $0.since.duration(to: now) > Self.keptFor }
        guard let index = kept.firstIndex(where: { $0.origin == origin }) else { return nil }
        let connection = kept.remove(at: index).connection
        return connection.isQuiet ? connection : nil
    }

    private func keep(_ connection: Connection, _ origin: Origin) {
        if kept.count == Self.keptMax { kept.removeFirst() }
        kept.append(Kept(origin: origin, connection: connection, since: .now))
    }
}

// MARK: - Connecting

extension HTTPClient {
    private func open(_ url: HTTPURL, _ deadline: Deadline) throws(HTTPClientError) -> Connection {
        let origin = url.origin
        var session: TLSSession?
        if origin.scheme == "https" {
            session = TLSSession(try trust.context(), for: url)
            guard session != nil else { throw .tlsUnavailable }
        }
        let addresses: [PeerAddress]
        do throws(LookupFault) {
            addresses = try NameLookup.addresses(
                of: url.host.description, port: origin.port, deadline: deadline)
        } catch {
            switch error {
            case .timedOut: throw .timedOut(origin, .resolving)
            case .failed(let reason): throw .nameNotResolved(origin, reason: reason)
            }
        }
        let connection: Connection
        do throws(TransportFault) {
            connection = Connection(
                try TCPSocket.connect(to: addresses, deadline: deadline), tls: session)
        } catch {
            guard case .failed(let number) = error else { throw .timedOut(origin, .connecting) }
            throw .notConnected(origin, number: number)
        }
        do throws(TransportFault) { try connection.shakeHands(deadline: deadline) } catch {
            switch error {
            case .timedOut: throw .timedOut(origin, .handshake)
            case .certificate(let reason): throw .certificateRefused(origin, reason: reason)
            case .tls(let reason): throw .handshakeFailed(origin, reason: reason)
            case .ended, .failed:
                throw .handshakeFailed(origin, reason: "the other side broke it off")
            }
        }
        return connection
    }
}

// MARK: - Exchanging

private struct ExchangeFault: Error {
    let reason: HTTPClientError
    /// Whether the connection was gone before anything of the answer came.
    var isStale = false
}

extension HTTPClient {
    private func exchange(
        _ request: OutgoingRequest, _ origin: Origin, _ connection: Connection,
        _ deadline: Deadline
    ) throws(ExchangeFault) -> HTTPResponse {
        var sendFault: TransportFault?
        do throws(TransportFault) {
            try connection.send(request.bytes, deadline: deadline)
        } catch {
            // Whoever refuses a body before it has read it may have said why.
            guard error != .timedOut, connection.hasSent else {
                throw Self.fault(error, origin, .sending, isBefore: true)
            }
            sendFault = error
        }
        var reader = AnswerReader(limits: limits, isToHead: request.isHead)
        while !reader.isComplete {
            let piece: [UInt8]
            do throws(TransportFault) {
                piece = try connection.receive(deadline: deadline)
            } catch {
                let isBefore = !reader.hasBegun
                throw Self.fault(
                    isBefore ? sendFault ?? error : error, origin, .receiving, isBefore: isBefore)
            }
            guard !piece.isEmpty else {
                if reader.end() { break }
                throw ExchangeFault(reason: .closedEarly(origin), isStale: !reader.hasBegun)
            }
            do throws(AnswerFault) { try reader.take(piece) } catch {
                throw ExchangeFault(reason: .answerRefused(origin, error))
            }
        }
        if reader.keepsConnection, sendFault == nil { keep(connection, origin) }
        return reader.response
    }

    private static func fault(
        _ fault: TransportFault, _ origin: Origin, _ step: HTTPClientError.Step, isBefore: Bool
    ) -> ExchangeFault {
        switch fault {
        case .timedOut: ExchangeFault(reason: .timedOut(origin, step))
        case .failed(let number):
            ExchangeFault(reason: .connectionLost(origin, number: number), isStale: isBefore)
        case .ended, .tls, .certificate:
            ExchangeFault(reason: .closedEarly(origin), isStale: isBefore)
        }
    }
}
