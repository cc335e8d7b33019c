import AWSRequests
import Access
import Bytes
import Clients
import Cryptography
import DynamoTables
import Edge
import HTTPClient
import HTTPMessages
import ICEServers
import Identifiers
import ServerlessRelay
import StrictJSON
import Tokens

/// What the function was told, valid by construction: docs/configuration.md, *The function*.
struct FunctionSettings: Sendable {
    /// Where the issuer's keys come from.
    enum Keys: Equatable, Sendable {
        case text([UInt8])
        case followed(HTTPURL)
    }

    let credentials: AWSCredentials
    let region: ByteText
    let table: ByteText
    let issuer: ByteText
    let audience: ByteText
    let keys: Keys
    let relay: ServerlessConfiguration
    let legacy: [ClientID: LegacyClient]
    let turnSecret: [UInt8]
    let timerQueue: HTTPURL?
    let dynamoDB: HTTPURL
    /// nil: told by the gateway's events.
    let management: HTTPURL?
    /// nil: those that came with the function, or the system's.
    let authorities: String?

    /// - Throws: `SettingFault` for the first variable that is not what it must be.
    init(_ variables: Variables) throws(SettingFault) {
        region = try variables.region()
        credentials = try variables.credentials()
        table = try variables.table()
        issuer = try variables.issuer()
        audience = variables.text("USHER_AUDIENCE") ?? issuer
        keys = try variables.keys()
        legacy = try variables.legacyClients()
        let ice = try variables.iceServers()
        turnSecret = ice.secret
        relay = try variables.relay(legacy, ice.servers)
        timerQueue = try variables.url(
            "USHER_TIMER_QUEUE", "the URL of the queue: https://sqs.REGION.amazonaws.com/…")
        management = try variables.url(
            "USHER_MANAGEMENT",
            "the stage's own address, without /@connections: "
                + "https://API.execute-api.REGION.amazonaws.com/STAGE")
        authorities = variables.text("USHER_CA")?.string
        let service = try variables.service("dynamodb")
        dynamoDB = try variables.url("USHER_DYNAMODB", "https://HOST of DynamoDB") ?? service
    }
}

extension Variables {
    fileprivate func region() throws(SettingFault) -> ByteText {
        let text = try needed("AWS_REGION", "the region, which Lambda sets")
        guard AWSRegion.isName(text) else {
            throw fault("AWS_REGION", "a region, such as eu-central-1")
        }
        return text
    }

    fileprivate func credentials() throws(SettingFault) -> AWSCredentials {
        let expected = "the credentials of the function's role, which Lambda sets"
        let names = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]
        for name in names {
            guard let text = text(name) else { continue }
            guard FieldGrammar.isFieldValue(text), text.isASCII else {
                throw SettingFault(name: name, value: nil, expected: expected)
            }
        }
        return AWSCredentials(
            accessKeyID: try needed(names[0], expected),
            secretAccessKey: try needed(names[1], expected), sessionToken: text(names[2]))
    }

    fileprivate func table() throws(SettingFault) -> ByteText {
        let expected = "the name of the table, with pk and sk for its keys"
        let text = try needed("USHER_TABLE", expected)
        guard DynamoTable.isName(text) else { throw fault("USHER_TABLE", expected) }
        return text
    }

    fileprivate func issuer() throws(SettingFault) -> ByteText {
        let expected =
            "the `iss` of the tokens: an https URL without query and fragment (http for loopback)"
        let text = try needed("USHER_ISSUER", expected)
        guard let url = IssuerURL(text), url.isSecure || url.isLoopback else {
            throw fault("USHER_ISSUER", expected)
        }
        return text
    }

    fileprivate func keys() throws(SettingFault) -> FunctionSettings.Keys {
        let name = "USHER_KEY_SET"
        let expected = "the issuer's key set (JSON), or its https address (http for loopback)"
        let text = try needed(name, expected)
        if text.utf8.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") {
            return .text(Array(text.utf8))
        }
        guard let url = try? HTTPURL(text), url.isSafe else {
            throw SettingFault(name: name, value: nil, expected: expected)
        }
        return .followed(url)
    }

    /// `{"CLIENT":"SECRET"}`: a client whose own backend signs with HS256 may join all its rooms.
    fileprivate func legacyClients() throws(SettingFault) -> [ClientID: LegacyClient] {
        let name = "USHER_LEGACY_SECRETS"
        guard let text = text(name) else { return [:] }
        func refused(_ what: String) -> SettingFault {
            SettingFault(
                name: name, value: nil,
                expected: #"JSON such as {"client-id":"secret"}, with secrets of "#
                    + "\(LegacySecret.bytesRange.lowerBound) to "
                    + "\(LegacySecret.bytesRange.upperBound) bytes; \(what)")
        }
        guard let object = (try? JSONValue.parse(Array(text.utf8)))?.object else {
            throw refused("it is no JSON object")
        }
        var clients: [ClientID: LegacyClient] = [:]
        for (index, member) in object.members.enumerated() {
            guard let secret = member.value.string.map({ Array($0.utf8) }),
                LegacySecret.bytesRange.contains(secret.count), !member.name.isEmpty,
                let key = try? VerifyingKey(secret: secret), let all = try? RoomPattern("*")
            else {
                // Not by its name, which is the secret where the two were swapped.
                throw refused("that of member \(index + 1) is none")
            }
            let id = ClientID(member.name)
            clients[id] = LegacyClient(
                clientID: id, rooms: [all], scopes: ["signal"],
                secretDigest: Digest.sha256(secret)
            ) { tag, input in key.isValid(signature: tag, over: input) }
        }
        return clients
    }

    fileprivate func iceServers() throws(SettingFault) -> (servers: ICEServers, secret: [UInt8]) {
        let stun = try iceURLs("USHER_STUN_SERVERS", .stun, "stun:stun.example:3478")
        let turn = try iceURLs(
            "USHER_TURN_SERVERS", .turn, "turn:turn.example:3478?transport=udp")
        let range = ICEServers.lifetimeSecondsRange
        let seconds = try integer(
            "USHER_TURN_CREDENTIAL_SECONDS", default: 3600,
            in: Int(range.lowerBound)...Int(range.upperBound))
        let secret = Array((text("USHER_TURN_SECRET") ?? "").utf8)
        guard secret.isEmpty == turn.isEmpty else {
            throw secret.isEmpty
                ? SettingFault(
                    name: "USHER_TURN_SECRET", value: nil,
                    expected: "the secret that the TURN servers have too "
                        + "(static-auth-secret of coturn)")
                : SettingFault(
                    name: "USHER_TURN_SERVERS", value: nil,
                    expected: "the TURN servers whose secret is given")
        }
        let isSecret = secret.count >= 16 && secret.allSatisfy { 0x21...0x7E ~= $0 }
        guard secret.isEmpty || isSecret else {
            throw SettingFault(
                name: "USHER_TURN_SECRET", value: nil,
                expected: "at least 16 printable characters without spaces "
                    + "(openssl rand -hex 32 makes them)")
        }
        return (ICEServers(stun + turn, lifetimeSeconds: Int64(seconds)), secret)
    }

    private func iceURLs(
        _ name: String, _ kind: ICEServerURL.Kind, _ example: String
    ) throws(SettingFault) -> [ICEServerURL] {
        var urls: [ICEServerURL] = []
        for text in list(name) {
            guard let url = ICEServerURL(text), url.kind == kind else {
                throw fault(name, "URLs such as \(example)", value: text)
            }
            urls.append(url)
        }
        return urls
    }

    fileprivate func relay(
        _ legacy: [ClientID: LegacyClient], _ iceServers: ICEServers
    ) throws(SettingFault) -> ServerlessConfiguration {
        var relay = ServerlessConfiguration()
        for text in list("USHER_ORIGINS") {
            guard let origin = try? Origin.validate(text) else {
                throw fault(
                    "USHER_ORIGINS", "origins such as https://app.example", value: text)
            }
            relay.origins.append(origin)
        }
        relay.queryToken = try choice("USHER_QUERY_TOKEN", default: relay.queryToken)
        if let name = text("USHER_EDGE_COOKIE") {
            guard EdgeStep.isCookieName(name) else {
                throw fault("USHER_EDGE_COOKIE", "a cookie name (RFC 6265 §4.1.1)")
            }
            relay.edgeCookieName = name
        }
        relay.legacySecretDigests = legacy.mapValues(\.secretDigest)
        relay.iceServers = iceServers
        relay.maxMessageBytes = try limit(
            "USHER_MAX_MESSAGE_BYTES", default: relay.maxMessageBytes, most: 32_768)
        relay.roomsPerConnectionMax = try limit(
            "USHER_MAX_ROOMS", default: relay.roomsPerConnectionMax, most: 64)
        relay.roomMembersMax = try limit(
            "USHER_MAX_MEMBERS", default: relay.roomMembersMax, most: StoreLimits.membersMax)
        // What is kept of a session, and waits for it, has to go into one item.
        relay.historyEventsMax = try limit(
            "USHER_RESUME_EVENTS", default: relay.historyEventsMax, most: 256)
        relay.historyBytesMax = try limit(
            "USHER_RESUME_BYTES", default: relay.historyBytesMax, most: 262_144)
        relay.resumeGraceSeconds = try integer(
            "USHER_RESUME_GRACE_SECONDS", default: relay.resumeGraceSeconds,
            in: 0...TimerPort.secondsMax)
        relay.pingIntervalSeconds = try integer(
            "USHER_PING_INTERVAL_SECONDS", default: relay.pingIntervalSeconds, in: 1...540)
        return relay
    }

    /// Over plain http credentials would go, and what people say: only to this machine.
    fileprivate func url(_ name: String, _ expected: String) throws(SettingFault) -> HTTPURL? {
        guard let text = text(name) else { return nil }
        guard let url = try? HTTPURL(text), url.isSafe else { throw fault(name, expected) }
        return url
    }

    /// Of this name, in the function's own region.
    fileprivate func service(_ name: String) throws(SettingFault) -> HTTPURL {
        let region = try region()
        guard let url = try? HTTPURL(AWSRegion.address(of: ByteText(name), in: region)) else {
            throw fault("AWS_REGION", "a region, such as eu-central-1")
        }
        return url
    }
}
