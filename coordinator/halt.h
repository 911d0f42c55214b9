/*
 * halt.h - whether what is under way is to end at once, for nobody wants it as it is any more.
 *
 *   an admin changes what is wanted --sets--> is_called      the process ends --> the duty is
 * stopping \                       / halt_check(), between waits of HALT_LOOK_MS
 *
 * Who waits long cuts the wait with halt_until_ns() and looks again after each piece.
 *
 * Thread-safety: any thread; a halt does not change once it is made.
 */
#ifndef HEARTH_COORDINATOR_HALT_H
#define HEARTH_COORDINATOR_HALT_H

#include "common/env.h"
#include "coordinator/duty.h"

#include <stdatomic.h>

enum { HALT_LOOK_MS = 200 };

struct halt {
    const atomic_bool *is_called; /* borrowed */
    struct duty *duty;            /* NULL: by hand */
};

/* halt NULL: never. */
bool halt_is_called(const struct halt *halt);

/* HEARTH_CANCELLED: it is to end. */
enum hearth_code halt_check(const struct halt *halt, struct hearth_err *err);

/* When to look again, of a wait until until_ns. halt NULL: not before that. */
uint64_t halt_until_ns(const struct halt *halt, struct env *env, uint64_t until_ns);

#endif /* HEARTH_COORDINATOR_HALT_H */
