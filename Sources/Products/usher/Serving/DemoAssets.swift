import AuthService
import Bytes

/// The demo's page, part of the executable.
enum DemoAssets {
    static let all: [ByteText: PageAsset] = [
        "/demo/": .html(PackageResources.index_html),
        "/demo/style.css": .style(PackageResources.style_css),
        "/demo/room.css": .style(PackageResources.room_css),
        "/demo/advice.js": .script(PackageResources.advice_js),
        "/demo/app.js": .script(PackageResources.app_js),
        "/demo/call.js": .script(PackageResources.call_js),
        "/demo/controls.js": .script(PackageResources.controls_js),
        "/demo/files.js": .script(PackageResources.files_js),
        "/demo/page.js": .script(PackageResources.page_js),
        "/demo/people.js": .script(PackageResources.people_js),
        "/demo/talk.js": .script(PackageResources.talk_js),
        "/demo/tiles.js": .script(PackageResources.tiles_js),
        "/demo/webrtc-client.js": .script(withoutMap(PackageResources.webrtc_client_js)),
        "/demo/icons.svg": .picture(PackageResources.icons_svg),
        "/demo/logo.svg": .picture(PackageResources.logo_svg),
    ]

    /// What is built of the client names its source map in its last line; no map is in here.
    static func withoutMap(_ script: [UInt8]) -> [UInt8] {
        let newline = UInt8(ascii: "\n")
        let start = script.dropLast().lastIndex(of: newline).map { $0 + 1 } ?? 0
        return script[start...].starts(with: "//# sourceMappingURL=".utf8)
            ? Array(script[..<start]) : script
    }
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

    static func picture(_ bytes: [UInt8]) -> PageAsset {
        PageAsset(contentType: "image/svg+xml", bytes: bytes)
    }
}
