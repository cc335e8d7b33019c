/// Headers of the frames a server sends: one frame a message, never masked (RFC 6455 §5.1).
package struct ServerFrame: Equatable, Sendable {
    /// The header's bytes, first byte lowest; only `headerLength` of them count.
    package let headerBytes: (low: UInt64, high: UInt16)
    /// 2, 4 or 10.
    package let headerLength: Int
    package static let headerLengthMax = 10

    package init(_ opcode: FrameHeader.Opcode, payloadLength: Int) {
        precondition(payloadLength >= 0, "a payload has no negative length")
        let first = UInt64(0x80 | opcode.rawValue)
        if payloadLength < 126 {
            headerBytes = (first | UInt64(payloadLength) << 8, 0)
            headerLength = 2
        } else if payloadLength <= 0xffff {
            let length = UInt64(UInt16(payloadLength).byteSwapped)
            headerBytes = (first | 126 << 8 | length << 16, 0)
            headerLength = 4
        } else {
            let length = UInt64(payloadLength).byteSwapped
            headerBytes = (
                first | 127 << 8 | length << 16, UInt16(truncatingIfNeeded: length >> 48)
            )
            headerLength = 10
        }
    }

    /// The length of a whole server frame, read from its first bytes: at least its header.
    package static func totalLength(startingWith bytes: Span<UInt8>) -> Int {
        switch bytes[1] {
        case 126: return 4 + (Int(bytes[2]) << 8 | Int(bytes[3]))
        case 127:
            var length = 0
            for index in 2..<10 { length = length << 8 | Int(bytes[index]) }
            return 10 + length
        default: return 2 + Int(bytes[1])
        }
    }

    /// The header as an array, for those who are in no hurry.
    package var header: [UInt8] {
        (0..<headerLength).map { index in
            guard index < 8 else {
                return UInt8(truncatingIfNeeded: headerBytes.high >> (8 * (index - 8)))
            }
            return UInt8(truncatingIfNeeded: headerBytes.low >> (8 * index))
        }
    }

    package static func == (left: ServerFrame, right: ServerFrame) -> Bool {
        left.headerBytes == right.headerBytes && left.headerLength == right.headerLength
    }
}
