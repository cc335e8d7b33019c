// swift-tools-version: 6.2
import Glibc
import PackageDescription

// The layers, and who may know whom. A new arrow is a decision: see docs/architecture.md.
//
//   Products ──► Services ──► Core ◄── Drivers ──► CModules      (Products ──► Drivers too)
//
// Base is beneath all but Core, which needs no lock.

enum Layer: String {
    case base = "Base"
    case cModules = "CModules"
    case core = "Core"
    case drivers = "Drivers"
    case services = "Services"
    case products = "Products"

    var mayUse: [Layer] {
        switch self {
        case .base, .cModules: []
        case .core: [.core]
        case .drivers: [.base, .cModules, .core, .drivers]
        case .services: [.base, .core, .services]
        case .products: [.base, .core, .drivers, .services, .products]
        }
    }
}

struct Module {
    let name: String
    let layer: Layer
    var uses: [String] = []
    var external: [Target.Dependency] = []
    var path: String { "Sources/\(layer.rawValue)/\(name)" }
}

let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let argumentParser = Target.Dependency.product(
    name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

let modules: [Module] = [
    Module(name: "Locking", layer: .base),

    Module(name: "CEpoll", layer: .cModules),
    Module(name: "CGnuTLS", layer: .cModules),
    Module(name: "CLibJWT", layer: .cModules),
    Module(name: "CLibSSL", layer: .cModules),
    Module(name: "CMicrohttpd", layer: .cModules),
    Module(name: "CNats", layer: .cModules),
    Module(name: "COpenSSL", layer: .cModules),
    Module(name: "CPQ", layer: .cModules),

    Module(name: "Bytes", layer: .core),
    Module(name: "Identifiers", layer: .core, uses: ["Bytes"]),
    Module(name: "StrictJSON", layer: .core, uses: ["Bytes"]),
    Module(name: "Tokens", layer: .core, uses: ["Bytes", "Identifiers", "StrictJSON"]),
    Module(
        name: "Access", layer: .core, uses: ["Bytes", "HTTPMessages", "Identifiers", "Tokens"]),
    Module(
        name: "Clients", layer: .core,
        uses: ["Access", "Bytes", "HTTPMessages", "Identifiers", "Tokens"]),
    Module(name: "HTTPMessages", layer: .core, uses: ["Bytes"]),
    Module(name: "Monitoring", layer: .core),
    Module(name: "Tar", layer: .core, uses: ["Bytes"]),
    Module(name: "Edge", layer: .core, uses: ["Access", "Bytes", "HTTPMessages", "StrictJSON"]),
    Module(name: "WebSocket", layer: .core, uses: ["Bytes", "HTTPMessages", "Identifiers"]),
    Module(name: "Shares", layer: .core, uses: ["Identifiers"]),
    Module(name: "Signalling", layer: .core, uses: ["Bytes", "Identifiers", "StrictJSON"]),
    Module(name: "Rooms", layer: .core, uses: ["Identifiers", "Signalling"]),
    Module(name: "Sessions", layer: .core, uses: ["Bytes", "Identifiers", "Signalling"]),
    Module(
        name: "Cluster", layer: .core,
        uses: ["Bytes", "Identifiers", "Rooms", "Sessions", "Signalling"]),
    Module(name: "ICEServers", layer: .core, uses: ["Bytes", "Identifiers", "StrictJSON"]),
    Module(name: "AWSRequests", layer: .core, uses: ["Bytes", "HTTPMessages"]),
    Module(name: "Tables", layer: .core, uses: ["Bytes"]),

    Module(
        name: "Cryptography", layer: .drivers,
        uses: ["Bytes", "COpenSSL", "Files", "Locking", "Tokens"]),
    Module(
        name: "TokenIssuing", layer: .drivers,
        uses: ["Bytes", "CLibJWT", "Cryptography", "Identifiers", "Locking", "Tokens"]),
    Module(
        name: "RegistryFollowing", layer: .drivers,
        uses: ["Access", "Bytes", "CEpoll", "Clients", "Identifiers", "Locking"]),
    Module(
        name: "RegistryOnSQLite", layer: .drivers,
        uses: ["Bytes", "Clients", "Files", "Identifiers", "Tokens"], external: [grdb]),
    Module(
        name: "RegistryOnPostgres", layer: .drivers,

        uses: ["Bytes", "CPQ", "Clients", "Identifiers", "Locking", "Threads", "Tokens"]),
    Module(
        name: "HTTPServing", layer: .drivers,
        uses: [
            "Bytes", "CEpoll", "CGnuTLS", "CMicrohttpd", "HTTPMessages", "Locking", "Monitoring",
            "Threads",
        ]),
    Module(
        name: "SocketLoop", layer: .drivers,
        uses: [
            "Bytes", "CEpoll", "Identifiers", "Locking", "Monitoring", "Shares", "Threads",
            "WebSocket",
        ]),
    Module(
        name: "HTTPClient", layer: .drivers,
        uses: ["Bytes", "CEpoll", "CLibSSL", "Files", "HTTPMessages", "Locking", "Threads"]),
    Module(
        name: "SigningKeys", layer: .drivers,
        uses: ["Bytes", "Clients", "Cryptography", "Files", "Locking", "Tokens"]),
    Module(
        name: "KeyFollowing", layer: .drivers,
        uses: [
            "Access", "Clients", "Cryptography", "Identifiers", "Locking", "SigningKeys",
            "TokenIssuing", "Tokens",
        ]),
    Module(
        name: "NATSBus", layer: .drivers,
        uses: [
            "Bytes", "CEpoll", "CNats", "COpenSSL", "Cluster", "Cryptography", "Locking",
            "StrictJSON", "Threads",
        ]),
    Module(name: "LogWriting", layer: .drivers, uses: ["Locking", "Monitoring"]),
    Module(name: "Threads", layer: .drivers, uses: ["CEpoll", "Locking"]),
    Module(name: "Files", layer: .drivers),
    Module(name: "SessionShelf", layer: .drivers, uses: ["Files", "Locking"]),

    Module(
        name: "AWSServices", layer: .drivers,
        uses: [
            "AWSRequests", "Bytes", "Cryptography", "HTTPClient", "HTTPMessages", "Locking",
            "StrictJSON",
        ]),
    Module(
        name: "DynamoTables", layer: .drivers,
        uses: [
            "AWSServices", "Bytes", "HTTPClient", "HTTPMessages", "StrictJSON", "Tables",
        ]),
    Module(
        name: "LambdaRuntime", layer: .drivers,
        uses: ["Bytes", "HTTPClient", "HTTPMessages", "StrictJSON"]),

    Module(
        name: "AuthService", layer: .services,
        uses: [
            "Access", "Bytes", "Clients", "Edge", "HTTPMessages", "ICEServers", "Identifiers",
            "Locking", "StrictJSON", "Tokens",
        ]),
    Module(
        name: "Admission", layer: .services,
        uses: [
            "Access", "Bytes", "HTTPMessages", "Identifiers", "Locking", "Shares", "Signalling",
            "StrictJSON", "Tokens", "WebSocket",
        ]),
    Module(
        name: "Relay", layer: .services,
        uses: [
            "Access", "Admission", "Bytes", "Cluster", "ICEServers", "Identifiers", "Locking",
            "Rooms", "Sessions", "Shares", "Signalling", "Tokens", "WebSocket",
        ]),
    Module(
        name: "ServerlessRelay", layer: .services,
        uses: [
            "Access", "Admission", "Bytes", "Edge", "HTTPMessages", "ICEServers", "Identifiers",
            "Locking", "Rooms", "Sessions", "Signalling", "StrictJSON", "Tables", "Tokens",
        ]),

    Module(
        name: "PublicService", layer: .services,
        uses: ["Admission", "AuthService", "Bytes", "Edge", "HTTPMessages"]),
    Module(
        name: "OperatorService", layer: .services,
        uses: [
            "Access", "AuthService", "Bytes", "Cluster", "HTTPMessages", "Identifiers", "Locking",
            "Monitoring", "Relay", "Signalling", "StrictJSON",
        ]),

    Module(
        name: "UsherVerifier", layer: .products,
        uses: [
            "Bytes", "Cryptography", "Files", "Identifiers", "Locking", "StrictJSON", "Tokens",
        ]),
    Module(
        name: "UsherKeySet", layer: .products,
        uses: ["Bytes", "Locking", "Tokens", "UsherVerifier"]),
    Module(
        name: "usher", layer: .products,
        uses: [
            "AWSRequests", "AWSServices", "Access", "Admission", "AuthService", "Bytes",
            "Clients", "Cluster", "Cryptography", "DynamoTables", "Edge", "Files", "HTTPClient",
            "HTTPMessages", "HTTPServing", "ICEServers", "Identifiers", "KeyFollowing", "Locking",
            "LogWriting", "Monitoring", "NATSBus", "OperatorService", "PublicService",
            "RegistryFollowing", "RegistryOnPostgres", "RegistryOnSQLite", "Relay", "Rooms",
            "ServerlessRelay", "SessionShelf", "Sessions", "Signalling", "SigningKeys",
            "SocketLoop", "StrictJSON", "Tar", "Threads", "TokenIssuing", "Tokens",
            "UsherVerifier", "WebSocket",
        ],
        external: [argumentParser, logging]),
    Module(
        name: "usher-lambda", layer: .products,
        uses: [
            "AWSRequests", "AWSServices", "Access", "Bytes", "Clients",
            "Cryptography", "DynamoTables", "Edge", "Files", "HTTPClient", "HTTPMessages",
            "ICEServers", "Identifiers", "LambdaRuntime", "Locking", "ServerlessRelay",
            "StrictJSON", "Threads", "Tokens", "UsherVerifier",
        ]),
]

/// What a test target may import beside the module it is named after and what that one uses.
let testUses: [String: [String]] = [
    "Shares": ["Bytes"],
    "AWSRequests": ["Cryptography"],
    "Cryptography": ["StrictJSON"],
    "TokenIssuing": ["StrictJSON"],
    "RegistryFollowing": ["RegistryOnSQLite", "RegistrySupport"],
    "RegistryOnPostgres": [
        "Access", "RegistryFollowing", "RegistrySupport", "ServerSupport",
    ],
    "RegistryOnSQLite": ["RegistrySupport"],
    "HTTPClient": ["ServerSupport"],
    "DynamoTables": ["Locking"],
    "SigningKeys": ["RegistrySupport"],
    "KeyFollowing": ["Bytes", "RegistrySupport", "StrictJSON", "UsherVerifier"],
    "SocketLoop": ["HTTPMessages"],
    "NATSBus": ["ServerSupport"],
    "AWSServices": ["ServerSupport", "Threads"],
    "LambdaRuntime": ["Locking", "ServerSupport"],
    "AuthService": ["Cryptography"],
    "Admission": ["AdmissionSupport"],
    "Relay": ["AdmissionSupport", "HTTPMessages", "StrictJSON"],
    "UsherVerifier": ["TokenIssuing"],
    "PublicService": ["Locking"],
    "usher-lambda": ["Admission", "ServerSupport", "TokenIssuing"],
    "UsherKeySet": ["Cryptography", "Identifiers", "StrictJSON", "TokenIssuing"],
]

func refuse(_ message: String) -> Never {
    print("Package.swift: \(message)")
    exit(1)
}

let moduleNamed = Dictionary(uniqueKeysWithValues: modules.map { ($0.name, $0) })
for module in modules {
    for used in module.uses {
        guard let target = moduleNamed[used] else {
            refuse("\(module.name) uses \(used), which is no module")
        }
        guard module.layer.mayUse.contains(target.layer) else {
            refuse(
                "\(module.layer.rawValue)/\(module.name) may not use "
                    + "\(target.layer.rawValue)/\(used): see the layers in docs/architecture.md")
        }
    }
}

/// Whether Fuzz/run builds: the modules for libFuzzer and AddressSanitizer, and what feeds them
let isFuzzing = Context.environment["USHER_FUZZ"] != nil
let fuzzerFlags = ["-sanitize=fuzzer,address", "-use-ld=lld"]

let settings: [SwiftSetting] =
    [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
    ] + (isFuzzing ? [.unsafeFlags(fuzzerFlags + ["-assert-config", "Debug"])] : [])

/// What the executable bears within it: pages and the OpenAPI description.
let embedded =
    [
        "index.html", "style.css", "room.css", "advice.js", "app.js", "call.js", "controls.js",
        "files.js", "page.js", "people.js", "talk.js", "tiles.js", "webrtc-client.js",
        "icons.svg", "logo.svg",
    ].map { "Demo/\($0)" }
    + ["operator.html", "operator.js", "operator.css"].map { "Operator/\($0)" }
    + ["openapi.json"]

func names(_ targets: [String]) -> [Target.Dependency] { targets.map { .target(name: $0) } }

let sources: [Target] = modules.map { module in
    let dependencies = names(module.uses) + module.external
    if module.layer == .cModules {
        return .systemLibrary(name: module.name, path: module.path)
    }
    if module.name == "usher-lambda" {
        return .executableTarget(
            name: module.name, dependencies: dependencies, path: module.path,
            swiftSettings: settings)
    }
    if module.name == "usher" {
        return .executableTarget(
            name: module.name, dependencies: dependencies, path: module.path,
            resources: embedded.map { .embedInCode($0) },
            swiftSettings: settings)
    }
    return .target(
        name: module.name, dependencies: dependencies, path: module.path,
        swiftSettings: settings)
}

let tests: [Target] =
    modules.filter { $0.layer != .cModules }.map { module in
        .testTarget(
            name: "\(module.name)Tests",
            dependencies: names(
                [module.name, "TestSupport"] + module.uses + (testUses[module.name] ?? [])),
            path: "Tests/\(module.name)Tests", swiftSettings: settings)
    } + [
        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: settings),
        // What the tests of admission and those of the relay behind it both stand on.
        .target(
            name: "AdmissionSupport",
            dependencies: names([
                "Access", "Admission", "Bytes", "HTTPMessages", "Identifiers", "Locking", "Tokens",
            ]),
            path: "Tests/AdmissionSupport", swiftSettings: settings),
        // What is promised of a registry, whatever keeps it: a file, or a server that is named.
        .testTarget(
            name: "RegistryTests",
            dependencies: names([
                "Access", "Bytes", "Clients", "Identifiers", "RegistryFollowing", "RegistrySupport",
                "TestSupport", "Tokens",
            ]),
            path: "Tests/RegistryTests", swiftSettings: settings),
        // A registry's file, as its tests and those of whoever follows it have it.
        .target(
            name: "RegistrySupport",
            dependencies: names([
                "Bytes", "Clients", "Cryptography", "Identifiers", "Locking", "RegistryOnPostgres",
                "RegistryOnSQLite", "ServerSupport", "Threads", "Tokens",
            ]) + [grdb],
            path: "Tests/RegistrySupport", swiftSettings: settings),
        // Servers that do what a test says, for whatever asks one.
        .target(
            name: "ServerSupport", dependencies: names(["CLibSSL", "Locking", "Threads"]),
            path: "Tests/ServerSupport", swiftSettings: settings),
    ]

let fuzzer: [Target] = [
    .systemLibrary(name: "CFuzzer", path: "Fuzz/CFuzzer"),
    .executableTarget(
        name: "usher-fuzz",
        dependencies: names([
            "Access", "AuthService", "Bytes", "CEpoll", "CFuzzer", "Clients", "Cluster", "Edge",
            "HTTPMessages", "ICEServers", "Identifiers", "Locking", "Relay", "Signalling",
            "SocketLoop", "StrictJSON", "Tokens", "WebSocket",
        ]),
        path: "Fuzz/Targets", swiftSettings: settings,
        linkerSettings: [.unsafeFlags(fuzzerFlags)]),
]

let package = Package(
    name: "usher",
    products: [
        .executable(name: "usher", targets: ["usher"]),
        .executable(name: "usher-lambda", targets: ["usher-lambda"]),
        .library(name: "UsherVerifier", targets: ["UsherVerifier"]),
        .library(name: "UsherKeySet", targets: ["UsherKeySet"]),
    ],
    dependencies: [
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: sources + tests + [
        .testTarget(
            name: "ArchitectureTests", path: "Tests/ArchitectureTests", swiftSettings: settings),
        // Measures against OpenSSL itself, so it alone among executables sees the C.
        .executableTarget(
            name: "token-benchmark",
            dependencies: names([
                "COpenSSL", "Cryptography", "Identifiers", "TokenIssuing", "Tokens",
                "UsherVerifier",
            ]),
            path: "Benchmarks/TokenBenchmark", swiftSettings: settings),
        // Sends back what it gets, for scripts/autobahn.
        .executableTarget(
            name: "echo-server",
            dependencies: names([
                "Cryptography", "HTTPMessages", "HTTPServing", "Identifiers", "SocketLoop",
                "WebSocket",
            ]),
            path: "Tests/EchoServer", swiftSettings: settings),
        // Does to a table what a test says, for Tests/EndToEnd/test_dynamo_tables.py.
        .executableTarget(
            name: "table-probe",
            dependencies: names([
                "AWSRequests", "AWSServices", "Bytes", "DynamoTables", "HTTPClient",
                "LambdaRuntime", "StrictJSON", "Tables",
            ]),
            path: "Tests/TableProbe", swiftSettings: settings),
    ] + (isFuzzing ? fuzzer : [])
)
