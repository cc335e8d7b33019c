/// How a node reaches the bus of its cluster.
package struct NATSConfiguration: Sendable {
    /// Of one cluster; others of it are learned from them.
    package let servers: [NATSServer]
    package let cluster: ClusterName
    /// By which the servers name the connection.
    package let nodeName: String
    /// Read at each connection; nil where the servers want no credentials.
    package var credentialsFile: String?
    /// Whether the group may read that, as where Kubernetes mounts it.
    package var allowsGroup = false
    /// The authorities that sign the servers' certificates; nil for those that the system trusts.
    package var authorityFile: String?
    /// How many servers keep the bucket, where it has to be made: 1 to 5. Nil for 3 where the
    /// servers are a cluster, as many as there are where these are two, and 1 where there is one
    /// alone.
    package var replicas: Int?

    /// - Parameters:
    ///   - servers: At least one.
    ///   - cluster: Of the relays, not of the servers.
    ///   - nodeName: Text for people.
    package init(servers: [NATSServer], cluster: ClusterName, nodeName: String) {
        precondition(!servers.isEmpty, "a bus has a server")
        self.servers = servers
        self.cluster = cluster
        self.nodeName = nodeName
    }

    /// How many are to keep it, as far as one of the servers tells.
    func replicas(_ greeting: ServerGreeting) -> Int {
        if let replicas { return replicas }
        guard greeting.isCluster else { return 1 }
        // A server need not name the others, and one that is down now is named here.
        return max(servers.count, greeting.others.count) == 2 ? 2 : 3
    }

    /// - Throws: What is wrong with the credentials' file or that of the authorities.
    package func check() throws(NATSFault) {
        _ = try NATSCredentials.read(credentialsFile, allowsGroup: allowsGroup)
        if let authorityFile { try NATSLine.checkAuthorities(authorityFile) }
    }
}
