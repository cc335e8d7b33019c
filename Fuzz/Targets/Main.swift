import CFuzzer
import Glibc

/// One entry for libFuzzer; `USHER_FUZZ_TARGET` says which parser it feeds.
private let targets: [String: FuzzTarget] = [
    "basic": .basic, "client-assertion": .clientAssertion, "cluster-frame": .clusterFrame,
    "compact-token": .compactToken, "cookie": .cookie, "form": .formBody, "frame": .frame,
    "json": .json, "jwk-set": .jwkSet, "loop-turns": .loopTurns, "message": .message,
    "node-words": .nodeWords, "room-document": .roomDocument, "room-page": .roomPage,
    "token-request": .tokenRequest, "viewer-request": .viewerRequest,
]

private let target: FuzzTarget = {
    let name = unsafe getenv("USHER_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    guard let target = targets[name] else {
        fatalError("USHER_FUZZ_TARGET must be one of \(targets.keys.sorted())")
    }
    return target
}()

/// The program: SwiftPM gives this name to what is `main` of a module `usher_fuzz`, and so keeps
/// libFuzzer's own from being it.
@_cdecl("usher_fuzz_main")
public func main(
    _ count: CInt, _ words: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
    var (count, words) = unsafe (count, words)
    return unsafe LLVMFuzzerRunDriver(&count, &words) { data, length in
        let input = unsafe Array(UnsafeBufferPointer(start: data, count: length))
        target.measure(input)
        target.check(input)
        return 0
    }
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
