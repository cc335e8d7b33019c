// swift-tools-version: 6.2
import PackageDescription

// Links the libraries as anybody else's package would, through their public interface alone.
let package = Package(
    name: "embedding",
    dependencies: [.package(name: "usher", path: "../..")],
    targets: [
        .executableTarget(
            name: "embedding",
            dependencies: [
                .product(name: "UsherKeySet", package: "usher"),
                .product(name: "UsherVerifier", package: "usher"),
            ],
            swiftSettings: [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)])
    ]
)
