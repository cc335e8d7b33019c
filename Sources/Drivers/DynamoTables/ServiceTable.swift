package import AWSServices
package import Bytes
import HTTPClient

extension DynamoTable {
    /// - Parameters:
    ///   - name: Of the table.
    ///   - service: DynamoDB, with the deadline of whatever is worked on.
    package init(_ name: ByteText, in service: AWSService) {
        self.init(
            name,
            call: { (operation, body, isRepeatable) throws(HTTPClientError) in
                try service.call(operation, body, isRepeatable: isRepeatable)
            },
            pauses: {
                var pauses = service.pauses()
                return { pauses.wait() }
            })
    }
}
