/// How long connections may last, and what is kept for those that were lost; 0 means no limit.
struct ConversationLimits: Equatable, Sendable {
    /// Ages at which connections are closed.
    let ageSeconds: Int
    let v1AgeSeconds: Int
    let firstMessageSeconds: Int
    /// How long a v1 session waits for its client; 0 ends it at once.
    let resumeGraceSeconds: Int
    /// What is kept of each session.
    let resumeEvents: Int
    let resumeBytes: Int

    /// - Throws: `SettingError` for the first setting that is not what it must be.
    init(_ values: SettingValues) throws(SettingError) {
        let seconds = 0...31_536_000
        ageSeconds = try values.integer(.maxConnectionAgeSeconds, default: 7200, in: seconds)
        v1AgeSeconds = try values.integer(.maxV1ConnectionAgeSeconds, default: 86_400, in: seconds)
        firstMessageSeconds = try values.integer(.firstMessageSeconds, default: 60, in: seconds)
        resumeGraceSeconds = try values.integer(.resumeGraceSeconds, default: 30, in: 0...3600)
        resumeEvents = try values.integer(.resumeEvents, default: 256, in: 0...1_000_000)
        resumeBytes = try values.integer(.resumeBytes, default: 256 << 10, in: 0...(1 << 30))
    }
}
