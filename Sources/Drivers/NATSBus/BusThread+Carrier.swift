import Cluster

/// A connection to a server whose store gives no answers yet, as while a leader is elected: what
/// nodes say to one another goes over it, lest the others take this one for dead meanwhile.
struct Carrier {
    let line: NATSLine
    /// The attempt that made it has ended, and so does nothing with it any more.
    var isOurs = false
}

extension BusThread {
    mutating func carry(_ line: NATSLine) {
        carrier = Carrier(line: line)
        stuckSince = nil
        need(line.subscribe(subjects.heartbeats, for: .heartbeats))
        if let incarnation { need(listenOnLine(as: incarnation)) }
    }

    mutating func carried(_ arrival: Arrival) {
        switch arrival {
        case .frame(let bytes): events.append(.frame(bytes))
        case .heartbeat(let bytes): events.append(.heartbeat(bytes))
        case .closed: dropCarrier()
        case .answer, .watched, .leaving, .forbidden, .opened, .dialled: break
        }
    }

    /// The attempt that had this connection came to nothing.
    mutating func giveBack(_ line: NATSLine, after fault: NATSFault) {
        guard carrier?.line.number == line.number else { return Self.end(line) }
        carrier?.isOurs = true
        switch fault {
        case .notReady, .noJetStream, .full: break
        default: dropCarrier()
        }
    }

    mutating func dropCarrier() {
        guard let former = carrier else { return }
        carrier = nil
        // Else by the attempt, when it ends.
        if former.isOurs { Self.end(former.line) }
    }
}
