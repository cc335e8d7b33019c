import Glibc

/// CPU seconds (user and system) that `count` calls take.
func cpuSeconds(_ count: Int, _ body: () -> Void) -> Double {
    let start = cpuNow()
    for _ in 0..<count { body() }
    return cpuNow() - start
}

private func cpuNow() -> Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

/// Speed of `candidate` over that of `floor`, both in calls per CPU second.
///
/// The two alternate in rounds, so that a clock that drifts hits both; the median of the rounds
/// counts.
func speedRatio(
    rounds: Int, floorCalls: Int, candidateCalls: Int, floor: () -> Void, candidate: () -> Void
) -> (ratio: Double, floorPerSecond: Double, candidatePerSecond: Double) {
    var ratios: [Double] = []
    var floors: [Double] = []
    var candidates: [Double] = []
    for _ in 0..<rounds {
        let floorSpeed = Double(floorCalls) / cpuSeconds(floorCalls, floor)
        let candidateSpeed = Double(candidateCalls) / cpuSeconds(candidateCalls, candidate)
        floors.append(floorSpeed)
        candidates.append(candidateSpeed)
        ratios.append(candidateSpeed / floorSpeed)
    }
    return (median(ratios), median(floors), median(candidates))
}
