#include "client/node_health.h"

static const uint64_t remembered_ms[] = {
    [NODE_GOOD] = 0,
    [NODE_SLOW] = 30 * 1000,
    [NODE_SILENT] = 60 * 1000,
    [NODE_WRONG] = 600 * 1000,
};

void node_health_init(struct node_health *health, struct env *env)
{
    health->env = env;
    health->shared.count = 0;
    pthread_mutex_init(&health->shared.mutex, NULL);
}

void node_health_fini(struct node_health *health)
{
    pthread_mutex_destroy(&health->shared.mutex);
}

/* With the lock held. */
static struct node_health_entry *find(struct node_health *health, struct view node_id)
{
    assert(node_id.size == NODE_HEALTH_ID_SIZE);
    for (unsigned i = 0; i < health->shared.count; i++) {
        if (memcmp(health->shared.entries[i].id, node_id.bytes, NODE_HEALTH_ID_SIZE) == 0) {
            return &health->shared.entries[i];
        }
    }
    return NULL;
}

/* A place to remember one more. With the lock held. */
static struct node_health_entry *make_room(struct node_health *health)
{
    if (health->shared.count < NODE_HEALTH_MAX) {
        return &health->shared.entries[health->shared.count++];
    }
    struct node_health_entry *first = &health->shared.entries[0];
    for (unsigned i = 1; i < NODE_HEALTH_MAX; i++) {
        if (health->shared.entries[i].until_ns < first->until_ns) {
            first = &health->shared.entries[i];
        }
    }
    return first;
}

void node_health_note(struct node_health *health, struct view node_id, enum node_standing standing)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    struct node_health_entry *entry = find(health, node_id);
    if (standing == NODE_GOOD) {
        if (entry != NULL) {
            *entry = health->shared.entries[--health->shared.count];
        }
        return;
    }
    if (entry == NULL) {
        entry = make_room(health);
        memcpy(entry->id, node_id.bytes, NODE_HEALTH_ID_SIZE);
    }
    entry->standing = standing;
    entry->until_ns = env_now_ns(health->env) + remembered_ms[standing] * 1000000u;
}

enum node_standing node_health_of(struct node_health *health, struct view node_id)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    const struct node_health_entry *entry = find(health, node_id);
    bool is_remembered = entry != NULL && env_now_ns(health->env) < entry->until_ns;
    return is_remembered ? entry->standing : NODE_GOOD;
}
