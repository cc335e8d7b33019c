/// Why a registry was not copied into another. The description says what to do.
package enum RegistryCopyFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// What is to be filled holds something: what, and its name.
    case targetNotEmpty(String, name: String)
    /// Somebody else is connected to what is to be filled.
    case targetInUse
    case isCopyAlready
    /// It was begun from another registry.
    case otherSource
    /// Somebody else fills the same one.
    case takenOver
    /// Its log has a line that is not the source's.
    case otherLog(name: String)
    case sourceChanged
    /// A text in it is none.
    case unreadable(String, name: String)
    /// What was written is not what is read.
    case differs(String, name: String)

    package var failure: RegistryFailure {
        .unavailable(RegistryTrouble(code: code, description: description))
    }

    /// Stable across releases.
    private var code: String {
        switch self {
        case .targetNotEmpty: "registry_copy_target_not_empty"
        case .targetInUse: "registry_copy_target_in_use"
        case .isCopyAlready: "registry_copy_done_already"
        case .otherSource: "registry_copy_other_source"
        case .takenOver: "registry_copy_taken_over"
        case .otherLog: "registry_copy_other_log"
        case .sourceChanged: "registry_copy_source_changed"
        case .unreadable: "registry_copy_unreadable"
        case .differs: "registry_copy_differs"
        }
    }

    package var description: String {
        switch self {
        case .targetNotEmpty(let thing, let name):
            "the registry that is to be filled has a \(thing) already (\(name)), and stays as it "
                + "is: name one that is empty"
        case .targetInUse:
            "somebody is connected to the registry that is to be filled: stop what runs on it"
        case .isCopyAlready: "both are one registry, or the one is a copy of the other already"
        case .otherSource:
            "the registry that is to be filled holds part of another one: go on from that one, or "
                + UnfinishedCopy.givingUp
        case .takenOver:
            "another usher registry copy fills the same registry: this one goes on no more"
        case .otherLog(let name):
            "line \(name) of the audit log is another one in the registry that is to be filled: "
                + UnfinishedCopy.givingUp
        case .sourceChanged:
            "the registry was changed while it was copied: stop what runs on it and copy again, "
                + "which brings over what is new"
        case .unreadable(let thing, let name):
            "the \(thing) \(name) has a text that is none (a NUL or no UTF-8): the registry is "
                + "damaged; put a backup in its place, or mend that row"
        case .differs(let thing, let name):
            "the \(thing) \(name) is not the same in both registries: copy again, and look for "
                + "who else writes to them if it stays so"
        }
    }
}

extension UnfinishedCopy {
    fileprivate static let givingUp =
        "give it up: remove its file, or drop the schema usher of its database, and make it anew"
}

extension RegistryFailure {
    /// Of a registry that is filled only in part. `place` is how people call it.
    package static func copyUnfinished(_ place: String) -> RegistryFailure {
        .unavailable(
            RegistryTrouble(
                code: "registry_copy_unfinished",
                description: "a copy into \(place) was begun and not finished: run usher registry "
                    + "copy again, or \(UnfinishedCopy.givingUp)",
                detail: "a copy into it was begun and not finished"))
    }
}
