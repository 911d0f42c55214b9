/*
 * pki_names.h - how identities are spelt in certificates. For pki.c and pki_issue.c alone.
 */
#ifndef HEARTH_COMMON_PKI_NAMES_H
#define HEARTH_COMMON_PKI_NAMES_H

#include "common/pki.h"

#include <openssl/x509.h>

enum { PKI_URI_SIZE = 128 }; /* hearth://<32>/coordinator/<40> is 93 with its zero */

/* hearth://CLUSTER/CLASS/ID */
void pki_identity_uri(const struct peer_identity *identity, char uri[PKI_URI_SIZE]);

/* hearth://CLUSTER */
void pki_cluster_uri(const uint8_t cluster[PKI_CLUSTER_SIZE], char uri[PKI_URI_SIZE]);

/* The first certificate of the text, to be freed with X509_free(). NULL: there is none. */
X509 *pki_x509_from_pem(struct view pem);

#endif /* HEARTH_COMMON_PKI_NAMES_H */
