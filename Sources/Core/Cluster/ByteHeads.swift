import Bytes
import Sessions

/// Why bytes are nothing that a node of this version wrote. The raw value is a stable code for the
/// log.
package enum WireFault: String, Error, Equatable {
    case unknownFormat = "unknown_format"
    case tooLong = "too_long"
    case malformed
}

/// How all begins that nodes write for one another: two letters and a format.
struct ByteHead {
    let letters: (UInt8, UInt8)
    let format: UInt8
    /// Of all the bytes.
    let bytesMax: Int

    static let count = 3

    func write(to out: inout ByteWriter) {
        out.put(letters.0)
        out.put(letters.1)
        out.put(format)
    }

    /// Reads what is behind the head, to its end.
    func read<Value>(
        _ bytes: [UInt8],
        _ body: (inout ByteReader) throws(ByteReader.Fault) -> Value
    ) throws(WireFault) -> Value {
        guard bytes.count <= bytesMax else { throw .tooLong }
        guard bytes.count >= Self.count, bytes[0] == letters.0, bytes[1] == letters.1 else {
            throw .malformed
        }
        guard bytes[2] == format else { throw .unknownFormat }
        var input = ByteReader(bytes[Self.count...])
        do throws(ByteReader.Fault) {
            let value = try body(&input)
            guard input.isAtEnd else { throw input.fault }
            return value
        } catch {
            throw .malformed
        }
    }
}

extension ByteWriter {
    mutating func put(_ digest: RoomDigest) {
        put(digest.words.0, digest.words.1, digest.words.2, digest.words.3)
    }

    mutating func put(_ epoch: BucketEpoch) {
        put(epoch.createdAt)
        put(epoch.nonce)
    }

    mutating func put(_ flag: Bool) { put(UInt8(flag ? 1 : 0)) }
}

extension ByteReader {
    mutating func digest() throws(Fault) -> RoomDigest {
        RoomDigest(try numbers())
    }

    mutating func epoch() throws(Fault) -> BucketEpoch {
        BucketEpoch(createdAt: try number(), nonce: try number())
    }

    mutating func flag() throws(Fault) -> Bool {
        let flag: UInt8 = try number()
        guard flag <= 1 else { throw fault }
        return flag == 1
    }

    mutating func byteText() throws(Fault) -> ByteText { ByteText(try text()) }
}
