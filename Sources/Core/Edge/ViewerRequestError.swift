package import StrictJSON

/// Why an event is no Lambda@Edge viewer-request event. Names members, never their values.
package enum ViewerRequestError: Error, Equatable, Sendable, CustomStringConvertible {
    case invalidJSON(JSONError)
    /// The member at `path` is missing or not what it must be.
    case invalidMember(path: String, expected: String)
    case tooLarge(path: String, bytesMax: Int)

    package var description: String {
        switch self {
        case .invalidJSON(let error): "the event is not JSON: \(error)"
        case .invalidMember(let path, let expected):
            "\(path) of the viewer-request event must be \(expected)"
        case .tooLarge(let path, let bytesMax):
            "\(path) of the viewer-request event is over \(bytesMax) bytes"
        }
    }
}
