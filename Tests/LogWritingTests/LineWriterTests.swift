import Glibc
import LogWriting
import Monitoring
import Testing

@Suite("Lines written for threads that must not wait")
struct LineWriterTests {
    /// Both ends of a pipe; `read` takes what is there.
    private struct Pipe: ~Copyable {
        let reader: Int32
        let writer: Int32

        init() {
            signal(SIGPIPE, SIG_IGN)
            var ends: [Int32] = [0, 0]
            unsafe pipe(&ends)
            (reader, writer) = (ends[0], ends[1])
        }

        /// Reads until `end` has come, or nothing for a minute: whoever writes waits for a thread.
        func read(until end: String) -> String { read { $0.hasSuffix(end) } }

        /// Reads until `isWhole` of all that came, or nothing came for a minute.
        func read(_ isWhole: (String) -> Bool) -> String {
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            var ready = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
            while !isWhole(String(decoding: bytes, as: UTF8.self)),
                unsafe poll(&ready, 1, 60_000) > 0
            {
                let count = unsafe Glibc.read(reader, &buffer, buffer.count)
                guard count > 0 else { break }
                bytes += buffer.prefix(count)
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private func gapLine(_ count: Int) -> [UInt8] { Array("missing \(count)\n".utf8) }

    @Test("A pipe that nobody reads holds nobody up; what it missed is told once it is read")
    func unreadPipe() {
        let pipe = Pipe()
        let queue = LineQueue(linesMax: 100, bytesMax: 1 << 20)
        let writer = LineWriter(descriptor: pipe.writer, queue: queue, gapLine: gapLine)
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        for _ in 0..<5000 { writer.append(line) }  // A pipe holds 64 KiB.
        let dropped = writer.droppedCount
        #expect(dropped > 4000)
        // The writer may have found the time to make room, and so tell more than once.
        func told(_ text: String) -> Int {
            text.split(separator: "\n").compactMap { line in
                line.hasPrefix("missing ") ? Int(line.dropFirst("missing ".count)) : nil
            }.reduce(0, +)
        }
        func written(_ text: String) -> Int {
            text.split(separator: "\n").count { $0.hasPrefix("x") }
        }
        // What was appended once there was room again comes after the gap.
        let text = pipe.read { $0.hasSuffix("\n") && told($0) + written($0) >= 5000 }
        #expect(told(text) == dropped)
        #expect(written(text) == 5000 - dropped)
        writer.append(Array("after\n".utf8))
        #expect(pipe.read(until: "after\n") == "after\n")
    }

    @Test("A descriptor that cannot be written to ends nothing, and a stop does not wait for it")
    func badDescriptors() {
        let full = unsafe open("/dev/full", O_WRONLY | O_CLOEXEC)
        let pipe = Pipe()
        close(pipe.reader)
        for descriptor in [full, pipe.writer, 1_000_000] {
            let writer = LineWriter(
                descriptor: descriptor, queue: LineQueue(linesMax: 10, bytesMax: 1000),
                gapLine: gapLine)
            for number in 0..<1000 { writer.append(Array("\(number)\n".utf8)) }
            #expect(writer.droppedCount > 0)
            writer.stop(withinSeconds: 30)
        }
    }

    @Test("A stop writes what waits first")
    func stop() {
        let pipe = Pipe()
        let writer = LineWriter(descriptor: pipe.writer)
        for number in 0..<1000 { writer.append(Array("\(number)\n".utf8)) }
        writer.stop(withinSeconds: 30)
        close(pipe.writer)
        #expect(pipe.read(until: "\n999\n").split(separator: "\n").count == 1000)
    }

    @Test("A descriptor that does not block gets everything too")
    func nonblocking() {
        let pipe = Pipe()
        _ = fcntl(pipe.writer, F_SETFL, O_NONBLOCK)
        let writer = LineWriter(descriptor: pipe.writer)
        for number in 0..<5000 { writer.append(Array("\(number) and some more text\n".utf8)) }
        let text = pipe.read(until: "4999 and some more text\n")
        #expect(text.split(separator: "\n").count == 5000)
        #expect(writer.droppedCount == 0)
    }
}
