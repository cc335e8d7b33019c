import Bytes
import CNats
import Cryptography
import Glibc

/// One connection to one server, made by libnats, and never made anew: where it is lost, another
/// takes its place (decision 0037). Made on a thread that may wait, then used by the bus thread.
///
/// `@unchecked Sendable`: libnats locks a connection itself; the subscriptions are the bus
/// thread's, which alone changes them.
@safe final class NATSLine: @unchecked Sendable {
    /// What a publish may take where the server reads nothing. Without it, that would be for ever.
    private static let writeMillisecondsMax: Int64 = 500
    private static let connectMillisecondsMax: Int64 = 2000
    private static let usualAuthorities = "/etc/ssl/certs/ca-certificates.crt"

    /// What its callbacks bear.
    let number: UInt32
    let server: NATSServer
    /// Beneath which answers come.
    let inbox: String
    let connection: OpaquePointer
    private(set) var subscriptions: [Purpose: OpaquePointer] = unsafe [:]
    /// Of its socket, where whoever has it reads and writes that; else -1.
    let descriptor: Int32
    /// Messages of libnats that are read.
    var spent: [OpaquePointer] = unsafe []
    var spentBytes = 0
    var isPolled: Bool { descriptor >= 0 }

    private init(
        _ server: NATSServer, _ number: UInt32, inboxes: String, owning connection: OpaquePointer
    ) {
        self.server = server
        self.number = number
        inbox = "\(inboxes).\(SecureRandom.uint64().hex)\(SecureRandom.uint64().hex)"
        unsafe self.connection = connection
        descriptor = Callbacks.socket(of: number)
    }

    /// It leads to this server, and no other is tried. `sink` is told what comes, from threads of
    /// libnats; what comes to a polled one is for whoever calls `read`, but for its end and the
    /// server's complaints.
    static func open(
        _ server: NATSServer, _ configuration: NATSConfiguration, _ sink: any ArrivalSink,
        isPolled: Bool = false
    ) throws(NATSFault) -> NATSLine {
        let credentials = try NATSCredentials.read(
            configuration.credentialsFile, allowsGroup: configuration.allowsGroup)
        var options: OpaquePointer?
        guard unsafe natsOptions_Create(&options) == NATS_OK else { throw .noThread }
        defer { unsafe natsOptions_Destroy(options) }
        let number = Callbacks.enter(sink)
        do throws(NATSFault) {
            try unsafe set(options, server, number, configuration)
            try unsafe set(options, credentials)
            if isPolled { try unsafe setPolled(options, number) }
            if server.isTLS { try unsafe setTLS(options, server, configuration.authorityFile) }
            var connection: OpaquePointer?
            let status = unsafe natsConnection_Connect(&connection, options)
            guard status == NATS_OK, let connection = unsafe connection else {
                throw fault(status, server)
            }
            return unsafe NATSLine(
                server, number, inboxes: inboxes(configuration), owning: connection)
        } catch {
            Callbacks.leave(number)
            throw error
        }
    }

    private static func inboxes(_ configuration: NATSConfiguration) -> String {
        Subjects(cluster: configuration.cluster).inboxes(of: configuration.nodeName)
    }

    private static func check(_ status: natsStatus) throws(NATSFault) {
        guard status == NATS_OK else { throw .noThread }
    }

    private static func set(
        _ options: OpaquePointer?, _ server: NATSServer, _ number: UInt32,
        _ configuration: NATSConfiguration
    ) throws(NATSFault) {
        let context = unsafe Callbacks.context(number, nil)
        let name = NATSCredentials.quoted(ByteText(configuration.nodeName))
        try unsafe check(natsOptions_SetURL(options, server.description))
        try unsafe check(natsOptions_SetName(options, name))
        try unsafe check(
            natsOptions_SetCustomInboxPrefix(options, inboxes(configuration)))
        try unsafe check(natsOptions_SetTimeout(options, connectMillisecondsMax))
        try unsafe check(natsOptions_SetAllowReconnect(options, false))
        try unsafe check(natsOptions_SetIgnoreDiscoveredServers(options, true))
        try unsafe check(natsOptions_SetSendAsap(options, true))
        try unsafe check(natsOptions_SetNoEcho(options, true))
        try unsafe check(natsOptions_UseGlobalMessageDelivery(options, true))
        try unsafe check(natsOptions_SetWriteDeadline(options, writeMillisecondsMax))
        try unsafe check(natsOptions_SetPingInterval(options, 1000))
        try unsafe check(natsOptions_SetMaxPingsOut(options, 2))
        try unsafe check(natsOptions_SetClosedCB(options, Callbacks.closed, context))
        try unsafe check(natsOptions_SetLameDuckModeCB(options, Callbacks.leaving, context))
        try unsafe check(natsOptions_SetErrorHandler(options, Callbacks.error, context))
    }

    private static func setPolled(
        _ options: OpaquePointer?, _ number: UInt32
    ) throws(NATSFault) {
        try unsafe check(
            natsOptions_SetEventLoop(
                options, Callbacks.context(number, nil), Polling.attach, Polling.change,
                Polling.change, Polling.detach))
        try unsafe check(natsOptions_SetIOBufSize(options, readBytesMax))
    }

    private static func set(
        _ options: OpaquePointer?, _ credentials: NATSCredentials
    ) throws(NATSFault) {
        switch credentials {
        case .none: break
        case .file(let path):
            try unsafe check(natsOptions_SetUserCredentialsFromFiles(options, path, nil))
        case .seed(let key, let path):
            try unsafe check(natsOptions_SetNKeyFromSeed(options, key, path))
        case .user(let user, let password):
            try unsafe check(natsOptions_SetUserInfo(options, user, password))
        case .token(let token): try unsafe check(natsOptions_SetToken(options, token))
        }
    }

    private static func setTLS(
        _ options: OpaquePointer?, _ server: NATSServer, _ authorityFile: String?
    ) throws(NATSFault) {
        try unsafe check(natsOptions_SetSecure(options, true))
        let path = authorityFile ?? usualAuthorities
        try unsafe loadAuthorities(path, options)
        // Without it, any name would do.
        try unsafe check(
            natsOptions_SetExpectedHostname(options, server.certificateName.string))
    }

    private static func loadAuthorities(
        _ path: String, _ options: OpaquePointer?
    ) throws(NATSFault) {
        guard unsafe natsOptions_LoadCATrustedCertificates(options, path) == NATS_OK else {
            throw .authorities("\(path) can't be read, or holds none")
        }
    }

    /// - Throws: `.authorities`.
    static func checkAuthorities(_ path: String) throws(NATSFault) {
        var options: OpaquePointer?
        guard unsafe natsOptions_Create(&options) == NATS_OK else { throw .noThread }
        defer { unsafe natsOptions_Destroy(options) }
        try unsafe loadAuthorities(path, options)
    }

    private static func fault(_ status: natsStatus, _ server: NATSServer) -> NATSFault {
        let text = unsafe String(cString: natsStatus_GetText(status))
        switch status {
        case NATS_CONNECTION_AUTH_FAILED, NATS_NOT_PERMITTED: return .refused(server)
        case NATS_SSL_ERROR, NATS_SECURE_CONNECTION_WANTED, NATS_SECURE_CONNECTION_REQUIRED:
            let detail = unsafe nats_GetLastError(nil).map { unsafe String(cString: $0) }
            return .tls(server, detail ?? text)
        default: return .unreachable(server, text)
        }
    }

    // MARK: What it leads to

    /// The id of the server at its other end.
    var serverID: ByteText {
        var id = [CChar](repeating: 0, count: 128)
        let status = unsafe natsConnection_GetConnectedServerId(connection, &id, id.count)
        guard status == NATS_OK else { return "" }
        return ByteText(
            String(decoding: id.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
    }

    var payloadMax: Int { Int(unsafe natsConnection_GetMaxPayload(connection)) }

    // MARK: By the bus thread

    /// - Returns: False where it is of no use any more.
    func publish(_ bytes: [UInt8], to subject: String, reply: String? = nil) -> Bool {
        let status = unsafe bytes.withUnsafeBytes { bytes in
            let (start, count) = (bytes.baseAddress, Int32(bytes.count))
            guard let reply else {
                return unsafe natsConnection_Publish(connection, subject, start, count)
            }
            return unsafe natsConnection_PublishRequest(connection, subject, reply, start, count)
        }
        return status == NATS_OK
    }

    /// The same with a header field.
    func publish(
        _ bytes: [UInt8], to subject: String, _ name: String, _ value: String, reply: String?
    ) -> Bool {
        var message: OpaquePointer?
        let made = unsafe bytes.withUnsafeBytes { bytes in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
            return unsafe natsMsg_Create(&message, subject, reply, start, Int32(bytes.count))
        }
        guard made == NATS_OK else { return false }
        defer { unsafe natsMsg_Destroy(message) }
        guard unsafe natsMsgHeader_Set(message, name, value) == NATS_OK else { return false }
        return unsafe natsConnection_PublishMsg(connection, message) == NATS_OK
    }

    /// A write that is taken if the last message of its subject is this one; 0 for none.
    func publish(
        _ bytes: [UInt8], to subject: String, ifLastIs number: UInt64, reply: String
    ) -> Bool {
        let name = "Nats-Expected-Last-Subject-Sequence"
        return publish(bytes, to: subject, name, "\(number)", reply: reply)
    }

    /// One for each purpose: another one takes the place of the former.
    func subscribe(_ subject: String, for purpose: Purpose) -> Bool {
        var subscription: OpaquePointer?
        let status =
            if isPolled {
                unsafe natsConnection_SubscribeSync(&subscription, connection, subject)
            } else {
                unsafe natsConnection_Subscribe(
                    &subscription, connection, subject, Callbacks.message,
                    Callbacks.context(number, purpose))
            }
        guard status == NATS_OK, let subscription = unsafe subscription else { return false }
        if let former = unsafe subscriptions.updateValue(subscription, forKey: purpose) {
            unsafe natsSubscription_Destroy(former)
        }
        return true
    }

    /// Waits until the server has read what was published.
    func flush(millisecondsMax: Int64) {
        if isPolled { return flushPolled(millisecondsMax: millisecondsMax) }
        _ = unsafe natsConnection_FlushTimeout(connection, millisecondsMax)
    }

    // MARK: By whoever may wait

    /// - Throws: `.noJetStream` where nobody listens, `.notReady` where no answer comes.
    func ask(
        _ subject: String, _ bytes: [UInt8] = [], millisecondsMax: Int64 = 3000
    ) throws(NATSFault) -> [UInt8] {
        var answer: OpaquePointer?
        let status = unsafe bytes.withUnsafeBytes { bytes in
            unsafe natsConnection_Request(
                &answer, connection, subject, bytes.baseAddress, Int32(bytes.count),
                millisecondsMax)
        }
        defer { unsafe natsMsg_Destroy(answer) }
        switch status {
        case NATS_OK: break
        case NATS_NO_RESPONDERS: throw .noJetStream(server)
        case NATS_TIMEOUT: throw .notReady(server, refusal ?? "no answer", code: nil)
        default: throw .lost(server)
        }
        guard let data = unsafe natsMsg_GetData(answer) else { return [] }
        let count = Int(unsafe natsMsg_GetDataLength(answer))
        return unsafe [UInt8](UnsafeRawBufferPointer(start: data, count: count))
    }

    /// What the server has forbidden here, in its words: nobody answers that.
    private var refusal: String? {
        var text: UnsafePointer<CChar>?
        let status = unsafe natsConnection_GetLastError(connection, &text)
        guard status == NATS_NOT_PERMITTED, let text = unsafe text else { return nil }
        return unsafe String(cString: text)
    }

    /// Ends it; to be called once, and nothing else after it. May take a second where the server
    /// reads nothing.
    func close() {
        Callbacks.leave(number)
        giveBack()
        // First, or it would wait for the server to have read that nobody subscribes any more.
        unsafe natsConnection_Close(connection)
        unsafe subscriptions.values.forEach { unsafe natsSubscription_Destroy($0) }
        unsafe subscriptions = [:]
        unsafe natsConnection_Destroy(connection)
    }
}
