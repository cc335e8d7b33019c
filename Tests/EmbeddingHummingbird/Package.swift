// swift-tools-version: 6.2
import PackageDescription

// A Hummingbird server that lets requests through to a route only with a good token.
// `scripts/test --deep` builds and runs it; that takes minutes, for it builds SwiftNIO.
let package = Package(
    name: "guarded-rooms",
    dependencies: [
        .package(name: "usher", path: "../.."),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
    ],
    targets: [
        .executableTarget(
            name: "guarded-rooms",
            dependencies: [
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "UsherKeySet", package: "usher"),
                .product(name: "UsherVerifier", package: "usher"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)])
    ]
)
