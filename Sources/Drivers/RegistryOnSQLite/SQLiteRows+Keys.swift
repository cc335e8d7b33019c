import Bytes
import Clients
import FoundationEssentials
internal import GRDB
import Tokens

extension SQLiteRows {
    func sealedKeyHeads() throws -> [SealedKey.Head] {
        let select = try db.cachedStatement(
            sql: "SELECT kid, stage, since, master_key_id FROM signing_key ORDER BY kid")
        return try Row.fetchAll(select).map { try head($0) }
    }

    func sealedKeys() throws -> [SealedKey] {
        let select = try db.cachedStatement(
            sql: """
                SELECT kid, stage, since, master_key_id, algorithm, nonce, box FROM signing_key
                ORDER BY kid
                """)
        return try Row.fetchAll(select).map { row in
            guard let algorithm = SignatureAlgorithm(named: ByteText(row[4] as String)) else {
                throw UnreadableRow()
            }
            return SealedKey(
                head: try head(row), algorithm: algorithm, nonce: Array(row[5] as Data),
                box: Array(row[6] as Data))
        }
    }

    private func head(_ row: Row) throws -> SealedKey.Head {
        guard let stage = KeyStage(named: ByteText(row[1] as String)) else {
            throw UnreadableRow()
        }
        return SealedKey.Head(keyID: row[0], stage: stage, since: row[2], masterKeyID: row[3])
    }

    func put(_ key: SealedKey) throws {
        try db.execute(
            sql: """
                INSERT INTO signing_key VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (kid) DO UPDATE SET
                    algorithm = excluded.algorithm, stage = excluded.stage,
                    since = excluded.since, master_key_id = excluded.master_key_id,
                    nonce = excluded.nonce, box = excluded.box
                """,
            arguments: [
                key.head.keyID, key.algorithm.rawValue, key.head.stage.rawValue, key.head.since,
                key.head.masterKeyID, Data(key.nonce), Data(key.box),
            ])
    }

    func removeSealedKey(_ keyID: String) throws {
        try db.execute(sql: "DELETE FROM signing_key WHERE kid = ?", arguments: [keyID])
    }
}
