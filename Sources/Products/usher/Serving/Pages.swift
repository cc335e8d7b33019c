import Bytes
import HTTPMessages

/// The pages that are part of the executable.
enum Pages {
    static let demo: [ByteText: PageAsset] = [
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
        "/demo/webrtc-client.js": .script(PackageResources.webrtc_client_js),
        "/demo/icons.svg": .picture(PackageResources.icons_svg),
        "/demo/logo.svg": .picture(PackageResources.logo_svg),
    ]

    static let operators: [ByteText: PageAsset] = [
        "/": .html(PackageResources.operator_html),
        "/operator.js": .script(PackageResources.operator_js),
        "/operator.css": .style(PackageResources.operator_css),
    ]
}
