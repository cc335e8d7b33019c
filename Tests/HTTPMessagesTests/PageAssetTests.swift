import HTTPMessages
import Testing

@Suite struct PageAssetTests {
    @Test(
        "A script that is served without its source map names none",
        arguments: [
            ("a\nb\n//# sourceMappingURL=x.map\n", "a\nb\n"),
            ("a\nb\n//# sourceMappingURL=x.map", "a\nb\n"),
            ("a\n// b\n", "a\n// b\n"), ("a", "a"), ("\n", "\n"), ("", ""),
        ])
    func withoutMap(script: String, served: String) {
        #expect(PageAsset.script(Array(script.utf8)).bytes == Array(served.utf8))
    }
}
