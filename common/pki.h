/*
 * pki.h - who is who: certificates and the identities they prove, on OpenSSL.
 *
 *   pki_key_create --> id = first 20 bytes of SHA-256(SubjectPublicKeyInfo)
 *        |  public half
 *        v
 *   pki_issue (by the cluster's own CA) --> certificate: DNS "<id>.<class>.hearth",
 *                                           URI "hearth://CLUSTER/CLASS/ID"
 *        |
 *        v
 *   pki_certificate_verify --> struct peer_identity
 *
 * Keys are ECDSA P-256.  A certificate names its holder twice, and both must agree with the key it
 * carries, so an id can be checked without asking anybody.  CLUSTER is 32 and ID 40 lower-case
 * hexadecimal digits; CLASS is a word of enum peer_class.
 *
 * PEM texts come back as zero-terminated strings of the caller, to be freed with free().
 *
 * Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_COMMON_PKI_H
#define HEARTH_COMMON_PKI_H

#include "common/env.h"
#include "common/pki_key.h"

enum {
    PKI_CLUSTER_SIZE = 16,
    PKI_CLUSTER_TEXT_SIZE = 2 * PKI_CLUSTER_SIZE + 1,
    PKI_DNS_NAME_SIZE = 64, /* "<40 digits>.coordinator.hearth" and its zero */

    /* Certificates are valid from this long before their issue: home clocks are off by minutes, or
     * by the hour of a summer time set by hand. */
    PKI_BACKDATE_S = 2 * 60 * 60,
};

/* Values are bits of the class masks in proto/rpc_methods.h. */
enum peer_class {
    PEER_NODE,        /* a storage daemon */
    PEER_CLIENT,      /* a customer's library or command line */
    PEER_GATEWAY,     /* an S3 gateway */
    PEER_WORKER,      /* repair and audit outside the coordinator */
    PEER_ADMIN,       /* the operator */
    PEER_SESSION,     /* anybody, towards a node: a random id for 24 hours */
    PEER_COORDINATOR, /* the coordinator as a server */
    PEER_CLASSES,
};

/* "node", "client" ...; static storage. */
const char *peer_class_text(enum peer_class class);

/* false: no such class; *out is untouched. */
bool peer_class_parse(struct view text, enum peer_class *out);

struct peer_identity {
    enum peer_class class;
    uint8_t id[PKI_ID_SIZE];
    char id_text[PKI_ID_TEXT_SIZE];
    uint8_t cluster[PKI_CLUSTER_SIZE];
};

/* ---- certificates ---- */

/* The self-signed certificate of a cluster's CA: subject "Hearth CLUSTER", URI hearth://CLUSTER. */
char *pki_ca_certificate(struct env *env, const struct pki_key *ca_key,
    const uint8_t cluster[PKI_CLUSTER_SIZE], uint64_t lifetime_s);

struct pki_subject {
    const struct pki_key *key; /* the public half is enough */
    enum peer_class class;
    uint64_t lifetime_s;
};

/*
 * Issues a certificate for TLS in both directions: random serial, valid from PKI_BACKDATE_S ago,
 * never longer than the CA itself.  A coordinator's also carries the DNS name
 * "coordinator.hearth", because those who enrol know its cluster but not its id.
 * HEARTH_INVALID: ca_pem is not a CA certificate of a Hearth cluster, or not of ca_key.
 */
enum hearth_code pki_issue(struct env *env, const struct pki_key *ca_key, const char *ca_pem,
    const struct pki_subject *subject, char **pem, struct hearth_err *err);

struct pki_certificate {
    struct peer_identity identity;
    uint8_t pin[PKI_PIN_SIZE]; /* of the certified key; its first 20 bytes are identity.id */
    uint64_t not_before_unix_ms;
    uint64_t not_after_unix_ms;
};

/* Reads a certificate without trusting it.  HEARTH_INVALID: not a certificate, or its names are
 * not ours, or they do not belong to its key. */
enum hearth_code pki_certificate_read(
    struct view pem, struct pki_certificate *out, struct hearth_err *err);

/* Reads it and checks the signature of the CA, the cluster and, by env's clock, the dates.
 * HEARTH_DENIED: another CA or cluster.  HEARTH_EXPIRED: not valid now. */
enum hearth_code pki_certificate_verify(struct env *env, struct view pem, const char *ca_pem,
    struct pki_certificate *out, struct hearth_err *err);

/* Of a CA certificate: which cluster, which pin. HEARTH_INVALID: not one. */
enum hearth_code pki_ca_read(struct view pem, uint8_t cluster[PKI_CLUSTER_SIZE],
    uint8_t pin[PKI_PIN_SIZE], struct hearth_err *err);

/* Seconds until it expires by env's clock; negative: since when it is. */
int64_t pki_seconds_left(struct env *env, const struct pki_certificate *certificate);

/* The name TLS asks for: "<id>.<class>.hearth"; id NULL: "<class>.hearth". */
void pki_dns_name(
    enum peer_class class, const uint8_t id[PKI_ID_SIZE], char name[PKI_DNS_NAME_SIZE]);

#endif /* HEARTH_COMMON_PKI_H */
