import AuthService

/// The demo's page, part of the executable.
enum DemoAssets {
    static let all: [String: DemoConfiguration.Asset] = [
        "/demo/": .init(
            contentType: "text/html; charset=utf-8", bytes: PackageResources.index_html),
        "/demo/app.js": .init(
            contentType: "text/javascript; charset=utf-8", bytes: PackageResources.app_js),
        "/demo/style.css": .init(
            contentType: "text/css; charset=utf-8", bytes: PackageResources.style_css),
    ]
}
