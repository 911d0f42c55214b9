/*
 * auth_proof.h - what a proof is made of: for auth.c, which makes it, and body.c, which needs the
 * key.  Nobody else includes this.
 */
#ifndef HEARTH_GATEWAY_AUTH_PROOF_H
#define HEARTH_GATEWAY_AUTH_PROOF_H

#include "gateway/auth.h"

struct auth_proof {
    bool is_anonymous;
    unsigned rights; /* bits of enum route_right */
    struct hearth *hearth;
    struct sig_claim claim; /* verified, unless anonymous */
    uint8_t key[CRYPTO_KEY_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE + 1]; /* what the first chunk's covers */
};

#endif /* HEARTH_GATEWAY_AUTH_PROOF_H */
