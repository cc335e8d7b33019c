import AWSRequests
import Bytes
import Testing

@Suite struct AWSSetupTests {
    private func setup(
        _ variables: [ByteText: ByteText] = [:], _ files: [ByteText: String] = [:]
    ) -> AWSSetup {
        let variables = variables.merging(["HOME": "/h"]) { one, _ in one }
        return AWSSetup(
            variable: { variables[$0] },
            read: { files[$0].map { .bytes(Array($0.utf8)) } ?? .absent })
    }

    private func fault(
        _ variables: [ByteText: ByteText] = [:], _ files: [ByteText: String] = [:]
    ) -> AWSSetup.Fault? {
        do throws(AWSSetup.Fault) { _ = try setup(variables, files).credentials() } catch {
            return error
        }
        return nil
    }

    private let keys: [ByteText: ByteText] = [
        "AWS_ACCESS_KEY_ID": "AKIAV", "AWS_SECRET_ACCESS_KEY": "sv",
    ]
    private let shared: ByteText = "/h/.aws/credentials"
    private let config: ByteText = "/h/.aws/config"
    private let pair = "aws_access_key_id=AKIAF\naws_secret_access_key=sf\n"

    @Test("Variables come first, whatever files hold")
    func variables() throws {
        let files = [shared: "what is this", config: "[default]\nrole_arn=x\n"]
        #expect(
            try setup(keys, files).credentials()
                == AWSCredentials(accessKeyID: "AKIAV", secretAccessKey: "sv"))
        let lent = keys.merging(["AWS_SESSION_TOKEN": "t"]) { $1 }
        #expect(
            try setup(lent, files).credentials()
                == AWSCredentials(accessKeyID: "AKIAV", secretAccessKey: "sv", sessionToken: "t"))
    }

    @Test("Empty variables count as none")
    func empty() throws {
        let none: [ByteText: ByteText] = [
            "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
            "AWS_REGION": "",
        ]
        #expect(
            try setup(none, [shared: "[default]\n\(pair)"]).credentials().accessKeyID == "AKIAF")
        #expect(try setup(none).region() == nil)
    }

    @Test("Then the profile's keys, of the file of credentials and then of the other")
    func files() throws {
        let both = [
            shared: "[default]\n\(pair)aws_session_token=t\n[p]\n\(pair)",
            config: "[default]\naws_access_key_id=AKIAC\naws_secret_access_key=sc\n"
                + "[profile c]\naws_access_key_id=AKIAC\naws_secret_access_key=sc\n",
        ]
        #expect(
            try setup([:], both).credentials()
                == AWSCredentials(accessKeyID: "AKIAF", secretAccessKey: "sf", sessionToken: "t"))
        #expect(
            try setup(["AWS_PROFILE": "p"], both).credentials()
                == AWSCredentials(accessKeyID: "AKIAF", secretAccessKey: "sf"))
        let named = try setup(["AWS_PROFILE": "c"], both).credentials()
        #expect(named == AWSCredentials(accessKeyID: "AKIAC", secretAccessKey: "sc"))
        let alone = try setup([:], [config: both[config] ?? ""]).credentials()
        #expect(alone.accessKeyID == "AKIAC")
    }

    @Test("The files may be elsewhere")
    func elsewhere() throws {
        let places: [ByteText: ByteText] = [
            "AWS_SHARED_CREDENTIALS_FILE": "/s", "AWS_CONFIG_FILE": "/c", "AWS_PROFILE": "p",
        ]
        let files: [ByteText: String] = [
            "/s": "[p]\n\(pair)", "/c": "[profile p]\nregion=r-1\n[p]\nregion=r-2\n",
            shared: "[p]\nx=1\n", config: "[profile p]\nregion=r-3\n",
        ]
        #expect(try setup(places, files).credentials().accessKeyID == "AKIAF")
        #expect(try setup(places, files).region()?.text == "r-1")
    }

    @Test("The region is that of variables, or of the profile")
    func region() throws {
        let files: [ByteText: String] = [config: "[default]\nregion = eu-west-1\n"]
        let both: [ByteText: ByteText] = [
            "AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1",
        ]
        #expect(try setup(both, files).region()?.text == "eu-central-1")
        #expect(try setup(["AWS_DEFAULT_REGION": "us-east-1"], files).region()?.text == "us-east-1")
        #expect(try setup([:], files).region()?.text == "eu-west-1")
        #expect(try setup(["AWS_PROFILE": "other"], files).region() == nil)
    }

    @Test("Where the region is set is told")
    func places() throws {
        let files: [ByteText: String] = [
            config: "[default]\nregion=EU\n[profile p]\nregion=\n", "/c": "[default]\nregion=x\n",
        ]
        func place(_ variables: [ByteText: ByteText]) throws -> ByteText? {
            try setup(variables, files).region()?.place
        }
        #expect(try place(["AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"]) == "AWS_REGION")
        #expect(try place(["AWS_DEFAULT_REGION": "b"]) == "AWS_DEFAULT_REGION")
        #expect(try place([:]) == "region of the profile \"default\" in \(config)")
        #expect(try place(["AWS_PROFILE": "p"]) == "region of the profile \"p\" in \(config)")
        #expect(try place(["AWS_CONFIG_FILE": "/c"]) == "region of the profile \"default\" in /c")
    }

    @Test("Half a pair of keys is none")
    func half() {
        #expect(
            fault(["AWS_ACCESS_KEY_ID": "A"])
                == .half(is: "AWS_ACCESS_KEY_ID", isNot: "AWS_SECRET_ACCESS_KEY"))
        #expect(
            fault(["AWS_SECRET_ACCESS_KEY": "A"])
                == .half(is: "AWS_SECRET_ACCESS_KEY", isNot: "AWS_ACCESS_KEY_ID"))
        #expect(
            fault([:], [shared: "[default]\naws_access_key_id=A\naws_secret_access_key=\n"])
                == .half(is: "aws_access_key_id", isNot: "aws_secret_access_key"))
    }

    @Test("What cannot be a key is named, and not shown")
    func malformed() {
        for (name, value) in [
            ("AWS_ACCESS_KEY_ID", "hush/1"), ("AWS_SECRET_ACCESS_KEY", "hush\n1"),
            ("AWS_SESSION_TOKEN", "hush\u{E9}"),
        ] {
            let found = fault(keys.merging([ByteText(name): ByteText(value)]) { $1 })
            #expect(found == .malformed(ByteText(name)))
            #expect(found?.description.contains("hush") == false)
        }
    }

    @Test(
        "Keys that others hand out are theirs to hand out",
        arguments: [
            "role_arn", "web_identity_token_file", "sso_session", "sso_start_url",
            "credential_process", "login_session",
        ])
    func unsupported(_ way: String) {
        let found = fault(["AWS_PROFILE": "p"], [config: "[profile p]\n\(way) = x\n"])
        #expect(found == .unsupported(ByteText(way), profile: "p"))
        #expect(found?.description.contains("aws configure export-credentials") == true)
    }

    @Test("A profile's keys come before its process, and after its role, as with AWS's tools")
    func precedence() throws {
        let process = [shared: "[default]\n\(pair)", config: "[default]\ncredential_process=x\n"]
        #expect(try setup([:], process).credentials().accessKeyID == "AKIAF")
        let role = [shared: "[default]\n\(pair)", config: "[default]\nrole_arn=x\n"]
        #expect(fault([:], role) == .unsupported("role_arn", profile: "default"))
    }

    @Test("Where there is nothing, it says what may be done")
    func nothing() {
        #expect(fault() == .nothing(profile: "default"))
        #expect(fault()?.description.contains("AWS_ACCESS_KEY_ID") == true)
        #expect(fault([:], [config: "[default]\nregion=x\n"]) == .nothing(profile: "default"))
        #expect(fault(["AWS_PROFILE": "p"], [shared: "[q]\n\(pair)"]) == .noProfile("p"))
        // In the file of the others a profile is called so.
        #expect(fault(["AWS_PROFILE": "q"], [config: "[q]\n\(pair)"]) == .noProfile("q"))
    }

    @Test("A file that cannot be used is named, with the line, and nothing of what stands there")
    func broken() {
        let found = fault([:], [shared: "[default]\nhush\n"])
        #expect(found == .file(path: shared, .line(2, .setting)))
        #expect(found?.description == "/h/.aws/credentials, line 2: expected NAME = VALUE")
        let locked = AWSSetup(
            variable: { ["HOME": "/h"][$0] }, read: { _ in .unreadable("Permission denied") })
        #expect(
            throws: AWSSetup.Fault.unreadable(path: shared, reason: "Permission denied")
        ) { try locked.credentials() }
    }

    @Test("Regions have addresses of their own")
    func addresses() {
        #expect(
            AWSRegion.address(of: "dynamodb", in: "eu-central-1")
                == "https://dynamodb.eu-central-1.amazonaws.com")
        #expect(
            AWSRegion.address(of: "a.execute-api", in: "cn-north-1")
                == "https://a.execute-api.cn-north-1.amazonaws.com.cn")
        for text in ["", "EU", "eu/central", "eu.central", String(repeating: "a", count: 41)] {
            #expect(!AWSRegion.isName(ByteText(text)))
        }
        #expect(AWSRegion.isName("us-gov-west-1"))
    }
}
