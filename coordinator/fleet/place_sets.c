#include "coordinator/fleet/place_sets.h"

#include "common/cleanup.h"

struct place_entry {
    uint8_t session[PKI_ID_SIZE];
    uint64_t used; /* 0: free; else rises with each use */
    struct place_set set;
};

struct place_sets {
    struct env *env;
    struct {
        pthread_mutex_t mutex;
        uint64_t uses;
        struct place_entry entries[PLACE_SETS_MAX];
    } shared;
};

struct place_sets *place_sets_create(struct env *env)
{
    struct place_sets *sets = calloc(1, sizeof(*sets));
    if (sets != NULL) {
        sets->env = env;
        pthread_mutex_init(&sets->shared.mutex, NULL);
    }
    return sets;
}

void place_sets_destroy(struct place_sets *sets)
{
    if (sets != NULL) {
        pthread_mutex_destroy(&sets->shared.mutex);
        free(sets);
    }
}

/* The session's entry, or the longest unused one made its own. */
static struct place_entry *entry_of(struct place_sets *sets, const uint8_t session[PKI_ID_SIZE])
{
    struct place_entry *oldest = &sets->shared.entries[0];
    for (unsigned i = 0; i < PLACE_SETS_MAX; i++) {
        struct place_entry *entry = &sets->shared.entries[i];
        if (entry->used != 0 && memcmp(entry->session, session, PKI_ID_SIZE) == 0) {
            return entry;
        }
        if (entry->used < oldest->used) {
            oldest = entry;
        }
    }
    *oldest = (struct place_entry){0};
    memcpy(oldest->session, session, PKI_ID_SIZE);
    return oldest;
}

enum hearth_code place_sets_choose(struct place_sets *sets, const uint8_t session[PKI_ID_SIZE],
    const struct place_fleet *fleet, const struct place_query *query, uint64_t bytes,
    struct place_choice *out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&sets->shared.mutex);
    struct place_entry *entry = entry_of(sets, session);
    entry->used = ++sets->shared.uses;
    return place_set_choose(&entry->set, fleet, query, bytes, sets->env, out, err);
}
