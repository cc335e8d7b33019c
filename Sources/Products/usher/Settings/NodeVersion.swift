import Cluster

/// What nodes of one version of this program have alike, as far as another may differ in it.
struct NodeVersion {
    /// For people.
    var text = usherVersion
    /// The newest format that it reads.
    var reads = RoomDocument.format
    var timing = Timing()

    #if DEBUG
        /// A debug build plays the next one, where a test wants that.
        static var own: NodeVersion {
            var version = NodeVersion()
            let wish = Environment.variables["USHER_IMAGINED_NEXT"] ?? ""
            guard !wish.isEmpty else { return version }
            version.text += "+next"
            version.reads += 1
            version.timing.raiseAfter = 3000
            return version
        }
    #else
        static let own = NodeVersion()
    #endif
}
