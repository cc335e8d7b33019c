import Foundation

/// An object file as the compiler leaves it (ELF, 64 bits, little-endian): which of its functions
/// refers to what.
struct ObjectFile {
    struct Reference {
        /// The function that refers, mangled; empty where it is no function.
        let function: String
        let symbol: String
    }

    let references: [Reference]

    /// nil for what is no such file.
    init?(path: String) {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        let bytes = [UInt8](data)
        guard bytes.count > 64, bytes.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else {
            return nil
        }
        let reader = Reader(bytes: bytes)
        let sections = reader.sections
        guard let table = sections.first(where: { $0.kind == .symbols }) else { return nil }
        let symbols = reader.symbols(table, names: sections[table.link])
        let functions = Dictionary(grouping: symbols.filter(\.isFunction), by: \.section)
        references = sections.filter { $0.kind == .relocations }.flatMap { section in
            reader.relocations(section).compactMap { place, symbol -> Reference? in
                guard symbols.indices.contains(symbol) else { return nil }
                let holder = functions[section.info]?.first { $0.range.contains(place) }
                return Reference(function: holder?.name ?? "", symbol: symbols[symbol].name)
            }
        }
    }
}

private struct Reader {
    enum Kind { case symbols, relocations, other }

    struct Section {
        let kind: Kind
        let offset: Int
        let size: Int
        /// Of symbols: the section of their names.
        let link: Int
        /// Of relocations: the section that they are for.
        let info: Int
    }

    struct Symbol {
        let name: String
        let isFunction: Bool
        let section: Int
        let range: Range<Int>
    }

    let bytes: [UInt8]

    private func number(_ at: Int, _ size: Int) -> Int {
        (0..<size).reduce(0) { $0 | Int(bytes[at + $1]) << (8 * $1) }
    }

    private func text(_ at: Int) -> String {
        String(decoding: bytes[at...].prefix { $0 != 0 }, as: UTF8.self)
    }

    /// Elf64_Shdr, 64 bytes each.
    var sections: [Section] {
        let start = number(0x28, 8)
        let given = number(0x3C, 2)
        let count = given == 0 ? number(start + 0x20, 8) : given
        return (0..<count).map { index in
            let header = start + 64 * index
            let kind: Kind =
                switch number(header + 4, 4) {
                case 2: .symbols
                case 4: .relocations
                default: .other
                }
            return Section(
                kind: kind, offset: number(header + 0x18, 8), size: number(header + 0x20, 8),
                link: number(header + 0x28, 4), info: number(header + 0x2C, 4))
        }
    }

    /// Elf64_Sym, 24 bytes each.
    func symbols(_ section: Section, names: Section) -> [Symbol] {
        stride(from: section.offset, to: section.offset + section.size, by: 24).map { at in
            let (start, size) = (number(at + 8, 8), number(at + 16, 8))
            return Symbol(
                name: text(names.offset + number(at, 4)), isFunction: bytes[at + 4] & 15 == 2,
                section: number(at + 6, 2), range: start..<(start + size))
        }
    }

    /// Elf64_Rela, 24 bytes each: where, and which symbol.
    func relocations(_ section: Section) -> [(place: Int, symbol: Int)] {
        stride(from: section.offset, to: section.offset + section.size, by: 24).map { at in
            (number(at, 8), number(at + 12, 4))
        }
    }
}
