/*
 * withheld.h - how many shards each node leaves alone because more were named than it lets go in a
 * day, as its last heartbeat said.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_GARBAGE_WITHHELD_H
#define HEARTH_COORDINATOR_GARBAGE_WITHHELD_H

#include <stdint.h>

struct withheld;

struct withheld *withheld_create(void);           /* NULL: out of memory */
void withheld_destroy(struct withheld *withheld); /* accepts NULL */

/* A node beyond the numbers there may be is passed over. */
void withheld_note(struct withheld *withheld, uint32_t node, uint64_t shards);
uint64_t withheld_of(struct withheld *withheld, uint32_t node);

#endif /* HEARTH_COORDINATOR_GARBAGE_WITHHELD_H */
