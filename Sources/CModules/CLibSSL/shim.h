#pragma once
#include <netdb.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// Macros with arguments, which Swift does not import.
static inline int usherMinProtocol(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline void usherNoSessionCache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}
static inline int usherServerName(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
// What reading from an empty memory BIO gives: -1 while more may come, 0 for the end.
static inline void usherEmptyReads(BIO *bio, long result) {
    BIO_set_mem_eof_return(bio, result);
}
static const uint64_t usherNoRenegotiation = SSL_OP_NO_RENEGOTIATION;
