// What nodes of the next version may write, as a debug build can play it: so tests have nodes of
// two versions side by side, of which one can't read what the other writes. Behind what is written
// in any format but the first stand 8 bytes more, how many there are before them: whoever takes it
// for the first one finds bytes at its end, and whoever takes the first one for it lacks them.

#if DEBUG
    extension ByteWriter {
        /// Behind all else that is written in this format.
        package mutating func endImagined(_ format: UInt8) {
            if format > 1 { put(UInt64(bytes.count)) }
        }
    }

    extension ByteReader {
        /// The same, of bytes that begin at 0.
        package mutating func endImagined(_ format: UInt8) throws(Fault) {
            let end = fault
            guard format > 1 else { return }
            guard try number(UInt64.self) == UInt64(end.position) else { throw end }
        }
    }
#else
    extension ByteWriter {
        package mutating func endImagined(_ format: UInt8) {}
    }

    extension ByteReader {
        package mutating func endImagined(_ format: UInt8) throws(Fault) {}
    }
#endif
