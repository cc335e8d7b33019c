import Foundation
import Glibc
import Monitoring

/// What the kernel says of this process, under the names that every exporter uses.
enum ProcessMetrics {
    @Sendable static func families() -> [MetricFamily] {
        var cpu = MetricFamily(
            .counter, "process_cpu_seconds_total", "CPU time used, user and system.")
        cpu.add(cpuSeconds)
        var families = [cpu]
        if let pages = residentPages {
            families.append(
                MetricFamily(
                    .gauge, "process_resident_memory_bytes", "Memory in RAM.",
                    pages * Int(getpagesize())))
        }
        if let open = openFiles {
            families.append(
                MetricFamily(.gauge, "process_open_fds", "Open file descriptors.", open))
        }
        var limit = rlimit()
        if unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            families.append(
                MetricFamily(
                    .gauge, "process_max_fds", "Most file descriptors that may be open.",
                    Int(clamping: limit.rlim_cur)))
        }
        return families
    }

    private static var cpuSeconds: Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// The second number of `/proc/self/statm`.
    private static var residentPages: Int? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else {
            return nil
        }
        let words = text.split(separator: " ")
        return words.count > 1 ? Int(words[1]) : nil
    }

    private static var openFiles: Int? {
        // The one that lists them is open too.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map {
            max($0.count - 1, 0)
        }
    }
}
