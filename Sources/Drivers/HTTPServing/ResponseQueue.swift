import CMicrohttpd
import HTTPMessages

/// Turns our responses into libmicrohttpd's and queues them.
enum ResponseQueue {
    static func send(_ response: HTTPResponse, on connection: OpaquePointer) -> MHD_Result {
        guard isSendable(response) else {
            return unsafe send(Refusals.unsendable, on: connection)
        }
        let made = unsafe response.body.withUnsafeBytes { bytes in
            // It copies, and never writes to what it is given here.
            unsafe MHD_create_response_from_buffer(
                bytes.count, UnsafeMutableRawPointer(mutating: bytes.baseAddress),
                .RESPMEM_MUST_COPY)
        }
        guard let made = unsafe made else { return .NO }
        defer { unsafe MHD_destroy_response(made) }
        var isGuarded = false
        for field in response.headers.fields {
            if isWrittenAnyway(field.name) { continue }
            isGuarded = isGuarded || FieldGrammar.areSameName(field.name, guardName)
            unsafe MHD_add_response_header(made, field.name, field.value)
        }
        if !isGuarded { unsafe MHD_add_response_header(made, guardName, "nosniff") }
        return unsafe MHD_queue_response(connection, UInt32(response.status), made)
    }

    /// Queues 101 with exactly these fields, and Date. libmicrohttpd adds `Connection: Upgrade`.
    static func sendUpgrade(_ headers: HeaderFields, on connection: OpaquePointer) -> MHD_Result {
        guard headers.fields.allSatisfy(isSendable) else {
            return unsafe send(Refusals.unsendable, on: connection)
        }
        guard let made = unsafe MHD_create_response_for_upgrade(ServerCallbacks.upgraded, nil)
        else { return .NO }
        defer { unsafe MHD_destroy_response(made) }
        for field in headers.fields where !FieldGrammar.areSameName(field.name, "Connection") {
            unsafe MHD_add_response_header(made, field.name, field.value)
        }
        return unsafe MHD_queue_response(connection, 101, made)
    }

    private static let guardName = "X-Content-Type-Options"

    /// Whether libmicrohttpd writes this field itself.
    private static func isWrittenAnyway(_ name: String) -> Bool {
        FieldGrammar.areSameName(name, "Content-Length") || FieldGrammar.areSameName(name, "Date")
            || FieldGrammar.areSameName(name, "Transfer-Encoding")
    }

    private static func isSendable(_ response: HTTPResponse) -> Bool {
        (200...599).contains(response.status) && response.headers.fields.allSatisfy(isSendable)
    }

    /// A line break in a field would end the header early; libmicrohttpd takes no tab either.
    private static func isSendable(_ field: HeaderFields.Field) -> Bool {
        FieldGrammar.isToken(field.name) && FieldGrammar.isFieldValue(field.value)
            && !field.value.utf8.contains(0x09)
    }
}
