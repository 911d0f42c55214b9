/*
 * shard_digest.h - what is in a range of ids, in sums (id_sum.h). Trash that was purged is in none.
 */
#ifndef HEARTH_STORAGED_SHARD_DIGEST_H
#define HEARTH_STORAGED_SHARD_DIGEST_H

#include <stdint.h>

struct shard_digest {
    uint64_t live;
    uint64_t live_sum;
    uint64_t trash;
    uint64_t trash_sum;
};

enum { SHARD_DIGEST_BITS_MAX = 16 }; /* 2^bits equal ranges */

#endif /* HEARTH_STORAGED_SHARD_DIGEST_H */
