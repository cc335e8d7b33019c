import Bytes
import HTTPMessages
import StrictJSON
import Testing

@testable import AuthService

@Suite struct OpenAPITests {
    private static let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    /// The relay's, which stands behind every path that is no route, and tells about itself at one.
    private static let relayPaths = ["/", "/signal/check"]
    private let document = OpenAPIDocument.shared

    @Test("docs/openapi.json is strict JSON of OpenAPI 3.1")
    func version() {
        #expect(document.json["openapi"] == "3.1.0")
        #expect(document.json["info"]?.object?["title"] == "Usher")
    }

    @Test("It lists the routes of the code and no other")
    func paths() {
        let listed = document.paths.members.map(\.name.string).filter { !$0.hasPrefix("/demo") }
        #expect(Set(listed) == Set(Route.all.map(\.path.string) + Self.relayPaths))
    }

    @Test("It lists each route's methods and parameters", arguments: Route.all.map(\.path.string))
    func route(path: String) throws {
        let route = try #require(Route.all.first { $0.path.string == path })
        #expect(Set(document.methods(of: path)) == Set(route.methods.map(\.string)))
        #expect(Set(document.parameters(of: path)) == Set(route.parameters.map(\.string)))
    }

    @Test(
        "The table of routes is what is served: any other method is 405 with Allow",
        arguments: Route.all.map(\.path.string))
    func served(path: String) throws {
        let route = try #require(Route.all.first { $0.path.string == path })
        let bench = AuthBench(openAPI: "{}", hasRegistration: true)
        for method in Self.methods {
            let response = try #require(bench.send(method, path))
            #expect(
                (response.status != 405) == route.methods.contains(ByteText(method)), "\(method)")
            guard response.status == 405 else { continue }
            #expect(response.headers["Allow"] == ByteText(route.methods.joined(separator: ", ")))
        }
    }

    @Test("The enumerations of the document are those of the code")
    func enumerations() throws {
        let body = document.operation("POST", TokenEndpoint.path.string)?["requestBody"]?.object
        let schema = body?["content"]?.object?["application/x-www-form-urlencoded"]?.object
        let properties = schema?["schema"]?.object?["properties"]?.object
        func values(_ name: String) -> [String] {
            properties?[ByteText(name)]?.object?["enum"]?.array?.compactMap { $0.string?.string }
                ?? []
        }
        #expect(values("grant_type") == ServerMetadata.grantTypes.map(\.string))
        #expect(values("client_assertion_type") == [PresentedCredentials.assertionType.string])
        #expect(
            values("subject_token_type")
                == [TokenExchange.accessTokenType, TokenExchange.jwtType].map(\.string))
        #expect(values("requested_token_type") == [TokenExchange.accessTokenType.string])
    }

    @Test("Every form parameter that the code knows is read by some route")
    func known() {
        let read = Set(Route.all.flatMap(\.parameters).map(\.string))
        #expect(read.isSuperset(of: FormParameter.allCases.map(\.rawValue)))
    }

    @Test("A registration is replaced by what it is made of, and by what names the client")
    func replacement() {
        let replaced = document.parameters(of: RegisteredClientEndpoint.path.string, method: "PUT")
        let own = RegistrationEndpoint.parameters.map(\.string) + ["client_id", "client_secret"]
        #expect(Set(replaced) == Set(own))
    }

    @Test("References within the document lead somewhere")
    func references() throws {
        for reference in Self.references(in: .object(document.json)) {
            #expect(reference.hasPrefix("#/components/"))
            let link: JSONValue = ["$ref": .string(reference)]
            #expect(document.resolved(link) != nil, "\(reference)")
        }
    }

    @Test("Operations have names of their own")
    func operationIDs() {
        let operations = document.paths.members.flatMap { document.operations(of: $0.name.string) }
        let ids = operations.compactMap { $0.value.object?["operationId"]?.string?.string }
        #expect(ids.count == operations.count)
        #expect(Set(ids).count == ids.count)
    }

    @Test("The enumerations of a registration are those of the code")
    func registrationEnumerations() {
        let schema = document.resolved(["$ref": "#/components/schemas/ClientMetadata"])
        let properties = schema?["properties"]?.object
        func values(_ property: JSONObject?) -> [String] {
            property?["enum"]?.array?.compactMap { $0.string?.string } ?? []
        }
        let method = properties?["token_endpoint_auth_method"]?.object
        #expect(values(method) == ServerMetadata.authenticationMethods.map(\.string))
        let grants = properties?["grant_types"]?.object?["items"]?.object
        #expect(values(grants) == ServerMetadata.grantTypes.map(\.string))
    }

    private static func references(in value: JSONValue) -> [String] {
        if let array = value.array { return array.flatMap(references) }
        guard let object = value.object else { return [] }
        return object.members.flatMap { member in
            member.name == "$ref"
                ? [member.value.string?.string ?? ""] : references(in: member.value)
        }
    }
}
