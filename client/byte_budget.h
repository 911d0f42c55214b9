/*
 * byte_budget.h - how much memory all transfers of a session may hold together (D11).
 *
 *   reserve(least, wanted) -> a share of what is free, at least `least`  ... -> release(share)
 *                          -> HEARTH_BUSY: less than `least` is free; nothing was reserved
 *
 * A budget may be part of a larger one, which all its parts share: a share is of both.
 *
 * Nobody waits here: a gateway rather tells its customer to come again than to queue him up.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_BYTE_BUDGET_H
#define HEARTH_CLIENT_BYTE_BUDGET_H

#include "common/cleanup.h"
#include "common/err.h"

#include <stdint.h>

struct byte_budget {
    /* Set once. */
    uint64_t bytes_max;
    struct byte_budget *whole; /* NULL: it is part of none */

    struct {
        pthread_mutex_t mutex;
        uint64_t bytes_free;
    } shared;
};

/* whole: NULL, or borrowed until byte_budget_fini(). */
void byte_budget_init(struct byte_budget *budget, uint64_t bytes_max, struct byte_budget *whole);

/* Every share must be back. */
void byte_budget_fini(struct byte_budget *budget);

/* 0 < least <= wanted.  On HEARTH_OK *out_share is within these two. */
enum hearth_code byte_budget_reserve(struct byte_budget *budget, uint64_t least, uint64_t wanted,
    uint64_t *out_share, struct hearth_err *err);

void byte_budget_release(struct byte_budget *budget, uint64_t share);

#endif /* HEARTH_CLIENT_BYTE_BUDGET_H */
