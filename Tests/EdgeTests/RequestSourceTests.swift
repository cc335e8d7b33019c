import Bytes
import HTTPMessages
import Testing

@testable import Edge

@Suite struct RequestSourceTests {
    @Test(
        "Only the asked origin's own pages and those that are listed may lean on a cookie",
        arguments: [
            ([("Sec-Fetch-Site", "same-origin")], true),
            ([("Sec-Fetch-Site", "same-origin"), ("Origin", "https://other.example")], true),
            ([("Origin", "https://app.example")], true),
            ([("Origin", "https://app.example"), ("Sec-Fetch-Site", "same-site")], true),
            ([], false), ([("Origin", "null")], false), ([("Origin", "")], false),
            ([("Origin", "http://app.example")], false),
            ([("Origin", "https://app.example:8443")], false),
            ([("Origin", "https://app.example, https://app.example")], false),
            ([("Origin", "https://app.example"), ("Origin", "https://evil.example")], false),
            ([("Sec-Fetch-Site", "Same-Origin")], false),
            ([("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Site", "same-origin")], false),
        ])
    func isOwn(fields: [(String, String)], isOwn: Bool) {
        let headers = HeaderFields(fields.map { (ByteText($0), ByteText($1)) })
        #expect(RequestSource.isOwn(headers, allowed: ["https://app.example"]) == isOwn)
    }
}
