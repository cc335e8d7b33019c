import Bytes
import Clients
import Tokens

extension PostgresRows {
    func sealedKeyHeads() throws -> [SealedKey.Head] {
        try execute("SELECT kid, stage, since, master_key_id FROM signing_key ORDER BY kid")
            .map { try head($0) }
    }

    func sealedKeys() throws -> [SealedKey] {
        try execute(
            """
            SELECT kid, stage, since, master_key_id, algorithm, nonce, box FROM signing_key
            ORDER BY kid
            """
        ).map { row in
            guard let algorithm = SignatureAlgorithm(named: ByteText(try row.text(4))) else {
                throw UnreadableRow()
            }
            return SealedKey(
                head: try head(row), algorithm: algorithm, nonce: try row.bytes(5),
                box: try row.bytes(6))
        }
    }

    private func head(_ row: PostgresRow) throws -> SealedKey.Head {
        guard let stage = KeyStage(named: ByteText(try row.text(1))) else { throw UnreadableRow() }
        return SealedKey.Head(
            keyID: try row.text(0), stage: stage, since: try row.number(2),
            masterKeyID: try row.text(3))
    }

    func put(_ key: SealedKey) throws {
        try execute(
            """
            INSERT INTO signing_key VALUES ($1, $2, $3, $4, $5, $6, $7)
            ON CONFLICT (kid) DO UPDATE SET
                algorithm = excluded.algorithm, stage = excluded.stage, since = excluded.since,
                master_key_id = excluded.master_key_id, nonce = excluded.nonce,
                box = excluded.box
            """,
            [
                .text(key.head.keyID), .text(key.algorithm.rawValue),
                .text(key.head.stage.rawValue), .number(key.head.since),
                .text(key.head.masterKeyID), .bytes(key.nonce), .bytes(key.box),
            ])
    }

    func removeSealedKey(_ keyID: String) throws {
        try execute("DELETE FROM signing_key WHERE kid = $1", [.text(keyID)])
    }
}
