/// Counts what a key did within a window of some seconds, in bounded memory.
///
/// A window begins with a key's first attempt. When the table is full, windows that are over go.
package struct AttemptCounter<Key: Hashable & Sendable> {
    /// What becomes of a new key where every window is still open.
    package enum Overflow {
        /// Any eighth of the others is forgotten.
        case forgetOthers
        /// It is not counted, so that nobody gets rid of a window by filling the table.
        case countNoMore
    }

    private struct Window {
        let startedAt: Int64
        var count: Int
    }

    private let attemptsMax: Int
    private let windowSeconds: Int64
    private let keysMax: Int
    private let overflow: Overflow
    private var windows: [Key: Window] = [:]
    /// When those that are over were last taken out.
    private var sweptAt: Int64?

    package init(
        attemptsMax: Int, windowSeconds: Int64 = 60, keysMax: Int = 16_384,
        whenFull overflow: Overflow = .forgetOthers
    ) {
        self.overflow = overflow
        self.attemptsMax = attemptsMax
        self.windowSeconds = windowSeconds
        self.keysMax = keysMax
    }

    /// Whether nothing was ever counted. Stored, since code of other modules, which does not know
    /// how windows are kept, asks for every request.
    package private(set) var wasNeverUsed = true

    /// How many keys are remembered.
    var count: Int { windows.count }

    /// Seconds until the key may try again; nil when it may now.
    package func secondsUntilAllowed(_ key: Key, now: Int64) -> Int64? {
        guard let window = windows[key], isCurrent(window, now), window.count >= attemptsMax else {
            return nil
        }
        return window.startedAt + windowSeconds - now
    }

    /// Counts an attempt that may be made; else seconds until the key may try again.
    package mutating func take(_ key: Key, now: Int64) -> Int64? {
        let seconds = secondsUntilAllowed(key, now: now)
        if seconds == nil { record(key, now: now) }
        return seconds
    }

    /// Whether the key has a window, open or over.
    package func isCounting(_ key: Key) -> Bool { windows[key] != nil }

    /// Counts one attempt; false where there is no room to.
    @discardableResult
    package mutating func record(_ key: Key, now: Int64) -> Bool {
        if let window = windows[key], isCurrent(window, now) {
            windows[key]?.count += 1
            return true
        }
        if windows.count >= keysMax, windows[key] == nil { makeRoom(now) }
        guard windows.count < keysMax || windows[key] != nil else { return false }
        windows[key] = Window(startedAt: now, count: 1)
        wasNeverUsed = false
        return true
    }

    /// A clock set back starts every window anew.
    private func isCurrent(_ window: Window, _ now: Int64) -> Bool {
        now >= window.startedAt && now < window.startedAt + windowSeconds
    }

    private mutating func makeRoom(_ now: Int64) {
        // Once a second at most where it may have to be done for every attempt.
        guard overflow == .forgetOthers || sweptAt != now else { return }
        sweptAt = now
        windows = windows.filter { isCurrent($0.value, now) }
        guard overflow == .forgetOthers, windows.count > keysMax - max(1, keysMax / 8) else {
            return
        }
        for key in windows.keys.prefix(max(1, keysMax / 8)) { windows[key] = nil }
    }
}
