import Clients
import Testing

@testable import RegistryOnPostgres

@Suite struct PostgresTargetTests {
    @Test("What names no database is refused, and not repeated (docs/decisions/0033)")
    func malformed() {
        for text in ["postgresql://user:hidden@[host/x", "password=hidden nonsense"] {
            do throws(RegistryFailure) {
                _ = try PostgresTarget(text)
                Issue.record("\(text) was taken")
            } catch {
                #expect(error.code == "registry_address_malformed")
                #expect(!"\(error)".contains("hidden"))
            }
        }
    }

    @Test("Where nobody listens is told, within the time that a connection has")
    func unreachable() throws {
        let target = try PostgresTarget("postgresql://usher@127.0.0.1:1/usher")
        do throws(RegistryFailure) {
            _ = try RegistryOnPostgres(target, random: { 0 })
            Issue.record("somebody listens")
        } catch {
            #expect(error.code == "registry_unreachable")
        }
    }
}
