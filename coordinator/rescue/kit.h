/*
 * kit.h - the recovery kit: all that a lost coordinator cannot be rebuilt without, on one page.
 *
 *   HEARTH RECOVERY KIT 1
 *   ...
 *   01 cluster 4f...  9c2e        number, word, value, and two bytes of a hash of these three
 *   02 master  81...  03b7
 *   04 ca-key  30...  77aa        the CA's private key and certificate, DER, in hexadecimal
 *   ...
 *   31 node    ID ADDRESS 51f0    some nodes, as they were when it was printed
 *   40 end     0f3a9c21 ...       of all lines before
 *
 * It can be typed in from paper: a mistyped line is named.  Case, blanks and lines that do not
 * begin with a number are not looked at.  Everything else of a cluster follows from these: order
 * keys and the key of shipments from the master key, the coordinator's own certificate from the CA.
 *
 * Whoever has it can act as the coordinator; it opens no customer's data (D9).
 *
 * Pure computation.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_KIT_H
#define HEARTH_COORDINATOR_RESCUE_KIT_H

#include "common/arena.h"
#include "coordinator/cluster.h"

enum {
    KIT_NODES_MAX = 64,
    KIT_ADDRESS_MAX = 270, /* "host:port" */
    KIT_TEXT_MAX = 64 * 1024,
};

struct kit_node {
    uint8_t id[PKI_ID_SIZE];
    struct view address;
};

/* Texts live in the arena it was read with, or wherever they came from. */
struct kit {
    uint8_t cluster[PKI_CLUSTER_SIZE];
    uint8_t master[CRYPTO_KEY_SIZE];
    struct view ca_key_pem;
    struct view ca_pem;
    struct kit_node nodes[KIT_NODES_MAX];
    unsigned node_count;
};

void kit_print(const struct kit *kit, FILE *out);

/* HEARTH_INVALID: not a kit, or a line is missing or mistyped; the message says which.
 * HEARTH_UNKNOWN_FORMAT: of a newer version. */
enum hearth_code kit_read(
    struct view text, struct arena *arena, struct kit *out, struct hearth_err *err);

void kit_wipe(struct kit *kit);

#endif /* HEARTH_COORDINATOR_RESCUE_KIT_H */
