/*
 * evidence_format.h - why a node was convicted, as bytes that can be checked without the cluster.
 *
 *   coordinator: evidence_encode --signed by the cluster's CA--> a row, a file
 *   anybody with the CA's certificate: evidence_decode --> evidence_check (tools/)
 *
 * What is in it: which shard, the segment as the metadata had it when it was read again, every
 * question with its signed order, when it was asked and what came of it, and the cell that came if
 * it was a wrong one.  The key VK of the segment is in it too: it tells true cells from false ones
 * and opens nothing.
 *
 *   version 1 | fault 1 | cluster 16 | node id 20 | node number 4 | judged 8 |
 *   segment 16 | slot 2 | p 2 | k 2 | n 2 | length 4 | vk 32 | generation 8 | sealed 8 |
 *   holders digest 32 | first stripe 4 | stripes 4 | wrong stripe 4 | strikes 2 |
 *   witnesses asked 2 | witnesses true 2 |
 *   tries 2, each: role 1 | answer 1 | code 2 | asked 8 | ended 8 | order 170
 *   cell: length 4, bytes | CA's public key 91 | signature: length 4, bytes
 *
 * The signature is over "hearth/1/evidence" and everything before the public key.  It is the
 * coordinator's word: nodes do not sign what they answer.
 *
 * Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_PROTO_EVIDENCE_FORMAT_H
#define HEARTH_PROTO_EVIDENCE_FORMAT_H

#include "proto/order_format.h"

enum {
    EVIDENCE_FORMAT_VERSION = 1,
    EVIDENCE_TRIES_MAX = 96, /* the latest; 24 strikes are 48 at most */
    EVIDENCE_CELL_MAX = 128 * 1024,
    EVIDENCE_TRY_SIZE = 1 + 1 + 2 + 8 + 8 + ORDER_SIZE,
    EVIDENCE_SIZE_MAX = 1024 + EVIDENCE_TRIES_MAX * EVIDENCE_TRY_SIZE + EVIDENCE_CELL_MAX,
};

/* X(name, value, text): what a question was for. */
#define EVIDENCE_ROLE_TABLE(X)                                                                     \
    X(CELL, 1, "the cell")                                                                         \
    X(AGAIN, 2, "the cell, again")                                                                 \
    X(BEFORE, 3, "another cell, before")

enum evidence_role {
#define X(name, value, text) EVIDENCE_##name = (value),
    EVIDENCE_ROLE_TABLE(X)
#undef X
};

const char *evidence_role_text(enum evidence_role role); /* static storage */

/* What came of a question, as the coordinator numbers it (audit_judge.h): records say so for ever.
 */
enum evidence_answer {
    EVIDENCE_TRUE = 1,
    EVIDENCE_WRONG,
    EVIDENCE_MISSING,
    EVIDENCE_ROTTEN,
    EVIDENCE_ANSWERS = 8, /* between: none came, for some reason */
};

/* One question and what came of it. */
struct evidence_try {
    enum evidence_role role;
    uint8_t answer; /* enum evidence_answer */
    uint16_t code;  /* enum hearth_code the call ended with */
    uint64_t asked_unix_ms;
    uint64_t ended_unix_ms;
    uint8_t order[ORDER_SIZE];
};

struct evidence {
    uint8_t fault; /* enum audit_fault of the coordinator */
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t node_id[PKI_ID_SIZE];
    uint32_t node;
    uint64_t judged_unix_ms;
    uint8_t segment[16];
    uint16_t slot;
    uint16_t p;
    uint16_t k;
    uint16_t n;
    uint32_t length; /* of the segment's plaintext */
    uint8_t vk[CRYPTO_KEY_SIZE];
    uint64_t generation;
    uint64_t sealed_unix_ms;
    uint8_t holders_digest[CRYPTO_SHA256_SIZE]; /* of the column, as read again */
    uint32_t first_stripe;                      /* of what was asked for */
    uint32_t stripes;
    uint32_t wrong_stripe; /* of `cell` */
    uint16_t strikes;
    uint16_t witnesses_asked;
    uint16_t witnesses_true;
    struct evidence_try tries[EVIDENCE_TRIES_MAX];
    size_t try_count;
    struct view cell; /* with its tag, as the node sent it; empty: none came */
};

/* Tries alone: the log of a cell that is asked for again and again. Returns the size written, at
 * most EVIDENCE_TRIES_MAX * EVIDENCE_TRY_SIZE. */
size_t evidence_tries_encode(const struct evidence_try *tries, size_t count, uint8_t *bytes);

/* false: not a list of tries. */
bool evidence_tries_decode(struct view bytes, struct evidence_try *tries, size_t *count);

/* `bytes` has room for EVIDENCE_SIZE_MAX; returns the size. The CA's key signs. */
size_t evidence_encode(
    const struct evidence *evidence, const struct pki_key *ca_key, uint8_t *bytes);

/*
 * out->cell is borrowed from `bytes`.  HEARTH_UNKNOWN_FORMAT.  HEARTH_INVALID: not evidence.
 * HEARTH_DENIED: altered, or signed by another CA than that of this pin.
 */
enum hearth_code evidence_decode(struct view bytes, const uint8_t ca_pin[PKI_PIN_SIZE],
    struct evidence *out, struct hearth_err *err);

#endif /* HEARTH_PROTO_EVIDENCE_FORMAT_H */
