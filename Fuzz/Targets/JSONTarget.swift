import Bytes
import StrictJSON

extension FuzzTarget {
    static let json = FuzzTarget(
        check: fuzzJSON,
        work: { bytes in
            {
                _ = try? JSONValue.parse(bytes)
                var scanner = RawScanner(limits: JSONLimits(membersMax: 1024))
                try? scanner.scan(bytes.span)
            }
        },
        benign: {
            repeating(
                #""word","#, between: #"{"name":"value","list":["#, and: #""end"]}"#,
                count: $0.count)
        })
}

/// Both readers take the same objects and see the same members; writing and reading again
/// changes nothing.
func fuzzJSON(_ bytes: [UInt8]) {
    let value = try? JSONValue.parse(bytes)
    if let value {
        let written = value.serialized()
        let again = mustTake("what we write we read") { try JSONValue.parse(written) }
        require(again == value, "a value is the same after writing and reading")
        require(again.serialized() == written, "writing has one result")
    }
    var scanner = RawScanner(limits: JSONLimits(membersMax: 1024))
    do throws(JSONError) {
        try scanner.scan(bytes.span)
    } catch {
        let mayDiffer = error.kind == .tooManyMembers
        require(value?.object == nil || mayDiffer, "the scanner refused what the parser took")
        return
    }
    if let object = value?.object {
        compare(object, scanner, bytes, parent: -1)
    } else {
        checkRefusal(of: bytes, scanner)
    }
}

private func compare(_ object: JSONObject, _ scanner: RawScanner, _ bytes: [UInt8], parent: Int) {
    let found = scanner.members.indices.filter { scanner.members[$0].parent == parent }
    require(found.count == object.members.count, "both readers count the same members")
    for (index, member) in zip(found, object.members) {
        let raw = scanner.members[index]
        require(JSONText.unquote(bytes.span, raw.name) == member.name, "names agree")
        let value = mustTake("a member's range holds its value") {
            try JSONValue.parse(Array(bytes[raw.value]))
        }
        require(value == member.value, "values agree")
        if let text = member.value.string {
            let scanned = scanner.string(of: raw, in: bytes.span)
            require(scanned == text, "strings agree")
        }
        if parent < 0, let inner = member.value.object {
            compare(inner, scanner, bytes, parent: index)
        }
    }
}

/// The scanner passes over names below its two levels and counts members differently; anything
/// else that it takes, the parser takes.
private func checkRefusal(of bytes: [UInt8], _ scanner: RawScanner) {
    do throws(JSONError) {
        _ = try JSONValue.parse(bytes)
    } catch {
        switch error.kind {
        case .duplicateName:
            require(
                !scanner.members.contains { $0.name.lowerBound == error.offset + 1 },
                "the scanner let a name pass that the parser calls a second one")
        case .tooManyMembers: break
        default: fatalError("the scanner took what the parser refuses: \(error)")
        }
    }
}
