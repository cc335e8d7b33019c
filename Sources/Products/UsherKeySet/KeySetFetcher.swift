import Foundation
import Locking

#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif

/// Fetches a set once: no redirects, no cookies, no cache, bounded in time and size.
struct KeySetFetcher: Sendable {
    let address: KeySetAddress
    let timeoutSeconds: Double

    func fetch() async -> Result<KeySetAnswer, KeySetFault> {
        let exchange = Exchange()
        // The session's own limit counts from byte to byte, so that a slow sender outlasts it.
        return await withTaskGroup(of: Void.self) { group in
            group.addTask {
                do {
                    try await Task.sleep(for: .seconds(timeoutSeconds))
                } catch {
                    exchange.end(.failure(.cancelled))  // Of no effect once it has ended.
                }
                exchange.end(.failure(.timedOut))
            }
            let result = await exchange.run(request, timeoutSeconds: timeoutSeconds)
            group.cancelAll()
            return result
        }
    }

    private var request: URLRequest {
        var request = URLRequest(
            url: address.url, cachePolicy: .reloadIgnoringLocalCacheData,
            timeoutInterval: timeoutSeconds)
        request.httpShouldHandleCookies = false
        request.setValue(
            "application/jwk-set+json, application/json", forHTTPHeaderField: "Accept")
        request.setValue("no-cache", forHTTPHeaderField: "Cache-Control")
        return request
    }
}

/// One request and its answer. What the session reports and the deadline meet in `state`; whatever
/// ends the exchange first counts, and all that comes later is dropped.
private final class Exchange: NSObject, URLSessionDataDelegate {
    private struct State {
        var continuation: CheckedContinuation<Result<KeySetAnswer, KeySetFault>, Never>?
        var result: Result<KeySetAnswer, KeySetFault>?
        var session: URLSession?
        var body: [UInt8] = []
        var ageSeconds: Int64 = 0
    }

    private let state = Lock(State())

    func run(
        _ request: URLRequest, timeoutSeconds: Double
    ) async -> Result<KeySetAnswer, KeySetFault> {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeoutSeconds
        configuration.timeoutIntervalForResource = timeoutSeconds
        configuration.urlCache = nil
        configuration.httpCookieStorage = nil
        configuration.urlCredentialStorage = nil
        let session = URLSession(
            configuration: configuration, delegate: self, delegateQueue: nil)
        return await withCheckedContinuation { continuation in
            let early = state.withLock { state -> Result<KeySetAnswer, KeySetFault>? in
                guard state.result == nil else { return state.result }
                state.continuation = continuation
                state.session = session
                return nil
            }
            guard let early else { return session.dataTask(with: request).resume() }
            session.invalidateAndCancel()
            continuation.resume(returning: early)
        }
    }

    func end(_ result: Result<KeySetAnswer, KeySetFault>) {
        let (continuation, session) = state.withLock { state in
            guard state.result == nil else {
                return (nil, nil)
                    as (
                        CheckedContinuation<Result<KeySetAnswer, KeySetFault>, Never>?, URLSession?
                    )
            }
            state.result = result
            state.body = []
            defer { (state.continuation, state.session) = (nil, nil) }
            return (state.continuation, state.session)
        }
        session?.invalidateAndCancel()
        continuation?.resume(returning: result)
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask,
        willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
        completionHandler: @escaping (URLRequest?) -> Void
    ) {
        completionHandler(nil)
        end(.failure(.redirected(status: response.statusCode)))
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
    ) {
        guard let head = response as? HTTPURLResponse else {
            completionHandler(.cancel)
            return end(.failure(.unreachable("the answer is not HTTP")))
        }
        if let fault = KeySetAnswer.fault(in: head) {
            completionHandler(.cancel)
            return end(.failure(fault))
        }
        state.withLock { $0.ageSeconds = KeySetAnswer.ageSeconds(of: head) }
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        let isTooLarge = state.withLock { state in
            guard state.result == nil else { return false }
            guard state.body.count + data.count <= KeySetAnswer.bytesMax else { return true }
            state.body.append(contentsOf: data)
            return false
        }
        if isTooLarge { end(.failure(.tooLarge)) }
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
        if let error {
            let isLate = (error as? URLError)?.code == .timedOut
            return end(.failure(isLate ? .timedOut : .unreachable(error.localizedDescription)))
        }
        let answer = state.withLock { KeySetAnswer(json: $0.body, ageSeconds: $0.ageSeconds) }
        end(.success(answer))
    }
}
