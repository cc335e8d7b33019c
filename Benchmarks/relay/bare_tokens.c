// The floor for token endpoints: libmicrohttpd with one thread, which answers every POST with a
// fresh ES256 token and never looks at the client's credentials.
//   bare_tokens PORT
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static EVP_PKEY_CTX *signer; // set up once, not for every signature
static EVP_MD_CTX *hasher;
static EVP_MD *sha256;

static char *put_base64url(char *out, const void *bytes, size_t length) {
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *in = bytes;
    for (size_t i = 0; i < length; i += 3) {
        unsigned group = (unsigned)in[i] << 16;
        if (i + 1 < length) group |= (unsigned)in[i + 1] << 8;
        if (i + 2 < length) group |= in[i + 2];
        *out++ = letters[group >> 18];
        *out++ = letters[group >> 12 & 63];
        if (i + 1 < length) *out++ = letters[group >> 6 & 63];
        if (i + 2 < length) *out++ = letters[group & 63];
    }
    return out;
}

static char *put_signature(char *out, const char *input, size_t length) {
    unsigned char der[80], raw[64], digest[32];
    size_t der_length = sizeof der;
    EVP_DigestInit_ex(hasher, sha256, NULL);
    EVP_DigestUpdate(hasher, input, length);
    EVP_DigestFinal_ex(hasher, digest, NULL);
    EVP_PKEY_sign(signer, der, &der_length, digest, sizeof digest);
    const unsigned char *next = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &next, (long)der_length);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32);
    ECDSA_SIG_free(signature);
    return put_base64url(out, raw, sizeof raw);
}

static struct MHD_Response *fresh_token(void) {
    static const char header[] = "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}";
    static unsigned long count;
    char body[1024] = "{\"access_token\":\"", claims[256];
    char *token = body + strlen(body), *end = token;
    long now = time(NULL);
    int length = snprintf(claims, sizeof claims,
                          "{\"iss\":\"https://issuer.example\",\"sub\":\"c\",\"aud\":\"api\","
                          "\"iat\":%ld,\"exp\":%ld,\"jti\":\"%036lu\",\"scope\":\"signal\"}",
                          now, now + 600, count++);
    end = put_base64url(end, header, sizeof header - 1);
    *end++ = '.';
    end = put_base64url(end, claims, (size_t)length);
    char *dot = end++;
    end = put_signature(end, token, (size_t)(dot - token));
    *dot = '.';
    strcpy(end, "\",\"token_type\":\"Bearer\",\"expires_in\":600}");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    return response;
}

static enum MHD_Result answer(void *self, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_length, void **state) {
    static int begun;
    (void)self, (void)url, (void)method, (void)version, (void)data;
    if (!*state) {
        *state = &begun;
        return MHD_YES;
    }
    if (*data_length) {
        *data_length = 0;
        return MHD_YES;
    }
    struct MHD_Response *response = fresh_token();
    enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

int main(int argc, char **argv) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)(argc > 1 ? atoi(argv[1]) : 0)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signer = EVP_PKEY_CTX_new(EVP_EC_gen("P-256"), NULL);
    EVP_PKEY_sign_init(signer);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher = EVP_MD_CTX_new();
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_CONNECTION_LIMIT, 10000u, MHD_OPTION_END);
    if (!daemon) {
        perror("bare_tokens: start");
        return 1;
    }
    for (;;) pause();
}
