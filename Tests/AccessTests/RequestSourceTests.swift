import Bytes
import HTTPMessages
import Testing

@testable import Access

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

    @Test(
        "What is wrong with Origin is told, whatever Sec-Fetch-Site says",
        arguments: [
            (["https://app.example"], nil), ([], .missing), (["null"], .notAllowed),
            (["https://evil.example"], .notAllowed),
            (["https://app.example", "https://app.example"], .repeated),
        ] as [([ByteText], RequestSource.OriginFault?)])
    func originFault(origins: [ByteText], fault: RequestSource.OriginFault?) {
        var headers = HeaderFields([("Sec-Fetch-Site", "same-origin")])
        for origin in origins { headers.add("Origin", origin) }
        let found = RequestSource.originFault(headers, allowed: ["https://app.example"])
        #expect(found == fault)
    }
}
