import Bytes
import StrictJSON

/// Writes the value of a claim that is a list.
package enum ClaimList {
    /// Appends a JSON array of strings.
    package static func append(_ values: some Sequence<String>, to json: inout [UInt8]) {
        json.append(UInt8(ascii: "["))
        var isFirst = true
        for value in values {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            JSONText.appendQuoted(value, to: &json)
            isFirst = false
        }
        json.append(UInt8(ascii: "]"))
    }
}
