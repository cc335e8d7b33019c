import AuthService

/// The operator's page, part of the executable.
enum OperatorAssets {
    static let all: [String: PageAsset] = [
        "/": .html(PackageResources.operator_html),
        "/operator.js": .script(PackageResources.operator_js),
        "/operator.css": .style(PackageResources.operator_css),
    ]
}
