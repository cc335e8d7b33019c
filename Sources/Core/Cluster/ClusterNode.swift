package import Identifiers

/// One node of a cluster: which nodes live, the rooms that its members are in, and the lines to
/// other nodes. A value, which meets neither clock nor bus: each `Input` is answered with
/// `Effects`, to be performed in order.
package struct ClusterNode: Sendable {
    package struct Configuration: Equatable, Sendable {
        /// For people, and one at a time.
        package var nodeName: String
        /// What all nodes have to have alike, by the setting's name.
        package var alike: [(setting: String, value: String)]
        /// 0 means no limit.
        package var membersPerRoomMax: Int

        package init(
            nodeName: String, alike: [(setting: String, value: String)], membersPerRoomMax: Int
        ) {
            self.nodeName = nodeName
            self.alike = alike
            self.membersPerRoomMax = membersPerRoomMax
        }

        package static func == (one: Self, other: Self) -> Bool {
            one.nodeName == other.nodeName && one.membersPerRoomMax == other.membersPerRoomMax
                && one.alike.elementsEqual(other.alike, by: ==)
        }
    }

    package let configuration: Configuration
    package private(set) var incarnation: Incarnation

    package init(_ configuration: Configuration, _ incarnation: Incarnation) {
        self.configuration = configuration
        self.incarnation = incarnation
    }

    package mutating func handle(_ input: Input) -> [Effect] { [] }
}
