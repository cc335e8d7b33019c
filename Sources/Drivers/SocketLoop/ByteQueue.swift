import Glibc

/// A growable queue of bytes that owns its storage and has none while nothing was ever put in.
///
/// 24 bytes, so that a connection can afford several. Out of memory and over `bytesMax` it refuses
/// more instead of trapping. Once large and three quarters empty it gives memory back, so that who
/// counts what it holds knows what it costs.
///
/// `@unchecked Sendable`: the storage has one owner, since the queue is never copied.
@safe struct ByteQueue: ~Copyable, @unchecked Sendable {
    static let bytesMax = Int(Int32.max)
    private static let capacityMin = 4096

    private var base: UnsafeMutableRawPointer?
    private var allocated: UInt32 = 0
    private var head: UInt32 = 0
    private var tail: UInt32 = 0

    init() { unsafe base = nil }

    deinit { unsafe free(base) }

    var count: Int { Int(tail &- head) }
    var isEmpty: Bool { tail == head }
    var capacity: Int { Int(allocated) }

    /// The first byte; valid until the next call that is not a reading one. Nil without storage.
    var start: UnsafeMutableRawPointer? { unsafe base.map { unsafe $0 + Int(head) } }

    /// Room for `count` more bytes, which count as put in; nil if there is none to be had.
    mutating func extend(_ count: Int) -> UnsafeMutableRawPointer? {
        if Int(tail) &+ count > capacity {
            guard grow(count) else { return nil }
        }
        defer { tail &+= UInt32(truncatingIfNeeded: count) }
        return unsafe base.map { unsafe $0 + Int(tail) }
    }

    /// Puts bytes in; false if there is no room to be had.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let source = bytes.baseAddress, bytes.count > 0 else { return true }
        guard let room = unsafe extend(bytes.count) else { return false }
        unsafe room.copyMemory(from: source, byteCount: bytes.count)
        return true
    }

    mutating func append(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withUnsafeBytes { unsafe append($0) }
    }

    /// A copy of all there is.
    var bytes: [UInt8] {
        guard let start = unsafe start else { return [] }
        return unsafe Array(UnsafeRawBufferPointer(start: start, count: count))
    }

    /// Takes bytes off the front.
    mutating func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count, "more bytes consumed than there are")
        head &+= UInt32(count)
        if head == tail { (head, tail) = (0, 0) }
        shrinkIfSparse()
    }

    /// Takes bytes off the back.
    mutating func shorten(toFirst count: Int) {
        precondition(count >= 0 && count <= self.count, "longer than before")
        tail = head &+ UInt32(count)
        if head == tail { (head, tail) = (0, 0) }
        shrinkIfSparse()
    }

    /// Keeps the storage, whatever its size.
    mutating func removeAll() { (head, tail) = (0, 0) }

    @inline(never) private mutating func grow(_ more: Int) -> Bool {
        let needed = count + more
        guard needed <= Self.bytesMax else { return false }
        if needed <= capacity, head >= allocated / 2 {
            moveToFront()
            return true
        }
        var wanted = max(capacity, Self.capacityMin)
        while wanted < Int(tail) + more { wanted *= 2 }
        guard wanted <= Int(UInt32.max), let moved = unsafe realloc(base, wanted) else {
            return false
        }
        unsafe base = moved
        allocated = UInt32(wanted)
        return true
    }

    private mutating func shrinkIfSparse() {
        guard allocated > UInt32(SpareBuffers.capacityMax), count < capacity / 4 else { return }
        shrink()
    }

    /// Moves less than a quarter of what was taken off or never came, so that it costs little.
    @inline(never) private mutating func shrink() {
        var wanted = Self.capacityMin
        while wanted < count { wanted *= 2 }
        guard let start = unsafe start, let fresh = unsafe malloc(wanted) else { return }
        unsafe fresh.copyMemory(from: start, byteCount: count)
        unsafe free(base)
        unsafe base = fresh
        (allocated, head, tail) = (UInt32(wanted), 0, UInt32(count))
    }

    private mutating func moveToFront() {
        guard let base = unsafe base else { return }
        unsafe base.copyMemory(from: base + Int(head), byteCount: count)
        (head, tail) = (0, UInt32(count))
    }
}

/// Buffers wait here while no connection needs them, so that a busy loop allocates nothing.
struct SpareBuffers: ~Copyable {
    /// Larger ones are freed: one large message must not cost memory for ever.
    static let capacityMax = 65_536
    private static let countMax = 64

    private var buffers = UniqueStack()

    mutating func take() -> ByteQueue { buffers.pop() }

    mutating func give(_ buffer: consuming ByteQueue) {
        guard buffer.capacity > 0, buffer.capacity <= Self.capacityMax,
            buffers.count < Self.countMax
        else { return }
        buffer.removeAll()
        buffers.push(buffer)
    }

    /// A fixed stack of noncopyable buffers, which `Array` can't hold.
    @safe private struct UniqueStack: ~Copyable {
        private let slots: UnsafeMutablePointer<ByteQueue>
        private(set) var count = 0

        init() { unsafe slots = .allocate(capacity: SpareBuffers.countMax) }

        deinit {
            unsafe slots.deinitialize(count: count)
            unsafe slots.deallocate()
        }

        mutating func push(_ buffer: consuming ByteQueue) {
            precondition(count < SpareBuffers.countMax, "the stack is full")
            unsafe (slots + count).initialize(to: buffer)
            count += 1
        }

        mutating func pop() -> ByteQueue {
            guard count > 0 else { return ByteQueue() }
            count -= 1
            return unsafe (slots + count).move()
        }
    }
}
