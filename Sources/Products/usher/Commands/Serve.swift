import ArgumentParser

struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run the service: tokens over HTTP, signalling over WebSocket, on one port.",
        discussion: """
            Without a half, both run in one process. When both ports accept, one line of JSON on \
            stdout says where; logs go to stderr. SIGTERM and SIGINT stop it cleanly.

            Any setting may also come from the environment (--max-rooms is USHER_MAX_ROOMS) or \
            from the file that --config names (a JSON object whose members bear the flags' names). \
            Flags win over the environment, and this over the file. A limit of 0 means none.

            EXAMPLES
              usher serve
              usher serve --demo
              usher serve --listen 0.0.0.0:8080 --trusted-proxy 10.0.0.0/8 \
            --issuer https://meet.example
              usher serve auth   --data /var/lib/usher --issuer https://meet.example
              usher serve signal --data /var/lib/usher --issuer https://meet.example
              usher serve --registry service=usher --master-key-file /etc/usher/master.key \
            --issuer https://meet.example --cluster nats://10.0.0.1:4222 \
            --cluster nats://10.0.0.2:4222
            """)

    enum Half: String, ExpressibleByArgument, CaseIterable { case auth, signal }

    @Argument(
        help: "One half alone; the two share one --data on one host, or one --registry anywhere.")
    var half: Half?

    @OptionGroup(title: "PLACES") var places: SettingOptions<PlaceSettings>
    @OptionGroup(title: "PLACES") var file: ConfigurationOption
    @OptionGroup(title: "TOKENS AND ACCESS") var access: SettingOptions<AccessSettings>
    @OptionGroup(title: "STUN AND TURN") var ice: SettingOptions<ICESettings>
    @OptionGroup(title: "CLUSTER") var cluster: SettingOptions<ClusterSettings>
    @OptionGroup(title: "LIMITS") var limits: SettingOptions<LimitSettings>

    func run() throws {
        try report {
            let settings = try ServeSettings(
                half: half.flatMap { ServedHalf(rawValue: $0.rawValue) } ?? .both,
                Environment.settings(
                    places.flags, access.flags, ice.flags, cluster.flags,
                    limits.flags, file: file.config))
            try Site(settings).run()
        }
    }
}
