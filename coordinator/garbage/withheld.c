#include "coordinator/garbage/withheld.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { NODES_MAX = 8192 + 1 }; /* numbers begin at 1 */

struct withheld {
    struct {
        _Atomic uint64_t shards;
        _Atomic uint64_t day_bytes;
    } nodes[NODES_MAX];
};

struct withheld *withheld_create(void)
{
    return calloc(1, sizeof(struct withheld));
}

void withheld_destroy(struct withheld *withheld)
{
    free(withheld);
}

void withheld_note(struct withheld *withheld, uint32_t node, struct withheld_node said)
{
    if (node < NODES_MAX) {
        atomic_store(&withheld->nodes[node].shards, said.shards);
        atomic_store(&withheld->nodes[node].day_bytes, said.day_bytes);
    }
}

struct withheld_node withheld_of(struct withheld *withheld, uint32_t node)
{
    struct withheld_node said = {0};
    if (node < NODES_MAX) {
        said.shards = atomic_load(&withheld->nodes[node].shards);
        said.day_bytes = atomic_load(&withheld->nodes[node].day_bytes);
    }
    return said;
}
