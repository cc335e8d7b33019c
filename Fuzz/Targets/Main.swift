import Glibc

/// One entry for libFuzzer; `USHER_FUZZ_TARGET` says which parser it feeds.
///
/// A target fails by trapping: `require` says what did not hold.
private let targets: [String: @Sendable ([UInt8]) -> Void] = [
    "basic": fuzzBasic, "client-assertion": fuzzClientAssertion,
    "compact-token": fuzzCompactToken, "cookie": fuzzCookie, "form": fuzzForm,
    "frame": fuzzFrame, "json": fuzzJSON, "jwk-set": fuzzJWKSet, "loop-turns": fuzzLoopTurns,
    "message": fuzzMessage,
    "token-request": fuzzTokenRequest, "viewer-request": fuzzViewerRequest,
]

private let target: @Sendable ([UInt8]) -> Void = {
    let name = unsafe getenv("USHER_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = targets[name] else {
        fatalError("USHER_FUZZ_TARGET must be one of \(targets.keys.sorted())")
    }
    return target
}()

/// Feeds one input to the target; libFuzzer calls it for each.
@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    target(unsafe Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}

/// Stops the run, and so reports the input, where a claim about the parser does not hold.
func require(_ holds: Bool, _ claim: @autoclosure () -> String) {
    guard holds else { fatalError(claim()) }
}

/// The value, or the end of the run where the parser refuses what it must take.
func mustTake<Value>(_ claim: String, _ body: () throws -> Value) -> Value {
    do {
        return try body()
    } catch { fatalError("\(claim): \(error)") }
}

/// Whether two texts are the same byte for byte; `==` would let canonical equivalents pass.
func areSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

/// Stands in for SHA-256, for which these targets would need a C library.
func anyDigest(_ bytes: [UInt8]) -> [UInt8] {
    var state: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return (0..<32).map { UInt8(truncatingIfNeeded: state >> UInt64($0 % 8 * 8)) }
}
