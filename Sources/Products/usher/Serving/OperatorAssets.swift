import AuthService
import Bytes

/// The operator's page, part of the executable.
enum OperatorAssets {
    static let all: [ByteText: PageAsset] = [
        "/": .html(PackageResources.operator_html),
        "/operator.js": .script(PackageResources.operator_js),
        "/operator.css": .style(PackageResources.operator_css),
    ]
}
