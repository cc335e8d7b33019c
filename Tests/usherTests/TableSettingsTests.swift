import AWSRequests
import Bytes
import HTTPClient
import HTTPMessages
import Testing

@testable import usher

@Suite struct TableSettingsTests {
    private func settings(
        _ changes: [ByteText: ByteText] = [:], table: String = "usher", region: String? = nil,
        gateway: String? = nil, config: String? = nil
    ) throws -> TableSettings {
        let variables = [
            "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hush",
            "AWS_REGION": "eu-central-1",
        ].merging(changes) { $1 }
        return try TableSettings(
            table: table, region: region, gateway: gateway, variable: { variables[$0] },
            read: { path in
                guard let config, path == "/h/.aws/config" else { return .absent }
                return .bytes(Array(config.utf8))
            })
    }

    private func refused(
        _ changes: [ByteText: ByteText] = [:], table: String = "usher", region: String? = nil,
        gateway: String? = nil, config: String? = nil
    ) -> String? {
        do {
            _ = try settings(
                changes, table: table, region: region, gateway: gateway, config: config)
        } catch let error as SettingError {
            return error.place
        } catch {
            return "\(error)"
        }
        return nil
    }

    @Test("Of a table alone, the rest is what AWS's tools have")
    func defaults() throws {
        let found = try settings()
        #expect(found.table == "usher" && found.region == "eu-central-1")
        #expect(found.credentials.accessKeyID == "AKIA")
        #expect(found.dynamoDB.origin.text == "https://dynamodb.eu-central-1.amazonaws.com")
        #expect(found.gateway == nil && found.authorities == nil)
        #expect(found.resumeGraceSeconds == 30)
        #expect(try settings(["USHER_RESUME_GRACE_SECONDS": "0"]).resumeGraceSeconds == 0)
        #expect(try settings(region: "us-east-1").region == "us-east-1")
    }

    @Test("DynamoDB may be elsewhere, as for the function or for AWS's tools")
    func endpoints() throws {
        var variables: [ByteText: ByteText] = ["AWS_ENDPOINT_URL": "http://127.0.0.1:1"]
        #expect(try settings(variables).dynamoDB.origin.text == "http://127.0.0.1:1")
        variables["AWS_ENDPOINT_URL_DYNAMODB"] = "http://127.0.0.1:2"
        #expect(try settings(variables).dynamoDB.origin.text == "http://127.0.0.1:2")
        variables["USHER_DYNAMODB"] = "http://127.0.0.1:3"
        #expect(try settings(variables).dynamoDB.origin.text == "http://127.0.0.1:3")
    }

    @Test(
        "The gateway is named as deployments show it",
        arguments: [
            "https://a.example/prod", "wss://a.example/prod", "wss://a.example/prod/",
            "https://a.example/prod/@connections",
        ])
    func gateways(_ text: String) throws {
        for found in [
            try settings(gateway: text).gateway,
            try settings(["USHER_MANAGEMENT": ByteText(text)]).gateway,
        ] {
            #expect(found?.origin.text == "https://a.example" && found?.target == "/prod")
        }
        let other = try settings(["USHER_MANAGEMENT": "https://b.example/x"], gateway: text)
        #expect(other.gateway?.origin.text == "https://a.example")
        #expect(try settings(gateway: "ws://127.0.0.1:1/prod").gateway?.origin.scheme == "http")
    }

    @Test("How far a look at the table is, is told once a second, and not of a quick one")
    func progress() {
        var (time, said): (Int64, [String]) = (5000, [])
        let progress = ScanProgress(now: { time }, say: { said.append($0) })
        for examined in 1...30 {
            time += 100
            progress.tell(examined * 1000)
        }
        #expect(said == [10, 20, 30].map { "\($0)000 items of the table looked at" })
    }

    @Test("What is wrong is named")
    func refusals() {
        for table in ["", "ab", "a b c", "arn:aws:dynamodb:x", String(repeating: "a", count: 256)] {
            #expect(refused(table: table) == "--table")
        }
        #expect(refused(region: "EU") == "--region")
        #expect(refused(["AWS_REGION": "x/y"]) == "AWS_REGION")
        #expect(refused(["AWS_REGION": ""]) == "--region")
        #expect(refused(["AWS_REGION": "", "AWS_DEFAULT_REGION": "EU"]) == "AWS_DEFAULT_REGION")
        #expect(
            refused(["AWS_REGION": "", "HOME": "/h"], config: "[default]\nregion=EU\n")
                == "region of the profile \"default\" in /h/.aws/config")
        for gateway in [
            "http://a.example/prod", "a.example/prod", "https://a.example", "https://a.example/",
            "ftp://a.example/prod", "",
        ] {
            #expect(refused(gateway: gateway) == "--gateway")
        }
        for seconds in ["901", "-1", "x"] {
            #expect(
                refused(["USHER_RESUME_GRACE_SECONDS": ByteText(seconds)])
                    == "USHER_RESUME_GRACE_SECONDS")
        }
        #expect(refused(["USHER_MANAGEMENT": "x"]) == "USHER_MANAGEMENT")
        #expect(refused(["USHER_DYNAMODB": "http://a.example"]) == "USHER_DYNAMODB")
        #expect(refused(["AWS_ENDPOINT_URL": "x"]) == "AWS_ENDPOINT_URL")
        #expect(refused(["AWS_SECRET_ACCESS_KEY": ""])?.contains("AWS_SECRET_ACCESS_KEY") == true)
    }
}
