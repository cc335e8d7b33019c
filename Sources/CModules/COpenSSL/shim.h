#pragma once
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

// A macro of macros, which Swift does not import.
static const int usherPublicKeySelection = EVP_PKEY_PUBLIC_KEY;

// An OSSL_PARAM keeps the pointer to its name: it must be a C literal, for a Swift string's is gone
// when the call returns. The same holds for the values, which the caller keeps.
static inline OSSL_PARAM usherGroupParameter(char *name) {
    return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, name, 0);
}
static inline OSSL_PARAM usherPointParameter(void *bytes, size_t count) {
    return OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, bytes, count);
}
static inline OSSL_PARAM usherModulusParameter(unsigned char *bytes, size_t count) {
    return OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_N, bytes, count);
}
static inline OSSL_PARAM usherExponentParameter(unsigned char *bytes, size_t count) {
    return OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_RSA_E, bytes, count);
}
static inline OSSL_PARAM usherDigestParameter(char *name) {
    return OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
}
