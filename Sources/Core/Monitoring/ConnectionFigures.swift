/// What a server's door has seen since the start, but for `open`.
package struct ConnectionFigures: Equatable, Sendable {
    /// Connections that are open now; upgraded ones are none.
    package var open = 0
    /// Closed at once, since their address held as many as one may.
    package var overAddressLimit = 0
    /// Closed at once, since all places were taken, and their address held as many as any other.
    package var overTotalLimit = 0
    /// Ended for somebody who held fewer, or for want of descriptors.
    package var gaveWay = 0
    /// How often somebody could not be let in for want of descriptors.
    package var withoutDescriptor = 0

    package init() {}
}
