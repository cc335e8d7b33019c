import Bytes
import HTTPClient
import HTTPMessages
import ServerSupport

/// What a request came to.
enum Outcome: Equatable {
    case answer(HTTPResponse)
    case fault(HTTPClientError)

    var body: String? {
        guard case .answer(let answer) = self else { return nil }
        return String(decoding: answer.body, as: UTF8.self)
    }

    var code: String? {
        guard case .fault(let fault) = self else { return nil }
        return fault.code
    }

    var mayHaveArrived: Bool? {
        guard case .fault(let fault) = self else { return nil }
        return fault.mayHaveArrived
    }
}

extension HTTPClient {
    func ask(
        _ server: ScriptedServer, _ method: ByteText = "GET", scheme: String = "http",
        host: String = "127.0.0.1", headers: HeaderFields = HeaderFields(), body: [UInt8] = [],
        isRepeatable: Bool? = nil, within time: Duration = .seconds(15)
    ) -> Outcome {
        do throws(HTTPClientError) {
            let url = try HTTPURL("\(scheme)://\(host):\(server.port)/path?query")
            return .answer(
                try request(
                    method, url, headers: headers, body: body, isRepeatable: isRepeatable,
                    deadline: Deadline(after: time)))
        } catch {
            return .fault(error)
        }
    }
}

func answer(_ body: String) -> String {
    "HTTP/1.1 200 OK\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
}
