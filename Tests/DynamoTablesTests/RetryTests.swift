import Bytes
import HTTPClient
import Tables
import Testing

@testable import DynamoTables

@Suite struct RetryTests {
    private let key = ItemKey("C#1")
    private let write = TableWrite(ItemKey("C#1"), .delete)
    private let done = ScriptedTable.Answer.answer(200, "{}")

    private static let throttles = [
        "ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded",
    ]
    private static let failures: [ScriptedTable.Answer] = [
        refusal("InternalServerError", status: 500), refusal("ServiceUnavailable", status: 503),
        .answer(502, "<html>"), lost, late, .fault(.closedEarly(server)),
    ]

    @Test("Whoever is throttled asks again, whatever it asked for", arguments: throttles)
    func throttled(_ type: String) {
        for status in [400, 429] {
            let answers = [refusal(type, status: status), refusal(type, status: status), done]
            let (read, change, transaction) = (
                ScriptedTable(answers), ScriptedTable(answers), ScriptedTable(answers)
            )
            #expect(read.port.got(key) == .value(nil))
            #expect(change.port.written(write) == .value(.done(nil)))
            #expect(transaction.port.transacted([write]) == .value(.done))
            for table in [read, change, transaction] {
                #expect(table.asked.count == 3)
                #expect(table.asked.allSatisfy { $0 == table.asked[0] })
            }
        }
    }

    @Test("What is throttled until there is no time left was surely not done")
    func throttledForGood() {
        let answers = Array(repeating: refusal("ThrottlingException"), count: 3)
        let fault = TableFault.unavailable("ThrottlingException")
        for call in [0, 1, 2] {
            let table = ScriptedTable(answers, pausesMax: 2)
            switch call {
            case 0: #expect(table.port.got(key) == .fault(fault))
            case 1: #expect(table.port.written(write) == .fault(fault))
            default: #expect(table.port.transacted([write]) == .fault(fault))
            }
            #expect(table.left == 0)
        }
    }

    @Test("What never left is sent again, and was surely not done")
    func unreachable() {
        let once = ScriptedTable([unreached, done])
        #expect(once.port.written(write) == .value(.done(nil)))
        for step in [HTTPClientError.Step.resolving, .connecting, .handshake] {
            let table = ScriptedTable([.fault(.timedOut(server, step))], pausesMax: 0)
            #expect(table.port.written(write) == .fault(.unavailable("http_timed_out")))
        }
    }

    @Test("A read that failed is repeated, and where it never succeeds nothing was done")
    func reads() {
        for failure in Self.failures {
            let table = ScriptedTable([failure, failure, done])
            #expect(table.port.got(key) == .value(nil))
            #expect(table.asked.allSatisfy { $0.isRepeatable })
            let page = ScriptedTable.Answer.answer(200, #"{"Items":[],"ScannedCount":0}"#)
            let scanned = ScriptedTable([failure, page])
            #expect(scanned.port.scanned() == .value(TableScan(rows: [], examined: 0, next: nil)))
            #expect(scanned.asked.allSatisfy { $0.isRepeatable })
            guard case .fault(.unavailable) = ScriptedTable([failure], pausesMax: 0).port.got(key)
            else {
                Issue.record("\(failure)")
                continue
            }
        }
    }

    @Test("A write whose outcome is unknown is not repeated")
    func unknownWrites() {
        for failure in Self.failures {
            let table = ScriptedTable([failure, done])
            guard case .fault(.unknown) = table.port.written(write) else {
                Issue.record("\(failure)")
                continue
            }
            #expect(table.asked.map(\.isRepeatable) == [false])
        }
        // Throttled first: it is the last try that counts.
        let table = ScriptedTable([refusal("ThrottlingException"), lost, done])
        #expect(table.port.written(write) == .fault(.unknown("http_connection_lost")))
        #expect(table.left == 1)
    }

    @Test("A transaction whose outcome is unknown is repeated as it was, by its token")
    func unknownTransactions() {
        for failure in Self.failures {
            let table = ScriptedTable([failure, failure, done])
            #expect(table.port.transacted([write]) == .value(.done))
            #expect(table.asked.allSatisfy { $0.isRepeatable && $0 == table.asked[0] })
        }
        let running = refusal("TransactionInProgressException")
        #expect(ScriptedTable([running, done]).port.transacted([write]) == .value(.done))
    }

    @Test("A transaction that may once have been done stays so, whatever later tries meet")
    func staysUnknown() {
        for second in [refusal("ThrottlingException"), unreached, cancelled("TransactionConflict")]
        {
            let table = ScriptedTable([lost, second], pausesMax: 1)
            #expect(table.port.transacted([write]) == .fault(.unknown("http_connection_lost")))
        }
        let expired = ScriptedTable([lost, refusal("ExpiredTokenException")])
        #expect(expired.port.transacted([write]) == .fault(.unknown("http_connection_lost")))
        let running = ScriptedTable([refusal("TransactionInProgressException")], pausesMax: 0)
        #expect(
            running.port.transacted([write])
                == .fault(.unknown("TransactionInProgressException")))
        // But an answer of the transaction itself tells.
        let refused = ScriptedTable([lost, cancelled("ConditionalCheckFailed")])
        #expect(refused.port.transacted([write]) == .value(.refused([0: nil])))
    }

    @Test(
        "A write that met others' is repeated, for it was not done",
        arguments: ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
    func conflicts(_ code: String) {
        let table = ScriptedTable([cancelled("None", code), cancelled(code, "None"), done])
        #expect(table.port.transacted([write]) == .value(.done))
        #expect(table.asked.allSatisfy { $0 == table.asked[0] })
        let last = ScriptedTable([cancelled("None", code)], pausesMax: 0)
        #expect(
            last.port.transacted([write]) == .fault(.unavailable("TransactionCanceledException")))
        let single = ScriptedTable([refusal("TransactionConflictException"), done])
        #expect(single.port.written(write) == .value(.done(nil)))
    }

    @Test("A refusal that no repetition helps is not repeated")
    func lasting() {
        for answer in [
            refusal("ValidationException"), refusal("AccessDeniedException"),
            refusal("ResourceNotFoundException"), cancelled("ValidationError", "ThrottlingError"),
            ScriptedTable.Answer.fault(.certificateRefused(server, reason: "x")),
            .fault(.trustWithoutCertificate(path: "/x")),
        ] {
            let table = ScriptedTable([answer, done])
            guard case .fault(.invalid) = table.port.transacted([write]) else {
                Issue.record("\(answer)")
                continue
            }
            #expect(table.left == 1)
        }
    }

    @Test("An answer that is no HTTP, or too large, comes again as it was")
    func answerRefused() {
        let refused = ScriptedTable.Answer.fault(.answerRefused(server, .bodyTooLarge))
        #expect(
            ScriptedTable([refused]).port.got(key) == .fault(.invalid("http_answer_body_too_large"))
        )
        #expect(
            ScriptedTable([refused]).port.written(write)
                == .fault(.unknown("http_answer_body_too_large")))
    }
}
