/// How fast messages may come: the generic cell rate algorithm, one number a socket.
struct MessageRate {
    /// What a message costs; 0 where there is no limit.
    private let costMicroseconds: Int64
    private let toleranceMicroseconds: Int64

    /// - Parameters:
    ///   - perSecond: The lasting rate; 0 means no limit.
    ///   - burst: So many may come at once.
    init(perSecond: Int, burst: Int) {
        costMicroseconds = perSecond > 0 ? max(1, 1_000_000 / Int64(clamping: perSecond)) : 0
        let ahead = Int64(clamping: max(burst, 1) - 1)
        let (tolerance, isHuge) = ahead.multipliedReportingOverflow(by: costMicroseconds)
        toleranceMicroseconds = isHuge ? .max / 2 : min(tolerance, .max / 2)
    }

    var isLimited: Bool { costMicroseconds > 0 }

    /// Whether a message may come now.
    func allows(paidUntil: Int64, nowMicroseconds: Int64) -> Bool {
        paidUntil - nowMicroseconds <= toleranceMicroseconds
    }

    /// Counts a message, unless it comes too soon.
    ///
    /// - Parameters:
    ///   - paidUntil: The socket's own number.
    ///   - nowMicroseconds: On any clock, the same for all calls.
    ///   - catchUpMicroseconds: Time that the socket had to wait and may make up for.
    /// - Returns: False if it comes too soon; then nothing is counted.
    func charge(
        _ paidUntil: inout Int64, nowMicroseconds: Int64, catchUpMicroseconds: Int64
    ) -> Bool {
        guard allows(paidUntil: paidUntil, nowMicroseconds: nowMicroseconds) else { return false }
        paidUntil = max(paidUntil, nowMicroseconds - catchUpMicroseconds) + costMicroseconds
        return true
    }
}
