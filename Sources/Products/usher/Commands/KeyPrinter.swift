import Bytes
import SigningKeys
import StrictJSON
import Tokens

/// Prints keys by what is public of them: tables for people, one JSON value for programs.
struct KeyPrinter {
    let json: Bool

    func printTable(_ keys: [StoredKey]) {
        if json {
            printJSON(.array(keys.map { .object(details($0)) }))
            return
        }
        guard !keys.isEmpty else {
            say("No keys yet. usher serve makes the first one; usher key rotate does it now.")
            return
        }
        let isSealed = keys.contains { $0.masterKeyID != nil }
        let rows =
            [["KID", "ALGORITHM", "STAGE", "SINCE", "NEXT"] + (isSealed ? ["MASTER KEY"] : [])]
            + keys.map { key in
                [
                    key.keyID, key.algorithm.rawValue, key.stage.rawValue, Clock.text(key.since),
                    next(key),
                ] + (key.masterKeyID.map { [$0] } ?? [])
            }
        for line in TextTable(rows: rows).lines { say(line) }
    }

    func printChange(_ change: KeyChange) {
        guard !json else {
            var object = details(change.key)
            object["change"] = .string(word(change))
            printJSON(.object(object))
            return
        }
        let key = change.key
        switch change {
        case .published:
            say("\(key.keyID) (\(key.algorithm.rawValue)) is published.")
            say("usher serve lets it sign when verifiers have had time to fetch it: after 20")
            say("minutes, or what --key-publish-seconds says. At once: usher key rotate --now.")
        case .waiting:
            say("\(key.keyID) (\(key.algorithm.rawValue)) waits since \(Clock.text(key.since)).")
            say(
                "It is next, so no other key was made; usher key rotate --now lets it sign at once."
            )
        case .promoted:
            say("\(key.keyID) (\(key.algorithm.rawValue)) signs from now on.")
        case .retired:
            let end = key.goneAt.map { "; usher serve removes it after \(Clock.text($0))" } ?? ""
            say("\(key.keyID) is retired\(end).")
        case .removed:
            say("\(key.keyID) is gone: every token that it signed is refused.")
        }
    }

    func printImport(_ keys: [StoredKey], from folder: String, isNew: Bool) {
        guard !json else {
            return printJSON([
                "change": .string(isNew ? "imported" : "none"),
                "keys": .array(keys.map { .string($0.keyID) }),
            ])
        }
        say(
            isNew
                ? "\(keys.count) keys of \(folder) are in the registry, in their stages."
                : "The \(keys.count) keys of \(folder) are in the registry already.")
        say("Start every service with --master-key-file. Then destroy the folder, and backups of")
        say("it: whoever reads it can sign tokens.")
    }

    private func next(_ key: StoredKey) -> String {
        switch key.stage {
        case .published: "signs when published long enough"
        case .signing: "-"
        case .retired: key.goneAt.map { "gone after \(Clock.text($0))" } ?? "-"
        }
    }

    private func word(_ change: KeyChange) -> String {
        switch change {
        case .published: "published"
        case .waiting: "none"
        case .promoted: "promoted"
        case .retired: "retired"
        case .removed: "removed"
        }
    }

    private func details(_ key: StoredKey) -> JSONObject {
        [
            "kid": .string(key.keyID),
            "algorithm": .string(key.algorithm.rawValue),
            "stage": .string(key.stage.rawValue),
            "since": .number(JSONNumber(key.since)),
            "gone_after": key.goneAt.map { .number(JSONNumber($0)) } ?? .null,
            "master_key": key.masterKeyID.map { .string($0) } ?? .null,
        ]
    }

    private func printJSON(_ value: JSONValue) {
        say(String(decoding: value.serialized(), as: UTF8.self))
    }
}
