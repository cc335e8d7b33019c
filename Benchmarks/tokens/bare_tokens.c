// The floor for token endpoints: libmicrohttpd with one thread, which does what any such endpoint
// must and nothing else. It checks HTTP Basic credentials (RFC 6749 §2.3.1) against a table of
// SHA-256 digests, reads grant_type, and answers with a fresh ES256 token of the same size and
// with the same header fields as Usher's. The signing key and its contexts are reused.
//   bare_tokens PORT CLIENT_ID CLIENT_SECRET
#include <microhttpd.h>
#include <netinet/in.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 16, FORM_BYTES = 4096, TEXT_BYTES = 256 };

struct client {
    char id[64];
    unsigned char secret_digest[32];
};

struct request {
    size_t length;
    char form[FORM_BYTES];
};

static struct client clients[CLIENTS]; // the last is the one whose credentials are told
static EVP_PKEY_CTX *signer;           // set up once, not for every signature
static EVP_MD_CTX *hasher;
static EVP_MD *sha256;

static void digest(const void *bytes, size_t length, unsigned char out[32]) {
    EVP_DigestInit_ex(hasher, sha256, NULL);
    EVP_DigestUpdate(hasher, bytes, length);
    EVP_DigestFinal_ex(hasher, out, NULL);
}

static int letter_value(char letter) {
    if (letter >= 'A' && letter <= 'Z') return letter - 'A';
    if (letter >= 'a' && letter <= 'z') return letter - 'a' + 26;
    if (letter >= '0' && letter <= '9') return letter - '0' + 52;
    return letter == '+' ? 62 : letter == '/' ? 63 : -1;
}

// Base64 to a C string; false where it is none, or would not fit.
static bool decode_base64(const char *in, char *out, size_t size) {
    size_t length = strlen(in), written = 0;
    if (length % 4) return false;
    for (int padding = 0; padding < 2 && length && in[length - 1] == '='; padding++) length--;
    unsigned bits = 0;
    for (size_t i = 0; i < length; i++) {
        int value = letter_value(in[i]);
        if (value < 0 || written + 1 >= size) return false;
        bits = bits << 6 | (unsigned)value;
        if (i % 4) out[written++] = (char)(bits >> (6 - i % 4 * 2));
    }
    out[written] = 0;
    return true;
}

static int hexadecimal(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

// Undoes the form encoding in place.
static bool decode_form(char *text) {
    char *out = text;
    for (; *text; text++) {
        if (*text != '%') {
            *out++ = *text == '+' ? ' ' : *text;
            continue;
        }
        int high = hexadecimal(text[1]), low = high < 0 ? -1 : hexadecimal(text[2]);
        if (low < 0) return false;
        *out++ = (char)(high << 4 | low);
        text += 2;
    }
    *out = 0;
    return true;
}

// The client that the Authorization field proves; NULL for anybody else.
static const struct client *authenticate(struct MHD_Connection *connection) {
    const char *field =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    char pair[TEXT_BYTES];
    if (!field || strncasecmp(field, "Basic ", 6) || !decode_base64(field + 6, pair, sizeof pair))
        return NULL;
    char *secret = strchr(pair, ':');
    if (!secret) return NULL;
    *secret++ = 0;
    if (!decode_form(pair) || !decode_form(secret)) return NULL;
    unsigned char presented[32];
    digest(secret, strlen(secret), presented);
    for (const struct client *client = clients; client < clients + CLIENTS; client++) {
        if (strcmp(client->id, pair)) continue;
        return CRYPTO_memcmp(client->secret_digest, presented, 32) ? NULL : client;
    }
    return NULL;
}

static bool asks_for_a_token(char *form) {
    for (char *rest = form, *pair; (pair = strsep(&rest, "&"));) {
        char *value = strchr(pair, '=');
        if (!value) continue;
        *value++ = 0;
        if (!decode_form(pair) || !decode_form(value)) return false;
        if (!strcmp(pair, "grant_type")) return !strcmp(value, "client_credentials");
    }
    return false;
}

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
    unsigned char der[80], raw[64], hash[32];
    size_t der_length = sizeof der;
    digest(input, length, hash);
    EVP_PKEY_sign(signer, der, &der_length, hash, sizeof hash);
    const unsigned char *next = der;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &next, (long)der_length);
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + 32, 32);
    ECDSA_SIG_free(signature);
    return put_base64url(out, raw, sizeof raw);
}

static struct MHD_Response *answer_with(const char *body) {
    struct MHD_Response *response =
        MHD_create_response_from_buffer(strlen(body), (void *)body, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, "Content-Type", "application/json");
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "Pragma", "no-cache");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    return response;
}

static struct MHD_Response *fresh_token(const struct client *client) {
    static const char header[] =
        "{\"alg\":\"ES256\",\"kid\":\"0123456789012345678901234567890123456789012\","
        "\"typ\":\"at+jwt\"}";
    static unsigned long count;
    char body[2048] = "{\"access_token\":\"", claims[512];
    char *token = body + strlen(body), *end = token;
    long now = time(NULL);
    int length = snprintf(claims, sizeof claims,
                          "{\"aud\":\"http://127.0.0.1:65535\",\"client_id\":\"%s\",\"exp\":%ld,"
                          "\"iat\":%ld,\"iss\":\"http://127.0.0.1:65535\",\"jti\":\"%022lu\","
                          "\"rooms\":[\"*\"],\"scope\":\"signal\",\"sub\":\"%s\"}",
                          client->id, now + 600, now, count++, client->id);
    end = put_base64url(end, header, sizeof header - 1);
    *end++ = '.';
    end = put_base64url(end, claims, (size_t)length);
    char *dot = end++;
    end = put_signature(end, token, (size_t)(dot - token));
    *dot = '.';
    strcpy(end, "\",\"token_type\":\"Bearer\",\"expires_in\":600,\"scope\":\"signal\","
                "\"rooms\":[\"*\"]}");
    return answer_with(body);
}

static enum MHD_Result answer(void *self, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_length, void **state) {
    (void)self, (void)version;
    struct request *request = *state;
    if (!request) {
        *state = request = malloc(sizeof *request);
        if (!request) return MHD_NO;
        request->length = 0;
        return MHD_YES;
    }
    if (*data_length) {
        if (request->length + *data_length >= FORM_BYTES) return MHD_NO;
        memcpy(request->form + request->length, data, *data_length);
        request->length += *data_length;
        *data_length = 0;
        return MHD_YES;
    }
    request->form[request->length] = 0;
    const struct client *client = NULL;
    if (!strcmp(method, "POST") && !strcmp(url, "/oauth2/token") && asks_for_a_token(request->form))
        client = authenticate(connection);
    struct MHD_Response *response =
        client ? fresh_token(client) : answer_with("{\"error\":\"invalid_client\"}");
    enum MHD_Result queued = MHD_queue_response(connection, client ? 200 : 401, response);
    MHD_destroy_response(response);
    return queued;
}

static void completed(void *self, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code) {
    (void)self, (void)connection, (void)code;
    free(*state);
    *state = NULL;
}

static void fill_table(const char *id, const char *secret) {
    for (int i = 0; i < CLIENTS; i++)
        snprintf(clients[i].id, sizeof clients[i].id, "c_%d", i);
    struct client *last = &clients[CLIENTS - 1];
    snprintf(last->id, sizeof last->id, "%s", id);
    digest(secret, strlen(secret), last->secret_digest);
}

int main(int argc, char **argv) {
    if (argc != 4) return fputs("bare_tokens PORT CLIENT_ID CLIENT_SECRET\n", stderr), 2;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signer = EVP_PKEY_CTX_new(EVP_EC_gen("P-256"), NULL);
    EVP_PKEY_sign_init(signer);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    hasher = EVP_MD_CTX_new();
    fill_table(argv[2], argv[3]);
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, answer, NULL, MHD_OPTION_SOCK_ADDR, &address,
        MHD_OPTION_CONNECTION_LIMIT, 10000u, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
        MHD_OPTION_END);
    if (!daemon) {
        perror("bare_tokens: start");
        return 1;
    }
    for (;;) pause();
}
