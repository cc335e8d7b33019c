package import Signalling

// What follows from what a node says to others, and from what they answer.
extension PayloadSource {
    /// What may be unanswered at one node; beyond, `send` refuses. It bounds what waits there, too.
    package struct Limits: Sendable {
        package var payloadsMax = 4096
        package var bytesMax = 8 << 20

        package init() {}
    }

    /// What goes over the line to a node, which may be this one.
    package struct Parcel: Equatable, Sendable {
        package let node: Incarnation
        package let payload: PayloadMail
    }

    /// What is to be done, in the order of the members.
    package struct Outcome: Equatable, Sendable {
        package struct Answer: Equatable, Sendable {
            package let ticket: UInt64
            /// It stands in the queue of its target, or of all who are still there.
            package let isKept: Bool

            package init(ticket: UInt64, isKept: Bool) {
                self.ticket = ticket
                self.isKept = isKept
            }
        }

        /// What goes over the lines; mostly one, which then takes no memory of its own.
        private(set) var firstParcel: Parcel?
        private(set) var otherParcels: [Parcel] = []
        package var parcels: [Parcel] { (firstParcel.map { [$0] } ?? []) + otherParcels }
        package var answers: [Answer] = []
        /// All is answered of these senders, as `awaitSettled` asked.
        package var settled: [ConnectionID] = []
        /// All is answered to these targets, as `awaitClear` asked.
        package var cleared: [ConnectionID] = []
        /// What `send` refused for want of room there may be sent again.
        package var hasRoom: [Incarnation] = []

        package init() {}

        mutating func append(_ parcel: Parcel) {
            if firstParcel == nil { firstParcel = parcel } else { otherParcels.append(parcel) }
        }
    }

    package enum Sent: Equatable, Sendable {
        case taken(Outcome)
        /// Too much is unanswered there: nothing was sent.
        case full(Incarnation)
    }
}
