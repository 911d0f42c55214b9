/*
 * cluster.h - the keys that are the cluster: its CA, the coordinator's identity, the master key.
 *
 *   DIR/ca.key ca.crt      whoever has the key can make members
 *   DIR/master.key         names of shards, orders: whoever has it can find and open every shard
 *   DIR/coordinator.key    this process's identity; its certificate is made at each start
 *
 * None of them opens customers' data (D9).  The recovery kit carries the first two.
 *
 * Thread-safety: never changes after open; share it freely.
 */
#ifndef HEARTH_COORDINATOR_CLUSTER_H
#define HEARTH_COORDINATOR_CLUSTER_H

#include "common/crypto.h"
#include "common/pki.h"

#include <stdio.h>

struct cluster {
    uint8_t id[PKI_CLUSTER_SIZE];
    uint8_t ca_pin[PKI_PIN_SIZE];
    struct pki_key *ca_key;
    char *ca_pem;
    struct pki_key *key;
    char *certificate_pem;
    uint8_t master[CRYPTO_KEY_SIZE];
};

/* Makes all keys in a directory that has none.  HEARTH_EXISTS: a cluster, or some
 * of one, is there; it is left untouched. */
enum hearth_code cluster_create(const char *directory, struct env *env, struct hearth_err *err);

/* HEARTH_NOT_FOUND: no cluster there.  HEARTH_DENIED: a key file others may read. */
enum hearth_code cluster_open(
    const char *directory, struct env *env, struct cluster **out, struct hearth_err *err);

void cluster_close(struct cluster *cluster); /* accepts NULL; wipes */

struct kit;

/* What belongs in a recovery kit (kit.h), without nodes; *out borrows from the cluster and from the
 * text that is returned, to be ended with pki_pem_destroy(). */
char *cluster_kit(const struct cluster *cluster, struct kit *out);

/*
 * The keys of the kit, in a directory that has none or some of the same, and a new one for the
 * coordinator itself.  HEARTH_EXISTS: another cluster is there.  HEARTH_INVALID: the keys do not
 * belong together.
 */
enum hearth_code cluster_restore(
    const char *directory, const struct kit *kit, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_CLUSTER_H */
