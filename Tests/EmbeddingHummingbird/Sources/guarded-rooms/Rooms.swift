import Hummingbird

/// `GET /rooms/NAME` for those whose token allows that room, `GET /health` for everybody.
func makeRouter(_ tokenGuard: TokenGuard) -> Router<GuardedContext> {
    let router = Router(context: GuardedContext.self)
    router.get("health") { _, _ in "ok" }
    router.group("rooms").add(middleware: tokenGuard).get(":room") { _, context in
        let room = try context.parameters.require("room")
        guard let token = context.token, token.allows(room: room) else {
            return refusal(.forbidden, "Bearer realm=\"rooms\", error=\"insufficient_scope\"")
        }
        let text = "\(token.name ?? token.subject) may enter \(room)\n"
        return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: text)))
    }
    return router
}
