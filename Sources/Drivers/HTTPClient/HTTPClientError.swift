package import Files
package import HTTPMessages

/// Why there is no answer. Names the origin, never path, header or body, which may hold secrets.
package enum HTTPClientError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Step: String, Sendable {
        case resolving, connecting, handshake, sending, receiving
    }

    case invalidURL(URLFault)
    case invalidRequest(RequestFault)
    /// The file of the authorities that are trusted.
    case trustUnreadable(path: String, FileFailure)
    case trustWithoutCertificate(path: String)
    /// OpenSSL would not make what it needs, or read the system's list.
    case tlsUnavailable
    case nameNotResolved(Origin, reason: String)
    /// `number` as in errno(3).
    case notConnected(Origin, number: Int32)
    case certificateRefused(Origin, reason: String)
    case handshakeFailed(Origin, reason: String)
    case timedOut(Origin, Step)
    /// Reset, or no way to it any more, after the connection stood.
    case connectionLost(Origin, number: Int32)
    /// The other side closed it before the answer was whole.
    case closedEarly(Origin)
    case answerRefused(Origin, AnswerFault)

    /// Whether the request may have come to its receiver and been done. Where it has not, it can be
    /// sent again, whatever it is.
    package var mayHaveArrived: Bool {
        switch self {
        case .timedOut(_, let step): step == .sending || step == .receiving
        case .connectionLost, .closedEarly, .answerRefused: true
        default: false
        }
    }

    /// Stable across releases.
    package var code: String {
        switch self {
        case .invalidURL(let fault): "http_url_\(fault.rawValue)"
        case .invalidRequest(let fault): "http_request_\(fault.rawValue)"
        case .trustUnreadable: "http_trust_unreadable"
        case .trustWithoutCertificate: "http_trust_without_certificate"
        case .tlsUnavailable: "http_tls_unavailable"
        case .nameNotResolved: "http_name_not_resolved"
        case .notConnected: "http_not_connected"
        case .certificateRefused: "http_certificate_refused"
        case .handshakeFailed: "http_handshake_failed"
        case .timedOut: "http_timed_out"
        case .connectionLost: "http_connection_lost"
        case .closedEarly: "http_closed_early"
        case .answerRefused(_, let fault): "http_answer_\(fault.rawValue)"
        }
    }

    package var description: String {
        switch self {
        case .invalidURL(let fault): fault.description
        case .invalidRequest(let fault): fault.description
        case .trustUnreadable(let path, let failure):
            "the certificates in \(path) cannot be read: \(failure)"
        case .trustWithoutCertificate(let path):
            "\(path) holds no certificate that can be trusted: it must be a PEM file, with the "
                + "certificate of each authority between its BEGIN and END lines"
        case .tlsUnavailable:
            "OpenSSL cannot be used: see to memory, and to its configuration file"
        case .nameNotResolved(let origin, let reason):
            "the name in \(origin) was not resolved: \(reason); check it, and /etc/resolv.conf"
        case .notConnected(let origin, let number):
            "no connection to \(origin): \(systemReason(number)); check that it runs, and the way "
                + "to it"
        case .certificateRefused(let origin, let reason):
            "the certificate of \(origin) is not to be trusted: \(reason); if it should be, name a "
                + "file with its authority"
        case .handshakeFailed(let origin, let reason):
            "no TLS with \(origin): \(reason); check that this port speaks TLS 1.2 or 1.3"
        case .timedOut(let origin, let step): "\(origin) took too long: \(step.description)"
        case .connectionLost(let origin, let number):
            "the connection to \(origin) was lost: \(systemReason(number))"
        case .closedEarly(let origin):
            "\(origin) closed the connection before its answer was whole; its log may say why"
        case .answerRefused(let origin, let fault): "the answer of \(origin) \(fault.description)"
        }
    }
}

private func systemReason(_ number: Int32) -> String {
    FileFailure(errorNumber: number).description
}

extension HTTPClientError.Step {
    fileprivate var description: String {
        switch self {
        case .resolving: "its name was not resolved; check /etc/resolv.conf"
        case .connecting: "no connection came about; check the way to it, firewalls above all"
        case .handshake: "TLS was not agreed upon; check that this port speaks TLS"
        case .sending: "it did not take the request"
        case .receiving: "its answer was not there in time"
        }
    }
}

extension URLFault {
    fileprivate var description: String {
        switch self {
        case .noOrigin:
            "the URL must begin with https:// or http://, and a host without user or password"
        case .unencoded: "the URL holds a space, or a character that must be percent-encoded"
        case .fragment: "the URL must have no fragment"
        case .tooLong: "the URL has more than \(HTTPURL.bytesMax) bytes"
        }
    }
}

extension RequestFault {
    fileprivate var description: String {
        switch self {
        case .method: "the method is no token, or CONNECT, which is not for this client"
        case .field: "a header field's name is no token, or its value holds a control character"
        case .ownField:
            "Host, Content-Length, Transfer-Encoding, Connection, Trailer, TE, Upgrade and Expect "
                + "are the client's to write"
        }
    }
}
