import Glibc
import HTTPMessages
import Locking
import Synchronization
import Threads

/// Requests whose answers are made on other threads, since they may have to wait.
extension Worker {
    /// How long a request may wait until its answer is begun.
    private static let turnMilliseconds: Int64 = 5000

    /// Has the answer made elsewhere; it comes with the mail. Who would wait too long for their
    /// turn are told so, and nothing is done for them.
    func wait(for request: HTTPRequest, _ waiting: WaitingRequest) {
        self.waiting[waiting.id] = waiting
        let latest = now + Self.turnMilliseconds
        let isTaken = core.crew.add { [self] in
            if core.isStopping.load(ordering: .relaxed) {
                tell(waiting, .response(Refusals.stopping))
            } else if Clock.milliseconds > latest {
                tell(waiting, .response(Refusals.busy))
            } else {
                tell(waiting, core.handler(request))
            }
        }
        if !isTaken { tell(waiting, .response(Refusals.busy)) }
    }

    private func tell(_ waiting: WaitingRequest, _ outcome: HTTPOutcome) {
        mailbox.withLock {
            $0.answered.append(WorkerMail.Answered(request: waiting, outcome: outcome))
        }
        wake()
    }

    /// Lets those go on whose answers have come.
    func resumeAnswered() {
        let answered = mailbox.withLock { mailbox in
            defer { mailbox.answered.removeAll() }
            return mailbox.answered
        }
        for answer in answered where waiting.removeValue(forKey: answer.request.id) != nil {
            answer.request.resume(with: answer.outcome)
        }
    }

    /// At the end, when nothing begins to wait any more.
    func waitForAnswers() {
        while true {
            resumeAnswered()
            if waiting.isEmpty { return }
            usleep(1000)
        }
    }
}
