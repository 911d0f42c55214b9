/*
 * withheld.h - what each node lets go in a day, and whether it leaves shards alone that were named
 * because it has, as its last heartbeat said.
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_COORDINATOR_GARBAGE_WITHHELD_H
#define HEARTH_COORDINATOR_GARBAGE_WITHHELD_H

#include <stdint.h>

struct withheld;

struct withheld_node {
    uint64_t shards;    /* left alone, of those named last; 0: none are */
    uint64_t day_bytes; /* that may become trash in a day; 0: not known */
};

struct withheld *withheld_create(void);           /* NULL: out of memory */
void withheld_destroy(struct withheld *withheld); /* accepts NULL */

/* A node beyond the numbers there may be is passed over. */
void withheld_note(struct withheld *withheld, uint32_t node, struct withheld_node said);
struct withheld_node withheld_of(struct withheld *withheld, uint32_t node);

#endif /* HEARTH_COORDINATOR_GARBAGE_WITHHELD_H */
