#include "client/node_health.h"

static const uint64_t remembered_ms[] = {
    [NODE_GOOD] = 0,
    [NODE_SLOW] = 30 * 1000,
    [NODE_SILENT] = 60 * 1000,
    [NODE_WRONG] = 600 * 1000,
};

void node_health_init(struct node_health *health, struct env *env)
{
    *health = (struct node_health){.env = env};
    pthread_mutex_init(&health->shared.mutex, NULL);
}

void node_health_fini(struct node_health *health)
{
    pthread_mutex_destroy(&health->shared.mutex);
}

/* ---- with the lock held ---- */

static struct node_record *row_of(struct node_health *health, struct view node_id)
{
    assert(node_id.size == NODE_HEALTH_ID_SIZE);
    return health->shared.rows[node_id.bytes[0] % NODE_HEALTH_ROWS];
}

/* NULL: nothing is known. */
static struct node_record *find(struct node_health *health, struct view node_id)
{
    struct node_record *row = row_of(health, node_id);
    for (unsigned i = 0; i < NODE_HEALTH_ROW_MAX; i++) {
        if (row[i].is_used && memcmp(row[i].id, node_id.bytes, NODE_HEALTH_ID_SIZE) == 0) {
            return &row[i];
        }
    }
    return NULL;
}

/* When nothing of it will count any more; 0: nothing does. */
static uint64_t forgotten_ns(const struct node_record *record)
{
    uint64_t noted_ns = record->tempo.noted_ns;
    uint64_t tempo_ns = noted_ns > 0 ? noted_ns + NODE_TEMPO_AGE_MAX_MS * UINT64_C(1000000) : 0;
    return record->until_ns > tempo_ns ? record->until_ns : tempo_ns;
}

static struct node_record *find_or_make(struct node_health *health, struct view node_id)
{
    struct node_record *record = find(health, node_id);
    if (record != NULL) {
        return record;
    }
    struct node_record *row = row_of(health, node_id);
    record = &row[0];
    for (unsigned i = 1; i < NODE_HEALTH_ROW_MAX; i++) {
        if (forgotten_ns(&row[i]) < forgotten_ns(record)) {
            record = &row[i];
        }
    }
    *record = (struct node_record){.is_used = true};
    memcpy(record->id, node_id.bytes, NODE_HEALTH_ID_SIZE);
    return record;
}

/* ---- for everybody ---- */

void node_health_note(struct node_health *health, struct view node_id, enum node_standing standing)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    uint64_t now_ns = env_now_ns(health->env);
    struct node_record *record = find_or_make(health, node_id);
    record->standing = standing;
    record->until_ns = now_ns + remembered_ms[standing] * 1000000u;
    if (standing == NODE_SILENT || standing == NODE_WRONG) {
        node_tempo_note_failure(&record->tempo, now_ns);
    }
}

enum node_standing node_health_of(struct node_health *health, struct view node_id)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    const struct node_record *record = find(health, node_id);
    bool is_remembered = record != NULL && env_now_ns(health->env) < record->until_ns;
    return is_remembered ? record->standing : NODE_GOOD;
}

void node_health_note_call(struct node_health *health, struct view node_id, uint64_t first_ns,
    unsigned cells, uint64_t cells_ns)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    uint64_t now_ns = env_now_ns(health->env);
    struct node_tempo *tempo = &find_or_make(health, node_id)->tempo;
    node_tempo_note_first(tempo, first_ns, now_ns);
    if (cells > 0) {
        node_tempo_note_cells(tempo, cells, cells_ns, now_ns);
    }
}

uint64_t node_health_late_ns(struct node_health *health, struct view node_id)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    const struct node_record *record = find(health, node_id);
    return record != NULL ? node_tempo_late_ns(&record->tempo, env_now_ns(health->env)) : 0;
}

uint64_t node_health_expected_ns(struct node_health *health, struct view node_id, unsigned cells)
{
    UNLOCKS pthread_mutex_t *held = lock(&health->shared.mutex);
    const struct node_record *record = find(health, node_id);
    return record != NULL ? node_tempo_expected_ns(&record->tempo, cells, env_now_ns(health->env))
                          : UINT64_MAX;
}
