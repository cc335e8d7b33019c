/// Why bytes from a server are taken for no answer.
package enum AnswerFault: String, Error, CaseIterable, Sendable, CustomStringConvertible {
    case statusLine = "status_line"
    case field
    case newline
    case headTooLarge = "head_too_large"
    case tooManyFields = "too_many_fields"
    case upgrade
    case length
    case lengthAndCoding = "length_and_coding"
    case coding
    case bodyTooLarge = "body_too_large"
    case chunkSize = "chunk_size"
    case chunkExtension = "chunk_extension"
    case chunkEnd = "chunk_end"

    package var description: String {
        switch self {
        case .statusLine: "does not begin as HTTP/1.1 does: check that this port speaks it"
        case .field: "has a header field that is none"
        case .newline: "has a line that does not end in CR LF"
        case .headTooLarge: "has too large a header"
        case .tooManyFields: "has too many header fields"
        case .upgrade: "switches to a protocol that nobody asked for"
        case .length: "has a Content-Length that is no number, or several"
        case .lengthAndCoding: "has both Content-Length and Transfer-Encoding"
        case .coding: "has a Transfer-Encoding other than chunked"
        case .bodyTooLarge: "has too large a body"
        case .chunkSize: "has a chunk whose size is no number"
        case .chunkExtension: "has chunk extensions that are none, or too large"
        case .chunkEnd: "has a chunk that is longer than it says"
        }
    }
}

/// What a client takes of an answer.
package struct AnswerLimits: Sendable {
    /// Of all that is not body: heads, those of 1xx too, trailers and chunk extensions.
    package var headBytesMax = 32_768
    /// Trailers among them.
    package var fieldsMax = 128
    package var bodyBytesMax = 8 << 20

    package init() {}
}
