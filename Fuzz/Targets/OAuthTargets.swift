import Bytes
import Clients
import HTTPMessages
import Identifiers
import StrictJSON
import Tokens

extension FuzzTarget {
    static let tokenRequest = FuzzTarget(
        check: fuzzTokenRequest,
        work: { bytes in
            let (headers, body) = request(bytes)
            return { _ = OAuthBench().post(body, headers) }
        },
        benign: {
            repeating(
                "word+%C3%A9", between: "grant_type=client_credentials&note=", and: "&rooms=lobby",
                count: $0.count)
        })
}

/// A token request. What comes before the first empty line is its header fields; without an empty
/// line the input is the body, and the client authenticates by HTTP Basic.
func fuzzTokenRequest(_ bytes: [UInt8]) {
    let bench = OAuthBench()
    let (headers, body) = request(bytes)
    let response = bench.post(body, headers)
    let issued = bench.done.issued
    require(issued.count == (response.status == 200 ? 1 : 0), "a token is issued with 200 alone")
    guard response.status == 200 else {
        checkSecrecy(of: response, body, headers)
        return
    }
    let form = checkedForm(body)
    checkAuthentication(form, headers, bench.done)
    checkGrant(issued[0], form)
    checkAnswer(response, issued[0])
}

private func request(_ bytes: [UInt8]) -> (headers: [(String, String)], body: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = bytes.indices.first(where: { bytes[$0...].starts(with: [0x0A, 0x0A]) }) else {
        let basic = "Basic " + base64(Array("\(OAuthBench.clientID):\(OAuthBench.secret)".utf8))
        return (
            [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", basic)], bytes
        )
    }
    let head = String(decoding: text.utf8.prefix(end), as: UTF8.self)
    let headers = head.split(separator: "\n").compactMap { line -> (String, String)? in
        let parts = line.split(separator: ":", maxSplits: 1)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
    }
    return (headers, Array(bytes[(end + 2)...]))
}

/// An error's text may quote what was sent, but never out of where a secret belongs.
private func checkSecrecy(
    of response: HTTPResponse, _ body: [UInt8], _ headers: [(String, String)]
) {
    let sent = ((try? FormFields.parse(body.span)) ?? []).filter { $0.name != "client_secret" }
    let quotable = sent.flatMap { [$0.name.string, $0.value.string] } + headers.map(\.1)
    guard !quotable.contains(where: { $0.contains(OAuthBench.secret) }) else { return }
    let text = String(decoding: response.body, as: UTF8.self)
    require(!text.contains(OAuthBench.secret), "an error's text holds no secret")
}

/// The parameters that have a value: each once, but for the targets of an exchange.
private func checkedForm(_ body: [UInt8]) -> [String: [String]] {
    let pairs = mustTake("what was taken is a form") { try FormFields.parse(body.span) }
    var form: [String: [String]] = [:]
    for (name, value) in pairs where !value.isEmpty {
        form[name.string, default: []].append(value.string)
    }
    let isExchange = form["grant_type"] == [OAuthBench.exchange]
    for (name, values) in form where !(isExchange && ["audience", "resource"].contains(name)) {
        require(values.count == 1, "no parameter stands there twice (RFC 6749 §3.2)")
    }
    require(isExchange || form["grant_type"] == ["client_credentials"], "there is such a grant")
    return form
}

private func checkAuthentication(
    _ form: [String: [String]], _ headers: [(String, String)], _ deeds: OAuthBench.Deeds
) {
    let fields = HeaderFields(headers.map { (ByteText($0), ByteText($1)) })
    let authorizations = fields.values("Authorization")
    let ways = [
        !authorizations.isEmpty, form["client_secret"] != nil, form["client_assertion"] != nil,
    ]
    require(ways.count { $0 } == 1, "a client authenticates in one way (RFC 6749 §2.3)")
    require(authorizations.count <= 1, "Authorization stands there once")
    require(fields.values("Content-Type").count == 1, "a form says that it is one")
    if let named = form["client_id"]?.first {
        require(areSame(named, OAuthBench.clientID.string), "client_id is that of the client")
    }
    if let secret = form["client_secret"]?.first {
        require(areSame(secret, OAuthBench.secret), "no other secret is taken")
        require(form["client_id"] != nil, "a secret goes with an id")
    }
    if let field = authorizations.first {
        let basic = mustTake("Basic is read") { try BasicCredentials.parse(authorization: field) }
        require(
            ClientID(basic.id) == OAuthBench.clientID
                && areSame(basic.secret.string, OAuthBench.secret),
            "no other credentials are taken")
    }
    require(
        deeds.marked.count == (form["client_assertion"] == nil ? 0 : 1),
        "an assertion is used up, and nothing else")
}

/// The token is no more than the client is granted, the subject token allows and the form asks for.
private func checkGrant(_ token: TokenClaims, _ form: [String: [String]]) {
    let client = OAuthBench.client
    require(token.issuer == OAuthBench.issuer, "iss is ours")
    require(token.audience == [OAuthBench.issuer], "aud is ours")
    require(token.clientID == client.clientID, "client_id is the client's")
    require(areAllWithin(token.rooms, client.rooms), "rooms are within the grant")
    require(
        token.scopes.allSatisfy { client.scopes.contains(ByteText($0)) },
        "scopes are within the grant")
    let life = token.expiresAt - OAuthBench.now
    require((1...client.lifetimeSecondsMax).contains(life), "a token lives as long as granted")
    if let asked = form["expires_in"]?.first { require(life <= Int64(asked) ?? 0, "nor longer") }
    require((token.kind == .session) == token.scopes.contains("session"), "a session says so")
    if let asked = form["rooms"]?.first {
        let rooms = token.rooms.allSatisfy { room in
            asked.split(separator: " ").contains { areSame(String($0), room.text) }
        }
        require(rooms, "no room is there that was not asked for")
    }
    guard form["grant_type"] == [OAuthBench.exchange] else {
        let user = form["subject"]?.first
        require(
            token.subject == Subject(user.map { ByteText($0) }, of: client.clientID),
            "sub is the user")
        return
    }
    guard let subject = form["subject_token"]?.first.flatMap({ OAuthBench.tokens[$0] }) else {
        fatalError("only a good token is exchanged")
    }
    checkExchange(token, for: subject)
}

/// RFC 8693: rooms, scopes, life and user never exceed those of the subject token.
private func checkExchange(_ token: TokenClaims, for subject: TokenClaims) {
    require(token.kind == .access, "an exchange makes no session")
    require(token.expiresAt <= subject.expiresAt, "nor a longer life")
    require(areAllWithin(token.rooms, subject.rooms), "nor other rooms")
    require(token.scopes == ["signal"], "nor other scopes")
    if subject.kind == .session { require(token.subject == subject.subject, "nor another user") }
}

private func checkAnswer(_ response: HTTPResponse, _ token: TokenClaims) {
    let body = try? JSONValue.parse(response.body).object
    require(body?["token_type"]?.string == "Bearer", "the answer has a type")
    require(
        body?["expires_in"]?.int64 == token.expiresAt - OAuthBench.now, "expires_in is the token's")
    require(
        body?["scope"]?.string == ByteText(token.scopes.joined(separator: " ")), "scope likewise")
    let rooms = body?["rooms"]?.array?.compactMap { $0.string?.string } ?? []
    require(rooms == token.rooms.map(\.text), "rooms likewise")
}

private func areAllWithin(_ rooms: [RoomPattern], _ granted: [RoomPattern]) -> Bool {
    rooms.allSatisfy { room in granted.contains { $0.covers(room) } }
}
