/*
 * shipped_base.h - the snapshot that the nodes have, kept here, too: after a start only what
 * changed since then has to go to them.
 *
 *   shipment.partial --shipped--> shipped-NUMBER-DIGEST.db   in the directory of the metadata
 *
 * The name says which shipment it is, and a digest of what is in it: a file that is not what was
 * shipped must not be compared with, or the changes would not follow on what the nodes have.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_SHIPPED_BASE_H
#define HEARTH_COORDINATOR_RESCUE_SHIPPED_BASE_H

#include "common/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct shipped_base {
    uint64_t number; /* of the shipment */
    uint64_t size;
    char path[PATH_MAX];
};

/* The file `path` in `directory` has been shipped; those before it are removed. */
enum hearth_code shipped_base_keep(
    const char *directory, const char *path, uint64_t number, struct hearth_err *err);

/* The newest that is what its name says; false: there is none. */
bool shipped_base_find(const char *directory, struct shipped_base *out);

#endif /* HEARTH_COORDINATOR_RESCUE_SHIPPED_BASE_H */
