import Testing

@testable import Access

@Suite struct TokenBucketTests {
    @Test("A burst passes at once, then so many a second")
    func burstThenRate() throws {
        let rate = try #require(TokenBucket.Rate(perSecond: 2, burst: 3))
        var bucket = TokenBucket(rate, at: 1000)
        for _ in 0..<3 { #expect(bucket.take(rate, at: 1000) == nil) }
        #expect(bucket.take(rate, at: 1000) == 1)
        #expect(bucket.take(rate, at: 1499) == 1)
        #expect(bucket.take(rate, at: 1500) == nil)
        #expect(bucket.take(rate, at: 1500) == 1)
    }

    @Test("It never holds more than its burst, and is full again after burst / rate")
    func fills() throws {
        let rate = try #require(TokenBucket.Rate(perSecond: 2, burst: 4))
        var bucket = TokenBucket(rate, at: 0)
        for _ in 0..<4 { _ = bucket.take(rate, at: 0) }
        #expect(!bucket.isFull(rate, at: 1999))
        #expect(bucket.isFull(rate, at: 2000))
        for _ in 0..<4 { #expect(bucket.take(rate, at: 1_000_000) == nil) }
        #expect(bucket.take(rate, at: 1_000_000) == 1)
    }

    @Test("A clock that stands still or goes back gives nothing")
    func clockBack() throws {
        let rate = try #require(TokenBucket.Rate(perSecond: 1000, burst: 1))
        var bucket = TokenBucket(rate, at: 5000)
        #expect(bucket.take(rate, at: 5000) == nil)
        #expect(bucket.take(rate, at: 1000) == 1)
        #expect(bucket.take(rate, at: 5000) == 1)
    }

    @Test("A clock that was set back by more than a minute is followed from then on")
    func clockSetBack() throws {
        let rate = try #require(TokenBucket.Rate(perSecond: 1, burst: 2))
        var bucket = TokenBucket(rate, at: 3_600_000)
        for _ in 0..<2 { #expect(bucket.take(rate, at: 3_600_000) == nil) }
        #expect(bucket.take(rate, at: 3_540_000) == 1)
        #expect(bucket.take(rate, at: 3_541_000) == 1)
        #expect(bucket.take(rate, at: 1000) == 1)
        #expect(bucket.take(rate, at: 2000) == nil)
        #expect(bucket.take(rate, at: 2000) == 1)
    }

    @Test("Either value 0 means no limit")
    func none() {
        #expect(TokenBucket.Rate(perSecond: 0, burst: 4) == nil)
        #expect(TokenBucket.Rate(perSecond: 4, burst: 0) == nil)
    }

    @Test("One slow token a second: the wait is told in whole seconds")
    func slow() throws {
        let rate = try #require(TokenBucket.Rate(perSecond: 1, burst: 1))
        var bucket = TokenBucket(rate, at: 0)
        _ = bucket.take(rate, at: 0)
        #expect(bucket.take(rate, at: 1) == 1)
        #expect(bucket.take(rate, at: 999) == 1)
        #expect(bucket.take(rate, at: 1000) == nil)
    }
}
