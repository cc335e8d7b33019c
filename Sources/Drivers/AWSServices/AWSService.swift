package import AWSRequests
package import Bytes
import Cryptography
import Glibc
package import HTTPClient
package import HTTPMessages

/// What all services of one function have in common. May be used from any thread.
package struct AWSAccess: Sendable {
    package let credentials: AWSCredentials
    package let region: ByteText
    let clients: ClientPool
    package let work: WorkDeadline
    let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - credentials: Who signs.
    ///   - region: `eu-central-1`, say.
    ///   - clients: What requests go over.
    ///   - work: Until when.
    ///   - now: Seconds since the Unix epoch, for signatures.
    package init(
        credentials: AWSCredentials, region: ByteText, clients: ClientPool, work: WorkDeadline,
        now: @escaping @Sendable () -> Int64 = { Int64(time(nil)) }
    ) {
        self.credentials = credentials
        self.region = region
        self.clients = clients
        self.work = work
        self.now = now
    }
}

/// One AWS service at one address. Blocks, and may be used from any number of threads at once.
package struct AWSService: Sendable {
    private let access: AWSAccess
    private let url: HTTPURL
    private let signer: RequestSigner
    private let attemptMost: Duration

    /// - Parameters:
    ///   - name: As signatures have it: `dynamodb`, `execute-api`, `sqs`.
    ///   - url: Where it is; of it the origin alone counts.
    ///   - access: Who asks, and by what.
    ///   - attemptMost: How long one request may take, where the deadline of the work is later: a
    ///     service that says nothing must not use up all of its time.
    package init(
        _ name: ByteText, at url: HTTPURL, _ access: AWSAccess,
        attemptMost: Duration = .seconds(2)
    ) {
        self.access = access
        self.url = url
        self.attemptMost = attemptMost
        signer = RequestSigner(
            region: access.region, service: name, sha256: Digest.sha256,
            hmacSHA256: { HMACSHA256.tag($0, secret: $1) })
    }

    /// Sends one request, signed, and waits for its answer, whatever its status. Tries once.
    ///
    /// - Parameters:
    ///   - method: In capitals.
    ///   - target: Path and query.
    ///   - headers: Besides those that sign and frame it.
    ///   - body: The whole of it.
    ///   - isRepeatable: Whether it does no harm if it is done twice; `HTTPClient.request` says
    ///     when that happens.
    /// - Returns: The answer.
    /// - Throws: `HTTPClientError`; its `mayHaveArrived` says whether the request may have been
    ///   done all the same.
    package func request(
        _ method: ByteText, _ target: AWSTarget, headers: HeaderFields = HeaderFields(),
        body: [UInt8] = [], isRepeatable: Bool
    ) throws(HTTPClientError) -> HTTPResponse {
        let request = AWSRequest(
            method: method, host: url.authority, target: target, headers: headers, body: body)
        let signed = signer.sign(
            request, with: access.credentials, atSecondsSinceEpoch: access.now())
        let deadline = access.work.deadline.earlier(attemptMost)
        let address = try HTTPURL("\(url.origin)\(target.text)")
        return try access.clients.withClient { client throws(HTTPClientError) in
            try client.request(
                method, address, headers: signed, body: body, isRepeatable: isRepeatable,
                deadline: deadline)
        }
    }

    /// Does one operation of the AWS JSON protocol, as `request` does.
    ///
    /// - Parameters:
    ///   - operation: As `X-Amz-Target` names it: `DynamoDB_20120810.PutItem`, say.
    ///   - document: JSON.
    ///   - isRepeatable: See `request`.
    /// - Returns: The answer, whatever its status.
    /// - Throws: As `request`.
    package func call(
        _ operation: ByteText, _ document: [UInt8], isRepeatable: Bool
    ) throws(HTTPClientError) -> HTTPResponse {
        let headers = HeaderFields([
            ("Content-Type", "application/x-amz-json-1.0"), ("X-Amz-Target", operation),
        ])
        return try request(
            "POST", .root, headers: headers, body: document, isRepeatable: isRepeatable)
    }

    /// The pauses between tries of one request to it.
    package func pauses() -> Pauses { Pauses(until: access.work.deadline) }
}

extension AWSService {
    /// Asks again, with pauses, while the service throttles, fails, or cannot be reached, until the
    /// deadline of the work. For what does no harm if it is done twice.
    ///
    /// - Parameter attempt: One request, by `request` or `call`.
    /// - Returns: An answer below 500 that is no throttle.
    /// - Throws: `AWSFault`, by whether any of the tries may have been done.
    package func untilAnswered(
        _ attempt: () throws(HTTPClientError) -> HTTPResponse
    ) throws(AWSFault) -> HTTPResponse {
        var pauses = pauses()
        var mayBeDone = false
        while true {
            let reason: String
            do throws(HTTPClientError) {
                let answer = try attempt()
                let isThrottle = answer.isAWSThrottle
                guard isThrottle || answer.status >= 500 else { return answer }
                mayBeDone = mayBeDone || !isThrottle
                reason = answer.awsReason
            } catch {
                mayBeDone = mayBeDone || error.mayHaveArrived
                reason = error.description
                guard error.isPassing else {
                    throw mayBeDone ? .unknown(reason) : .unavailable(reason)
                }
            }
            guard pauses.wait() else { throw mayBeDone ? .unknown(reason) : .unavailable(reason) }
        }
    }
}
