import Files
import Glibc
import Testing

@Suite struct FileBytesTests {
    @Test("What is read ends with the file, or at the limit, however it arrives")
    func read() throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        #expect(FileBytes.write(Array("0123".utf8)[...], to: ends[1]) == 0)
        #expect(FileBytes.write(Array("456789".utf8)[2...], to: ends[1]) == 0)
        close(ends[1])
        #expect(FileBytes.read(ends[0], bytesMax: 6) == (Array("012367".utf8), 0))
        #expect(FileBytes.read(ends[0], bytesMax: 100) == (Array("89".utf8), 0))
        #expect(FileBytes.read(ends[0], bytesMax: 100) == ([], 0))
        close(ends[0])
    }

    @Test("Who writes to a pipe that is full waits until there is room, and none is lost")
    func fullPipe() async throws {
        var ends: [Int32] = [0, 0]
        try #require(unsafe pipe(&ends) == 0)
        for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let (reading, writing) = (ends[0], ends[1])
        let writer = Task.detached {
            defer { close(writing) }
            return FileBytes.write(bytes[...], to: writing)
        }
        var read: [UInt8] = []
        while true {
            var some = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
            unsafe poll(&some, 1, -1)
            let (part, failure) = FileBytes.read(reading, bytesMax: 10_000)
            guard failure == 0 || failure == EAGAIN, !part.isEmpty else { break }
            read += part
        }
        close(reading)
        #expect(await writer.value == 0)
        #expect(read == bytes)
    }

    @Test("What the kernel refuses is told by its number")
    func refused() {
        #expect(FileBytes.read(-1, bytesMax: 6) == ([], EBADF))
        #expect(FileBytes.write([1], to: -1) == EBADF)
        let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        #expect(FileBytes.write([1], to: full) == ENOSPC)
        close(full)
        #expect(FileFailure(errorNumber: ENOSPC).description == "No space left on device")
    }
}
