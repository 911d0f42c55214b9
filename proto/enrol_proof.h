/*
 * enrol_proof.h - what an enrolling caller signs. For enrol_client.c and enrol_server.c alone.
 */
#ifndef HEARTH_PROTO_ENROL_PROOF_H
#define HEARTH_PROTO_ENROL_PROOF_H

#include "proto/tls_link.h"

enum { ENROL_PROOF_SIZE = 46 }; /* "hearth/1/enrol" and 32 exported bytes */

/* Only the two ends of this connection can know it (RFC 8446 7.5, RFC 5705 4). */
static inline void enrol_proof(const struct tls_link *link, uint8_t proof[ENROL_PROOF_SIZE])
{
    static const char label[] = "EXPORTER-hearth-1-enrol";
    static const char purpose[] = "hearth/1/enrol";
    const size_t purpose_size = sizeof(purpose) - 1;
    memcpy(proof, purpose, purpose_size);
    int rc = SSL_export_keying_material(link->ssl, proof + purpose_size,
        ENROL_PROOF_SIZE - purpose_size, label, sizeof(label) - 1, NULL, 0, 0);
    assert(rc == 1);
}

#endif /* HEARTH_PROTO_ENROL_PROOF_H */
