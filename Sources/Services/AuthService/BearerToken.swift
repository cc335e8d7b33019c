import Access
import Bytes
import Edge
import HTTPMessages

/// The token of a request to an endpoint that is itself a protected resource: in `Authorization`
/// and nowhere else (RFC 6750 §2.1, RFC 9700 §4.3.2).
enum BearerToken {
    static func find(in request: HTTPRequest) throws(OAuthRefusal) -> ByteText {
        try checkQuery(request.query)
        let token: ByteText?
        do throws(BearerCredentials.Fault) {
            token = try BearerCredentials.find(in: request.headers)
        } catch {
            throw .invalidBearerRequest(
                error == .repeated
                    ? "Authorization occurs more than once"
                    : "what follows Bearer in Authorization is no token")
        }
        guard let token else { throw .bearerNeeded }
        return token
    }

    /// The same where the edge step may have found a cookie that cannot be used: without another
    /// token, that is what is wrong.
    static func find(
        in request: HTTPRequest, beside refusal: EdgeRefusal?
    ) throws(OAuthRefusal) -> ByteText {
        do throws(OAuthRefusal) {
            return try find(in: request)
        } catch  where error.status == 401 {
            guard let refusal else { throw error }
            throw .invalidBearerRequest(refusal.description)
        }
    }

    private static func checkQuery(_ query: ByteText?) throws(OAuthRefusal) {
        do throws(PostedFormError) {
            try PostedForm.checkQuery(
                query, secrets: ["access_token"], elsewhere: "in Authorization")
        } catch {
            throw .invalidBearerRequest(error.text)
        }
    }
}

extension OAuthRefusal {
    private static let realm: ByteText = #"Bearer realm="usher""#

    /// Nothing was presented, so that the challenge names no error (RFC 6750 §3.1).
    static let bearerNeeded = OAuthRefusal(
        status: 401, code: "unauthorized",
        description: "a token must be sent, as Authorization: Bearer TOKEN",
        headers: [Header(name: "WWW-Authenticate", value: realm)])

    /// A request that says something twice or not as it must be said (RFC 6750 §3.1).
    static func invalidBearerRequest(_ description: String) -> OAuthRefusal {
        challenged(400, "invalid_request", description)
    }

    static func invalidToken(_ description: String) -> OAuthRefusal {
        challenged(401, "invalid_token", description)
    }

    static func insufficientScope(_ scope: ByteText, _ description: String) -> OAuthRefusal {
        challenged(403, "insufficient_scope", description, extra: #", scope="\#(scope)""#)
    }

    private static func challenged(
        _ status: Int, _ code: String, _ description: String, extra: ByteText = ""
    ) -> OAuthRefusal {
        let text = OAuthText.cleaned(description)
        let value: ByteText =
            #"\#(realm), error="\#(code)", error_description="\#(text)"\#(extra)"#
        return OAuthRefusal(
            status: status, code: code, description: description,
            headers: [Header(name: "WWW-Authenticate", value: value)])
    }
}
