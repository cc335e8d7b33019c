package import Bytes
import HTTPClient
import HTTPMessages
import StrictJSON

/// Lambda's Runtime API: takes events one at a time, and answers them. For one thread.
package final class LambdaRuntime {
    private static let version = "2018-06-01"
    /// The API is in the same machine. Whoever waits longer for it waits for nothing.
    private static let answerMost = Duration.seconds(10)

    private let address: ByteText
    private let client: HTTPClient
    private let report: (RuntimeFault) -> Void

    /// - Parameters:
    ///   - address: `AWS_LAMBDA_RUNTIME_API`: `host:port`.
    ///   - report: Told of what went wrong where the next event is asked for all the same.
    /// - Throws: `.address`.
    package init(
        address: ByteText, report: @escaping (RuntimeFault) -> Void
    ) throws(RuntimeFault) {
        var limits = AnswerLimits()
        // An event has at most 6 MB, and its fields hold some 4 KB (client context).
        limits.bodyBytesMax = 7 << 20
        self.address = address
        self.report = report
        client = HTTPClient(limits: limits)
        guard (try? url(.next)) != nil, !address.utf8.contains(UInt8(ascii: "/")) else {
            throw .address
        }
    }

    /// Handles events until the API fails.
    ///
    /// - Parameter handle: Called for each, on this thread.
    /// - Returns: Why the process has to end.
    package func run(_ handle: (Invocation) -> Handled) -> RuntimeFault {
        while true {
            var fault: RuntimeFault?
            do throws(RuntimeFault) {
                let invocation = try next()
                let handled = handle(invocation)
                fault = answer(invocation.requestID, handled.reply)
                // Also where nobody wanted the answer any more.
                handled.after?()
            } catch {
                fault = error
                if case .withoutDeadline(let requestID) = error {
                    let reply = FunctionFault(type: "Runtime.Event", message: "\(error)")
                    fault = answer(requestID, .failure(reply)) ?? error
                }
            }
            guard let fault else { continue }
            if fault.isOver { return fault }
            report(fault)
        }
    }

    /// Tells why no event can be handled. The process has to end then.
    package func failInit(_ fault: FunctionFault) throws(RuntimeFault) {
        try post(.initError, url(.initError), fault)
    }

    /// Waits for the next event, for hours where none comes.
    func next() throws(RuntimeFault) -> Invocation {
        let url = try url(.next)
        let answer: HTTPResponse
        do throws(HTTPClientError) {
            answer = try client.request("GET", url, deadline: .never)
        } catch {
            throw .noAnswer(.next, error)
        }
        return try Invocation(answer)
    }

    /// - Returns: Why it was not taken.
    func answer(
        _ requestID: ByteText, _ reply: Result<[UInt8], FunctionFault>
    ) -> RuntimeFault? {
        do throws(RuntimeFault) {
            switch reply {
            case .success(let bytes):
                try post(.response, url(.response, requestID), bytes, HeaderFields())
            case .failure(let fault): try post(.error, url(.error, requestID), fault)
            }
            return nil
        } catch {
            return error
        }
    }

    private func url(
        _ step: RuntimeFault.Step, _ requestID: ByteText? = nil
    ) throws(RuntimeFault) -> HTTPURL {
        let path =
            switch step {
            case .next: "invocation/next"
            case .response, .error: "invocation/\(requestID ?? "")/\(step.rawValue)"
            case .initError: step.rawValue
            }
        do throws(HTTPClientError) {
            return try HTTPURL("http://\(address)/\(Self.version)/runtime/\(path)")
        } catch {
            throw .address
        }
    }

    private func post(
        _ step: RuntimeFault.Step, _ url: HTTPURL, _ fault: FunctionFault
    ) throws(RuntimeFault) {
        let document: JSONValue = [
            "errorType": .string(fault.type), "errorMessage": .string(fault.message),
            "stackTrace": [],
        ]
        let headers = HeaderFields([("Lambda-Runtime-Function-Error-Type", fault.type)])
        try post(step, url, document.serialized(), headers)
    }

    /// Done twice it is refused the second time, which does no harm.
    private func post(
        _ step: RuntimeFault.Step, _ url: HTTPURL, _ body: [UInt8], _ headers: HeaderFields
    ) throws(RuntimeFault) {
        var headers = headers
        headers.add("Content-Type", "application/json")
        let answer: HTTPResponse
        do throws(HTTPClientError) {
            answer = try client.request(
                "POST", url, headers: headers, body: body, isRepeatable: true,
                deadline: Deadline(after: Self.answerMost))
        } catch {
            throw .noAnswer(step, error)
        }
        guard (200...299).contains(answer.status) else {
            throw .refused(step, status: answer.status)
        }
    }
}
