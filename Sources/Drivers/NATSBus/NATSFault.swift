/// Why there is no bus. Holds nothing of credentials.
package enum NATSFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is wrong with a URL.
    case server(String)
    /// What is wrong with the credentials' file.
    case credentials(String)
    /// What is wrong with the file of authorities.
    case authorities(String)
    case unreachable(NATSServer, String)
    case tooOld(NATSServer, version: String)
    /// It takes less in one message than a room's document may have bytes.
    case messagesTooSmall(NATSServer, bytes: Int)
    /// It wants TLS where the URL says `nats://`.
    case wantsTLS(NATSServer)
    case tls(NATSServer, String)
    case refused(NATSServer)
    /// A node may not hear what it has to: in the server's words.
    case deaf(NATSServer, String)
    case leaving(NATSServer)
    case noJetStream(NATSServer)
    /// JetStream gave no answer, or said that it can't: with its own code, where it gave one.
    case notReady(NATSServer, String, code: Int?)
    /// What may be stored there is used up: in JetStream's words, with its own code.
    case full(NATSServer, String, code: Int)
    /// The bucket can't be what it has to be: why.
    case bucket(String)
    /// Of so many rounds so many had not one winner.
    case notAtomic(NATSServer, rounds: Int)
    case lost(NATSServer)
    /// Store requests were not answered for some time.
    case silent(NATSServer)
    /// The bucket is gone, another one is in its place, or it has lost what it had acknowledged.
    case bucketGone
    /// Stopped, or out of time, before anything was known.
    case stopped
    case noThread

    /// Stable across releases.
    package var code: String {
        switch self {
        case .server: "nats_server_malformed"
        case .credentials: "nats_credentials"
        case .authorities: "nats_authorities"
        case .unreachable: "nats_unreachable"
        case .tooOld: "nats_too_old"
        case .messagesTooSmall: "nats_max_payload"
        case .wantsTLS, .tls: "nats_tls"
        case .refused: "nats_credentials_refused"
        case .deaf: "nats_not_permitted"
        case .leaving: "nats_leaving"
        case .noJetStream: "nats_no_jetstream"
        case .notReady: "nats_not_ready"
        case .full: "nats_quota"
        case .bucket: "nats_bucket"
        case .notAtomic: "nats_not_atomic"
        case .lost: "nats_lost"
        case .silent: "nats_silent"
        case .bucketGone: "nats_bucket_gone"
        case .stopped: "nats_stopped"
        case .noThread: "nats_no_thread"
        }
    }

    static let quotaAdvice =
        "a quota is used up: raise what the account, the stream or the servers may hold "
        + "(max_file, max_streams, max_consumers), or have what else is there removed"

    package var description: String {
        switch self {
        case .server(let what): "no NATS server: \(what)"
        case .credentials(let what): "the credentials for NATS: \(what)"
        case .authorities(let what): "the certificates of authorities for NATS: \(what)"
        case .unreachable(let server, let why): "\(server) cannot be reached: \(why)"
        case .tooOld(let server, let version):
            "\(server) is nats-server \(version): \(ServerGreeting.versionMin) or newer is needed, "
                + "as older ones let several writers win at once"
        case .messagesTooSmall(let server, let bytes):
            "\(server) takes \(bytes) bytes in a message: set its max_payload to "
                + "\(ServerGreeting.payloadMin) or more"
        case .wantsTLS(let server): "\(server) wants TLS: write tls:// in its URL"
        case .tls(let server, let why): "no TLS with \(server): \(why)"
        case .refused(let server):
            "\(server) refuses the credentials: see the file of --cluster-credentials"
        case .deaf(let server, let what):
            "\(server) does not let this node hear the others (\(what)): give its user these rights"
        case .leaving(let server): "\(server) is about to stop"
        case .noJetStream(let server):
            "\(server) has no JetStream for this account: switch it on (jetstream in its "
                + "configuration)"
        case .notReady(let server, let why, let code):
            "JetStream is not ready at \(server): \(why)" + (code.map { " (\($0))" } ?? "")
                + ": its log says why, and nats server check jetstream what lacks"
        case .full(let server, let why, let code):
            "JetStream at \(server): \(why) (\(code)): \(Self.quotaAdvice)"
        case .bucket(let why): "the cluster's bucket: \(why)"
        case .notAtomic(let server, let rounds):
            "at \(server), \(rounds) of \(WritersRace.rounds) races of \(WritersRace.writers) "
                + "writers had another number of winners than one: such a store can hold no rooms; "
                + "have all servers of NATS run \(ServerGreeting.versionMin) or newer, and the "
                + "bucket made anew (nats stream rm) while no node runs"
        case .lost(let server): "the connection to \(server) is lost"
        case .silent(let server):
            "JetStream gives no answers at \(server): see whether most of its servers run, and its "
                + "log"
        case .bucketGone: "the cluster's bucket is gone, was made anew or has lost what it held"
        case .stopped: "no server has answered yet"
        case .noThread: "there is no thread left for the bus"
        }
    }
}
