import AuthService

/// The demo's page, part of the executable.
enum DemoAssets {
    static let all: [String: PageAsset] = [
        "/demo/": .html(PackageResources.index_html),
        "/demo/app.js": .script(PackageResources.app_js),
        "/demo/style.css": .style(PackageResources.style_css),
    ]
}

extension PageAsset {
    static func html(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "text/html; charset=utf-8", bytes: bytes)
    }

    static func script(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "text/javascript; charset=utf-8", bytes: bytes)
    }

    static func style(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "text/css; charset=utf-8", bytes: bytes)
    }
}
