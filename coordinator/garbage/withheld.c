#include "coordinator/garbage/withheld.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { NODES_MAX = 8192 + 1 }; /* numbers begin at 1 */

struct withheld {
    _Atomic uint64_t shards[NODES_MAX];
};

struct withheld *withheld_create(void)
{
    return calloc(1, sizeof(struct withheld));
}

void withheld_destroy(struct withheld *withheld)
{
    free(withheld);
}

void withheld_note(struct withheld *withheld, uint32_t node, uint64_t shards)
{
    if (node < NODES_MAX) {
        atomic_store(&withheld->shards[node], shards);
    }
}

uint64_t withheld_of(struct withheld *withheld, uint32_t node)
{
    return node < NODES_MAX ? atomic_load(&withheld->shards[node]) : 0;
}
