import HTTPMessages

/// One request on its way: made when its first line is read, let go when it is completed.
/// libmicrohttpd holds it, and calls for one connection never overlap, so it needs no lock.
final class Exchange {
    enum Stage { case fresh, reading, draining }

    /// nil where it was no target that we serve.
    let target: RequestTarget?
    /// Where libmicrohttpd keeps the target, and its length up to the first NUL.
    let targetAddress: UInt
    let targetLength: Int

    /// The connection that it came by.
    let visit: Visit?

    var stage = Stage.fresh
    /// Without the body, from the end of the header until it is taken.
    var request: HTTPRequest?
    var body: [UInt8] = []
    /// Whether the server counts it among those in flight.
    var isCounted = false
    /// Whether the connection ends with the answer.
    var mustClose = false
    /// How long the answer's header may be: what the request's has left of the connection's memory.
    var answerHeaderBytesMax = Int.max
    /// The answer, where it was made elsewhere.
    var outcome: HTTPOutcome?
    /// Who gets the socket, once 101 has been sent.
    var adopt: (@Sendable (UpgradedSocket) -> Void)?
    private var drainedBytes = 0

    init(target: RequestTarget?, address: UInt, length: Int, visit: Visit?) {
        self.target = target
        self.visit = visit
        targetAddress = address
        targetLength = length
    }

    /// Takes the next piece of the body. A body over the limit is read on, for without that the
    /// client would see a reset and no answer, but not kept and not for ever.
    ///
    /// Returns false once the connection should just be closed.
    func take(_ piece: UnsafeRawBufferPointer, bytesMax: Int) -> Bool {
        if stage == .reading {
            guard body.count + piece.count > bytesMax else {
                unsafe body.append(contentsOf: piece)
                return true
            }
            stage = .draining
            drainedBytes = body.count
            body = []
        }
        drainedBytes += piece.count
        return drainedBytes <= Self.drainedBytesMax(bytesMax)
    }

    /// Gives the request away, so that nothing of it need be copied.
    func takeRequest() -> HTTPRequest? {
        guard var taken = request.take() else { return nil }
        swap(&taken.body, &body)
        return taken
    }

    /// How much of a body that is too long is still read before the answer.
    static func drainedBytesMax(_ bytesMax: Int) -> Int { max(bytesMax * 16, 1 << 20) }
}
