import Bytes
import Clients
import Cryptography
import Files
import RegistryOnPostgres
import RegistryOnSQLite

/// Where a registry is: a file in a folder of this host, or a PostgreSQL database.
enum RegistryPlace: Sendable {
    case folder(String)
    case database(PostgresTarget)

    static let expected = """
        postgresql://USER@HOST/DATABASE, service=NAME (a section of pg_service.conf), or a file \
        with one of these in its only line
        """
    private static let fileBytesMax = 4096

    /// A data folder's registry, unless a database is set.
    init(_ values: SettingValues, data: String) throws(SettingError) {
        let setting = PlaceSettings().registry
        guard let text = values.text(of: setting) else {
            self = .folder(data)
            return
        }
        let place = values.place(of: setting)
        self = try Self.database(
            text, place: place, isArgument: ByteText(place) == ByteText(setting.flag))
    }

    /// The database that is named, by itself or in a file. An argument, which other users of this
    /// host may see, holds no password, and no error repeats what may hold one.
    static func database(
        _ text: String, place: String, isArgument: Bool
    ) throws(SettingError) -> RegistryPlace {
        guard isConnection(text) else {
            guard FileLook(text) != nil || !mayHoldPassword(text) else {
                throw SettingError(place: place, value: "…", expected: expected)
            }
            return try database(inFile: text, place: place)
        }
        let target = try target(text, place: place)
        guard !isArgument || !target.hasPassword else {
            throw SettingError(
                place: place, value: "\(target)",
                expected: "no password, which every user of this host would see: leave it to "
                    + "PGPASSFILE (~/.pgpass), or name a file that holds the URL")
        }
        return .database(target)
    }

    /// A folder that is there or may be made, or a database as `database` takes it.
    static func argument(_ text: String, place: String) throws(SettingError) -> RegistryPlace {
        if isConnection(text) { return try database(text, place: place, isArgument: true) }
        if let look = FileLook(text) {
            return look.isFolder
                ? .folder(text) : try database(text, place: place, isArgument: true)
        }
        guard !mayHoldPassword(text) else {
            throw SettingError(
                place: place, value: "…",
                expected: expected
                    + ", or a folder, which has to be there if its name has an @ or =")
        }
        return .folder(text)
    }

    /// A URL, or keywords with values as libpq has them; all else is the name of a file.
    private static func isConnection(_ text: String) -> Bool {
        let text = ByteText(text)
        if text.hasPrefix("postgresql:") || text.hasPrefix("postgres:") { return true }
        let keyword = text.utf8.prefix { 0x61...0x7A ~= $0 || $0 == UInt8(ascii: "_") }
        let rest = text.utf8.dropFirst(keyword.count).drop { $0 == 0x20 }
        return !keyword.isEmpty && rest.first == UInt8(ascii: "=")
    }

    /// Whether it looks like something that was meant as a connection: no name of a file.
    private static func mayHoldPassword(_ text: String) -> Bool {
        let bytes = ByteText(text).utf8
        let hasScheme = bytes.indices.contains { bytes[$0...].starts(with: "://".utf8) }
        return hasScheme || bytes.contains(UInt8(ascii: "=")) || bytes.contains(UInt8(ascii: "@"))
    }

    private static func target(
        _ text: String, place: String
    ) throws(SettingError) -> PostgresTarget {
        do throws(RegistryFailure) {
            return try PostgresTarget(text)
        } catch {
            let reason = error.detail.map { " (\($0))" } ?? ""
            throw SettingError(place: place, value: "…", expected: expected + reason)
        }
    }

    private static func database(
        inFile path: String, place: String
    ) throws(SettingError) -> RegistryPlace {
        func fault(_ expected: String) -> SettingError {
            SettingError(place: place, value: path, expected: expected)
        }
        if FileLook(path)?.isFolder == true {
            throw fault("\(expected); a folder is named with --data")
        }
        let content: [UInt8]
        do throws(FileFailure) {
            content = try FileBytes.read(path: path, bytesMax: fileBytesMax)
        } catch {
            throw fault("\(expected); there is no such file that can be read (\(error))")
        }
        let lines = TextFile.withoutMark(content).split { $0 == 0x0A || $0 == 0x0D }
        guard lines.count == 1, let text = ByteText(Array(lines[0]).span), isConnection(text.string)
        else {
            throw fault("a file whose only line is postgresql://… or service=NAME")
        }
        return .database(try target(text.string, place: "\(place) (\(path))"))
    }
}

extension RegistryPlace: CustomStringConvertible {
    /// Without what may be a password.
    var description: String {
        switch self {
        case .folder(let folder): RegistryOnSQLite.path(in: folder)
        case .database(let target): "\(target)"
        }
    }

    /// Opens it. A missing file is an error where it `mustExist`, and else made; the tables of a
    /// database are never made here.
    func open(mustExist: Bool) throws(RegistryFailure) -> any Registry {
        switch self {
        case .folder(let folder): try RegistryOnSQLite(in: folder, mustExist: mustExist)
        case .database(let target):
            try RegistryOnPostgres(target, random: Self.random)
        }
    }

    static let random: @Sendable () -> Int64 = { Int64(bitPattern: SecureRandom.uint64()) }

    /// Whether there is something to open: false for a folder without a registry.
    var isThere: Bool {
        switch self {
        case .folder(let folder): RegistryOnSQLite.exists(in: folder)
        case .database: true
        }
    }
}
