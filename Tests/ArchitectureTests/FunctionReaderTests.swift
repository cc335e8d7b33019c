import Testing

/// What `FunctionReader` is asked in TidyTests, in all shapes in which a function comes.
@Suite struct FunctionReaderTests {
    /// Names with their lines, `-` where there is no body.
    private func read(_ text: String) -> [String] {
        FunctionReader(SwiftCode(text)).found.map { found in
            let lines = found.lines.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "-"
            return "\(found.name) \(lines)"
        }
    }

    @Test("A signature may stand on one line or on several")
    func signatures() {
        let text = """
            func one() {}
            package static func several(
                _ first: Int,
                then: () -> Void = { print("}") }
            )
                async throws(Fault)
                -> Result<
                    Int, Fault
                >
            where T: Equatable, T == U {
                one()
            }
            @Test("func in a name() {", arguments: [1, 2]) func tested(_: Int) { }
            func typed() -> @Sendable (Int) -> [String: Int] { [:] }
            """
        #expect(read(text) == ["one 1-1", "several 2-12", "tested 13-13", "typed 14-14"])
    }

    @Test("Generics, operators, and names between backticks")
    func names() {
        let text = """
            func generic<T: Sequence, let n: Int>(_ t: T) where T.Element == Int { }
            static func == (one: Self, other: Self) -> Bool { true }
            static func <=> (one: Self, other: Self) -> Bool {
                true
            }
            prefix func - (one: Self) -> Self { one }
            func `init`() {}
            func `func`(`var`: Int) {}
            """
        #expect(
            read(text) == ["generic 1-1", "== 2-2", "<=> 3-5", "- 6-6", "init 7-7", "func 8-8"])
    }

    @Test("Initializers, what ends things, and subscripts")
    func othersThanFunctions() {
        let text = """
            init() { self.init(3) }
            init?<T>(_ t: T) where T: Hashable {
                return nil
            }
            convenience init!(a: Int = .init(4)) throws {}
            deinit {
                close()
            }
            subscript(index: Int) -> Int { index }
            subscript<T>(t: T) -> Int {
                get { 3 }
                set(value) {
                    print(value)
                }
            }
            """
        #expect(
            read(text) == [
                "init 1-1", "init 2-4", "init 5-5", "deinit 6-8", "subscript 9-9",
                "subscript 10-15", "get 11-11", "set 12-14",
            ])
    }

    @Test("Accessors have bodies of their own, or the property has")
    func accessors() {
        let text = """
            var short: Int { 3 }, other = 4
            var long: Dictionary<
                String, Int
            > {
                [:]
            }
            var both: Int {
                get async throws(Fault) { 1 }
                @inlinable nonmutating set { print(newValue) }
            }
            var watched = [1, 2] { didSet { print(1) } }
            var typed: Int = 5 {
                willSet(next) { print(next) }
                didSet { }
            }
            @Wrapped(by: { 1 }) var lent: Int { _read { yield x } _modify { yield &x } }
            static var closure: () -> Void { { } }
            """
        #expect(
            read(text) == [
                "short 1-1", "long 2-6", "get 8-8", "set 9-9", "didSet 11-11", "willSet 13-13",
                "didSet 14-14", "_read 16-16", "_modify 16-16", "closure 17-17",
            ])
    }

    @Test("Functions within functions, types and closures are seen as well")
    func nested() {
        let text = """
            func outer() {
                func inner() {
                    struct Local { var x: Int { 1 } }
                }
                let closure = { func innermost() {} }
            }
            """
        #expect(read(text) == ["outer 1-6", "inner 2-4", "x 3-3", "innermost 5-5"])
    }

    @Test("A requirement is none with a body, and takes none of its neighbours'")
    func requirements() {
        let text = """
            protocol Port {
                associatedtype Kind
                func one(); func two() -> (Int) -> Void
                func three() throws(Fault) -> Int
                init(x: Int)
                static func == (one: Self, other: Self) -> Bool
                var four: Int { get set }
                subscript(index: Int) -> Int { get }
            }
            extension Port { func five() { } }
            """
        #expect(
            read(text) == [
                "one -", "two -", "three -", "init -", "== -", "get -", "set -", "subscript -",
                "get -", "five 10-10",
            ])
    }

    @Test("What is stored, called, matched or named so is no function")
    func others() {
        let text = """
            var stored: Int
            var list: [Int] = [1].map { $0 }
            lazy var made: () -> Int = { 3 }
            call(func: 1, init: 2, subscript: 3, deinit: 4, var: 5)
            let reference = Self.init
            list.append(.init(3)) { }
            if case .some(var x) = y { }
            if var x: Int = y { }
            for var x: Int in list { }
            switch z { case var x: do { } }
            """
        #expect(read(text) == [])
    }

    @Test("Comments and literals hide what is in them, and nothing behind them")
    func hidden() {
        let text = ##"""
            // func line() {
            /* func block() { /* func nested() { */ } */ func one() {}
            let a = "func text() { \(list.map { "}\($0)" }) {", b = "\\", c = "\"{"
            func two() {}
            let d = #"func raw() { \(e) \#(f("}", #"{"#)) "{"#, e = #""""#, f = "", g = #"\"#
            func three() {}
            let h = """
                func lines() { \(i) "" "
                """
            func four() {}
            let j = #/func "expression" {/#, k = a / b / c, l = 1.5e3, m = 0...9
            func five() { a /= 2 }
            """##
        #expect(read(text) == ["one 2-2", "two 4-4", "three 6-6", "four 10-10", "five 12-12"])
    }

    @Test("A function's length is that from its word to its last brace")
    func length() {
        let text = "@Test(\"x\")\nfunc long() {\n" + String(repeating: "a()\n", count: 59) + "}\n"
        #expect(FunctionReader(SwiftCode(text)).found.map { $0.lines?.count } == [61])
    }
}
