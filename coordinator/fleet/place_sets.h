/*
 * place_sets.h - the working sets of the sessions that write now.
 *
 * A session's set decides how many nodes its uploads shake hands with; losing one costs a draw,
 * nothing else, so the table is small and the longest unused goes first.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_FLEET_PLACE_SETS_H
#define HEARTH_COORDINATOR_FLEET_PLACE_SETS_H

#include "common/pki.h"
#include "coordinator/fleet/place_choose.h"

enum { PLACE_SETS_MAX = 256 };

struct place_sets;

struct place_sets *place_sets_create(struct env *env); /* NULL: out of memory */
void place_sets_destroy(struct place_sets *sets);      /* accepts NULL */

/* As place_set_choose(), with the session's own set. */
enum hearth_code place_sets_choose(struct place_sets *sets, const uint8_t session[PKI_ID_SIZE],
    const struct place_fleet *fleet, const struct place_query *query, uint64_t bytes,
    struct place_choice *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_FLEET_PLACE_SETS_H */
