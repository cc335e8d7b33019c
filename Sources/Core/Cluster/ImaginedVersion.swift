// What nodes of the next version may say besides, as a debug build can play it (`ImaginedFormat`):
// those do that read more than there is.

#if DEBUG
    extension NodeKeys {
        /// Behind what is said in its key, in its heartbeats, and with sessions.
        var more: [UInt8] {
            reads > RoomDocument.format ? Array(repeating: reads, count: 40) : []
        }
    }

    extension ClusterNode {
        /// In front of each version of a room.
        mutating func sayMore(to other: Incarnation) {
            guard configuration.reads > RoomDocument.format,
                let mail = LaterMail(kind: 200, keys.more)
            else { return }
            push(.later(mail), to: other)
        }
    }
#else
    extension NodeKeys {
        var more: [UInt8] { [] }
    }

    extension ClusterNode {
        mutating func sayMore(to other: Incarnation) {}
    }
#endif
