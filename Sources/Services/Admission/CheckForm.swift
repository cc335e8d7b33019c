internal import Bytes
internal import HTTPMessages
internal import Identifiers
internal import Signalling

/// The form of `POST /signal/check`, read as those of the token endpoint are: each member at most
/// once, an empty one counts as absent, an unknown one is ignored (RFC 6749 §3.2).
struct CheckForm {
    let token: ByteText?
    let client: ClientID?
    let room: RoomName?

    init(_ request: HTTPRequest) throws(AdmissionRefusal) {
        var found: [ByteText: ByteText] = [:]
        for (name, value) in try Self.members(of: request) {
            guard found.updateValue(value, forKey: name) == nil else {
                throw .invalidRequest("\(Self.printable(name)) occurs more than once")
            }
        }
        token = found["token"]
        client = found["client"].map { ClientID($0) }
        room = found["room"].map { RoomName($0) }
        guard room.map({ $0.utf8.count <= MessageReader.textBytesMax }) ?? true else {
            throw .invalidRequest("room must have at most \(MessageReader.textBytesMax) bytes")
        }
    }

    private static func members(
        of request: HTTPRequest
    ) throws(AdmissionRefusal) -> [(name: ByteText, value: ByteText)] {
        do throws(PostedFormError) {
            return try PostedForm(request, secrets: ["token"]).members
        } catch {
            if case .tooLarge(let bytesMax) = error { throw .tooLarge(bytesMax: bytesMax) }
            throw .invalidRequest(error.text)
        }
    }

    /// A name as it may stand in an error text: those that are read, and what is as plain.
    private static func printable(_ name: ByteText) -> String {
        name.utf8.count <= 64 && FieldGrammar.isToken(name) ? name.string : "a member"
    }
}
