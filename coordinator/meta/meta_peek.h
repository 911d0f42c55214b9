/*
 * meta_peek.h - one read of the metadata beside a coordinator that may be running.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_META_META_PEEK_H
#define HEARTH_COORDINATOR_META_META_PEEK_H

#include "coordinator/meta/meta_store.h"

/* As meta_read, of the database in `directory`.  HEARTH_NOT_FOUND: there is none. */
enum hearth_code meta_peek(
    const char *directory, struct env *env, meta_fn *fn, void *arg, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_PEEK_H */
