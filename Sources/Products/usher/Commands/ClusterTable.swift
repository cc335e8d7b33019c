import Bytes
import StrictJSON

/// The nodes of a cluster, for people.
struct ClusterTable {
    /// As `GET /cluster` has them.
    let nodes: [JSONObject]

    private static let head = [
        "node", "state", "version", "reads", "connections", "sessions", "rooms", "behind",
        "silent", "nats", "incarnation",
    ]

    var lines: [String] { TextTable(rows: [Self.head] + nodes.map(Self.row)).lines }

    /// Those for whose sake rooms are not in a newer format, which others read.
    func whoHoldsBack(_ format: Int64) -> String? {
        let living = nodes.filter { $0["state"]?.string == "alive" }
        let reads = living.map { $0["reads"]?.int64 ?? 0 }
        guard format > 0, reads.contains(where: { $0 > format }) else { return nil }
        // Of one that was not heard that is not known.
        let names = living.filter { (1...format).contains($0["reads"]?.int64 ?? 0) }
        return names.isEmpty
            ? nil : names.map { Printable.text($0["name"]) }.joined(separator: ", ")
    }

    private static func row(_ node: JSONObject) -> [String] {
        func count(_ name: ByteText) -> Int64 { node[name]?.int64 ?? 0 }
        let silence = count("silentMilliseconds")
        let reads = count("reads")
        return [
            Printable.text(node["name"]), state(node), Printable.text(node["version"]),
            reads > 0 ? "\(reads)" : "", "\(count("connections"))", "\(count("sessions"))",
            "\(count("rooms"))", behind(node), silence < 1000 ? "" : "\(silence / 1000) s",
            Printable.text(node["natsServer"]), Printable.text(node["incarnation"]),
        ]
    }

    /// How it is as it says itself, as long as it lives.
    private static func state(_ node: JSONObject) -> String {
        guard node["state"]?.string == "alive" else { return Printable.text(node["state"]) }
        if node["draining"]?.bool == true { return "draining" }
        return switch node["standing"]?.string {
        case "joining"?: "joining"
        case "cut_off"?: "cut off"
        case "lost"?: "lost"
        default: "alive"
        }
    }

    /// What it is sent and has not answered, and for how long.
    private static func behind(_ node: JSONObject) -> String {
        guard let mails = node["mailsWaiting"]?.int64, mails > 0 else { return "" }
        let tenths = (node["oldestMilliseconds"]?.int64 ?? 0) / 100
        return tenths == 0 ? "\(mails)" : "\(mails), \(tenths / 10).\(tenths % 10) s"
    }
}

/// The servers of NATS and the bucket, for people.
struct NATSLines {
    /// As `GET /cluster` has them.
    let nats: JSONObject

    var lines: [String] {
        let servers = (nats["servers"]?.array ?? []).compactMap(\.object)
        var lines = servers.filter { $0["connected"]?.bool != true }.map { other in
            "      \(Printable.text(other["url"])), \(Self.answer(other))"
        }
        lines.insert("NATS: \(own)", at: 0)
        if nats["leader"]?.string != nil {
            lines.append("bucket: led by \(Printable.text(nats["leader"]))\(followers)")
        }
        return lines
    }

    private var own: String {
        guard nats["server"]?.string != nil else { return "not connected" }
        let wait = nats["answerMilliseconds"]?.int64.map { ", answers in \($0) ms" } ?? ""
        let (server, version) = (Printable.text(nats["server"]), Printable.text(nats["version"]))
        return "\(server), nats-server \(version)\(wait)"
    }

    private static func answer(_ server: JSONObject) -> String {
        if let version = server["version"]?.string {
            return "nats-server \(Printable.text(version.string))"
        }
        let trouble = server["trouble"]?.string
        return trouble.map { "says nothing (\(Printable.text($0.string)))" } ?? "not asked yet"
    }

    private var followers: String {
        (nats["replicas"]?.array ?? []).compactMap(\.object).map { replica in
            let lag = replica["lag"]?.int64 ?? 0
            let state = replica["current"]?.bool == true ? "current" : "\(lag) writes behind"
            return ", \(Printable.text(replica["name"])) \(state)"
        }.joined()
    }
}
