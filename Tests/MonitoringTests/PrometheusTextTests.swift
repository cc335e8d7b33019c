import Monitoring
import Testing

@Suite("The text that Prometheus reads")
struct PrometheusTextTests {
    private func text(_ write: (inout PrometheusText) -> Void) -> String {
        var text = PrometheusText()
        write(&text)
        return String(decoding: text.bytes, as: UTF8.self)
    }

    @Test("A family is its help, its type and a line for each sample")
    func family() {
        var family = MetricFamily(.counter, "usher_messages_total", "Messages received.")
        family.add(3, ["action": "join-room"])
        family.add(4, ["action": "send-payload", "dialect": "v1"])
        let expected = """
            # HELP usher_messages_total Messages received.
            # TYPE usher_messages_total counter
            usher_messages_total{action="join-room"} 3
            usher_messages_total{action="send-payload",dialect="v1"} 4

            """
        #expect(text { $0.write(family) } == expected)
    }

    @Test("Quotes, backslashes and line breaks in labels are escaped, and a help keeps its quotes")
    func escapes() {
        var family = MetricFamily(.gauge, "usher_x", "A \"b\" \\ c\nd")
        family.add(1, ["reason": "a\"b\\c\nd"])
        let expected = #"""
            # HELP usher_x A "b" \\ c\nd
            # TYPE usher_x gauge
            usher_x{reason="a\"b\\c\nd"} 1

            """#
        #expect(text { $0.write(family) } == expected)
    }

    @Test("The buckets of a histogram are cumulative and end in +Inf")
    func histogram() {
        let histogram = MetricHistogram(
            "usher_latency_seconds", "Time.", bounds: [0.001, 0.01], counts: [5, 2, 1], sum: 0.0425)
        let expected = """
            # HELP usher_latency_seconds Time.
            # TYPE usher_latency_seconds histogram
            usher_latency_seconds_bucket{le="0.001"} 5
            usher_latency_seconds_bucket{le="0.01"} 7
            usher_latency_seconds_bucket{le="+Inf"} 8
            usher_latency_seconds_sum 0.0425
            usher_latency_seconds_count 8

            """
        #expect(text { $0.write(histogram) } == expected)
    }

    @Test("Whole numbers are written without a fraction, others with theirs")
    func numbers() {
        var family = MetricFamily(.gauge, "usher_x", "X.")
        family.add(1_700_000_000)
        family.add(0.5)
        #expect(text { $0.write(family) }.hasSuffix("usher_x 1700000000\nusher_x 0.5\n"))
    }
}
