import AWSRequests
import Bytes
import TestSupport
import Testing

@Suite struct ProfileFileTests {
    private func file(_ text: String) throws -> ProfileFile {
        try ProfileFile(Array(text.utf8))
    }

    private func fault(_ bytes: [UInt8]) -> ProfileFile.Fault? {
        do throws(ProfileFile.Fault) { _ = try ProfileFile(bytes) } catch { return error }
        return nil
    }

    @Test("Sections hold settings, whose names are in small letters")
    func sections() throws {
        let read = try file(
            "[default]\nAWS_Access_Key_ID=A\naws_secret_access_key = b/c+d==\n\n[profile x]\n"
                + "region\t=  eu-central-1  \n[empty]\n")
        #expect(
            read["default"] == ["aws_access_key_id": "A", "aws_secret_access_key": "b/c+d=="])
        #expect(read["profile x"] == ["region": "eu-central-1"])
        #expect(read["empty"] == [:])
        #expect(read["x"] == nil)
    }

    @Test("Comments, blank lines, a byte order mark and other ends of lines are passed over")
    func passedOver() throws {
        let read = try file(
            "\u{FEFF}# [a]\r\n ; b=c\r\n\r\n \t\r\n[a] # that\r\nx = 1 # one\r\ny=2#3\r\n"
                + "z = #none\r\nsecret = ab;c\t; d")
        #expect(read["a"] == ["x": "1", "y": "2#3", "z": "", "secret": "ab;c"])
    }

    @Test("What is nested within a setting is none of its section's")
    func nested() throws {
        let read = try file(
            "[a]\ns3 =\n  region = nested\n  no setting\nb = 1\n[c]\n  d = 1\n  e = 2\n    f = 3\n")
        #expect(read["a"] == ["s3": "", "b": "1"])
        #expect(read["c"] == ["d": "1", "e": "2"])
    }

    @Test("A section may come again; what is set last holds")
    func again() throws {
        let read = try file("[a]\nx=1\ny=1\n[b]\nx=2\n[ a ]\nx=3\n")
        #expect(read["a"] == ["x": "3", "y": "1"])
    }

    @Test("Names may be quoted, and are compared byte by byte")
    func names() throws {
        let read = try file("[profile \"a  b\"]\nx=1\n[profile 'c']\nx=2\n[\u{E9}]\nx=3\n")
        #expect(read["profile a b"] == ["x": "1"])
        #expect(read["profile c"] == ["x": "2"])
        #expect(read["\u{E9}"] == ["x": "3"])
        #expect(read["e\u{301}"] == nil)
    }

    @Test(
        "What is no such file is refused, with the line at fault",
        arguments: [
            ("[a\n", 1, ProfileFile.Expected.section), ("[a] b\n", 1, .section),
            ("[]\n", 1, .section), ("[a]\nx\n", 2, .setting), ("[a]\n= 1\n", 2, .setting),
            ("\nx = 1\n", 2, .begun),
        ])
    func refused(_ text: String, _ line: Int, _ expected: ProfileFile.Expected) {
        #expect(fault(Array(text.utf8)) == .line(line, expected))
    }

    @Test("Bytes that are no text are refused")
    func noText() {
        #expect(fault(Array("[a]\nx = ".utf8) + [0xFF]) == .line(2, .text))
    }

    @Test("No more is read than a file of profiles may have")
    func bound() {
        let comment = [UInt8](repeating: UInt8(ascii: "#"), count: ProfileFile.bytesMax)
        #expect(fault(comment) == nil)
        #expect(fault(comment + [0x23]) == .tooLarge)
    }

    @Test("Whatever it holds, it is read or refused")
    func anything() {
        var generator = SeededGenerator(seed: 15)
        let letters = Array("[]=#;\"' \t\r\nab\u{E9}".utf8) + [0xFF, 0x00]
        for _ in 0..<2000 {
            let count = Int(generator.next() % 40)
            let bytes = (0..<count).map { _ in
                letters[Int(generator.next() % UInt64(letters.count))]
            }
            if case .line(let line, _)? = fault(bytes) {
                #expect((1...41).contains(line))
            }
        }
    }
}
