#include "coordinator/audit/audit.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/audit/audit_recheck.h"

enum {
    HOUR_MS = 60 * 60 * 1000,
    HOURS = 24,
    TIPS = 8,          /* shards that readers named, in one batch */
    REQUESTED = 16,    /* cells asked for by hand of one node in it */
    OWED_NODES = 16,   /* nodes whose turn it is in it */
    FRESH = 32,        /* first audits in it ... */
    FRESH_OF_NODE = 4, /* ... of one node */
    FRESH_SPREAD_MS = AUDIT_FRESH_WITHIN_MS / 2,
};

struct hour {
    uint64_t hour; /* since 1970 */
    uint64_t outcomes[AUDIT_OUTCOMES];
};

struct audit {
    struct coordinator *coordinator; /* set once */
    struct audit_shapes *shapes;     /* locks for itself */
    struct duty *const *wakes;       /* what asks; NULL: nobody yet, or rounds by hand */

    /* The sweep's thread only. */
    struct audit_draw *filling;

    /* The duty's thread only. */
    struct {
        struct shard_net *net; /* NULL: none yet */
        uint8_t session_id[PKI_ID_SIZE];
        struct audit_doubt doubt;
        struct audit_visit visits[AUDIT_VISITS_MAX];
        size_t rechecked;    /* node number from which contained cells are looked for */
        size_t served;       /* likewise whose turn it is */
        unsigned fresh_left; /* first audits in this round of the duty */
    } on_duty;

    struct {
        pthread_mutex_t mutex;
        struct audit_draw *ready; /* of the last complete pass */
        struct audit_pace pace;
        struct hour hours[HOURS];
        struct meta_audit_cell tips[AUDIT_TIPS_MAX]; /* p 0: of whoever holds the slot */
        unsigned tip_count;
        uint64_t fresh_waiting;
        uint64_t fresh_overdue;
    } shared;
};

/* ---- life ---- */

struct audit *audit_create(struct coordinator *coordinator)
{
    struct audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL) {
        return NULL;
    }
    audit->coordinator = coordinator;
    audit->shapes = audit_shapes_create(coordinator->env);
    audit->filling = audit_draw_create(coordinator->env);
    audit->shared.ready = audit_draw_create(coordinator->env);
    pthread_mutex_init(&audit->shared.mutex, NULL);
    audit_pace_init(&audit->shared.pace, coordinator->env);
    if (audit->shapes == NULL || audit->filling == NULL || audit->shared.ready == NULL) {
        audit_destroy(audit);
        return NULL;
    }
    return audit;
}

void audit_destroy(struct audit *audit)
{
    if (audit != NULL) {
        audit_draw_destroy(audit->filling);
        audit_draw_destroy(audit->shared.ready);
        audit_shapes_destroy(audit->shapes);
        audit_pace_fini(&audit->shared.pace);
        pthread_mutex_destroy(&audit->shared.mutex);
        free(audit);
    }
}

void audit_use_session(
    struct audit *audit, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE])
{
    audit->on_duty.net = net;
    memcpy(audit->on_duty.session_id, session_id, sizeof(audit->on_duty.session_id));
}

/* ---- the sweep ---- */

/* Quotas for a sample, from the fleet as it is. NULL with *count 0: nobody, or no memory. */
static struct audit_quota *make_quotas(struct audit *audit, const struct sweep_pass *pass,
    const struct meta_audit_nodes *scores, size_t *count)
{
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    struct audit_pace *pace = &audit->shared.pace;
    *count = 0;
    if (!audit_pace_update(pace, pass->fleet, scores, audit->coordinator->settings->audit_floor,
            meta_now_ms(audit->coordinator->store))) {
        return NULL;
    }
    struct audit_quota *quotas = calloc(pace->count + 1, sizeof(*quotas));
    *count = quotas == NULL ? 0 : audit_pace_quotas(pace, quotas);
    return quotas;
}

static enum hearth_code begin_new(
    struct audit *audit, const struct sweep_pass *pass, struct hearth_err *err)
{
    struct meta_audit_nodes scores;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = meta_audit_nodes_get(audit->coordinator->store, &arena, &scores, err);
    if (code == HEARTH_OK) {
        size_t count;
        FREES struct audit_quota *quotas = make_quotas(audit, pass, &scores, &count);
        code = quotas == NULL ? hearth_fail(err, HEARTH_NO_MEMORY, "quotas of audits")
                              : audit_draw_begin(audit->filling, pass->number, pass->fleet->count,
                                    quotas, count, err);
        audit->filling->is_partial = pass->is_resumed;
    }
    arena_fini(&arena);
    return code;
}

/* A pass that was cut short goes on with the sample it had. */
static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    struct audit *audit = context;
    bool goes_on = pass->is_resumed && audit->filling->pass == pass->number;
    return goes_on ? HEARTH_OK : begin_new(audit, pass, err);
}

static void page(
    void *context, const struct sweep_pass *pass, const struct meta_segment *segments, size_t count)
{
    (void)pass;
    struct audit *audit = context;
    audit_draw_page(audit->filling, segments, count, meta_now_ms(audit->coordinator->store));
}

/* Under the lock: who had a quota and nothing to draw from holds nothing that could be asked for.
 */
static void forget_requests_in_vain(struct audit *audit, const struct audit_draw *draw)
{
    for (size_t i = 0; i < audit->shared.pace.count; i++) {
        size_t count;
        bool had_quota = audit_sample_of(draw->sample, (uint32_t)i + 1, &count) != NULL;
        if (had_quota && count == 0) {
            audit->shared.pace.nodes[i].requested = 0;
        }
    }
}

/* Under the lock. */
static bool is_requested(const struct audit *audit)
{
    bool found = false;
    for (size_t i = 0; i < audit->shared.pace.count; i++) {
        found = found || audit->shared.pace.nodes[i].requested > 0;
    }
    return found;
}

/* Whether somebody waits for it. */
static bool use_draw(struct audit *audit, struct audit_draw *draw)
{
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    audit->filling = audit->shared.ready;
    audit->filling->pass = 0;
    audit->shared.ready = draw;
    forget_requests_in_vain(audit, draw);
    audit->shared.fresh_waiting = draw->fresh.waiting;
    audit->shared.fresh_overdue = draw->fresh.overdue;
    return is_requested(audit);
}

/* Only who asked by hand wakes the duty: nodes must not see that audits follow a sweep. */
static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    (void)pass;
    struct audit *audit = context;
    if (!complete || audit->filling->is_partial) {
        return;
    }
    audit_draw_end(audit->filling);
    if (use_draw(audit, audit->filling) && audit->wakes != NULL && *audit->wakes != NULL) {
        duty_wake(*audit->wakes);
    }
}

struct sweep_watcher audit_watcher(struct audit *audit, struct duty *const *wakes)
{
    audit->wakes = wakes;
    return (struct sweep_watcher){.context = audit, .begin = begin, .page = page, .end = end};
}

/* ---- choosing, under the lock ---- */

/* NULL: no room, or no pick of this node is left. */
static struct audit_visit *add_pick(struct audit *audit, struct audit_batch *batch, uint32_t node)
{
    struct meta_audit_cell cell;
    return batch->count < AUDIT_VISITS_MAX && audit_draw_take(audit->shared.ready, node, &cell)
        ? audit_batch_add(batch, &cell, EVIDENCE_CELL)
        : NULL;
}

/* What readers complained of, newest first. */
static void add_tips(struct audit *audit, struct audit_batch *batch)
{
    for (unsigned i = 0; i < TIPS && audit->shared.tip_count > 0; i++) {
        audit_batch_add(batch, &audit->shared.tips[--audit->shared.tip_count], EVIDENCE_CELL);
    }
}

static void add_requested(struct audit *audit, struct audit_batch *batch)
{
    struct audit_pace *pace = &audit->shared.pace;
    for (size_t i = 0; i < pace->count; i++) {
        struct audit_pace_node *node = &pace->nodes[i];
        for (unsigned j = 0; j < REQUESTED && node->requested > 0; j++) {
            if (add_pick(audit, batch, (uint32_t)i + 1) == NULL) {
                break;
            }
            node->requested--;
        }
    }
}

/* Starts where the last time ended, so that everybody gets a turn. */
static void add_owed(struct audit *audit, struct audit_batch *batch, uint64_t now_ms)
{
    struct audit_pace *pace = &audit->shared.pace;
    unsigned added = 0;
    for (size_t i = 0; i < pace->count && added < OWED_NODES; i++) {
        size_t at = (audit->on_duty.served + i) % pace->count;
        struct audit_pace_node *node = &pace->nodes[at];
        if (audit_pace_is_due(node, now_ms) && add_pick(audit, batch, (uint32_t)at + 1) != NULL) {
            audit_pace_asked(pace, node, now_ms);
            added++;
            audit->on_duty.served = at + 1;
        }
    }
}

static unsigned count_of_node(const struct audit_batch *batch, uint32_t node)
{
    unsigned count = 0;
    for (unsigned i = 0; i < batch->count; i++) {
        count += batch->visits[i].cell.node == node;
    }
    return count;
}

/* Those of nodes that do not answer, or are asked enough already, come with the next pass. */
static void add_fresh(struct audit *audit, struct audit_batch *batch)
{
    struct meta_audit_cell cell;
    unsigned added = 0;
    while (added < FRESH && audit->on_duty.fresh_left > 0 && batch->count < AUDIT_VISITS_MAX &&
        audit_draw_take_fresh(audit->shared.ready, &cell)) {
        const struct audit_pace_node *node = audit_pace_find(&audit->shared.pace, cell.node);
        if (node != NULL && node->answers && count_of_node(batch, cell.node) < FRESH_OF_NODE) {
            audit_batch_add(batch, &cell, EVIDENCE_CELL);
            audit->on_duty.fresh_left--;
            added++;
        }
    }
}

static void choose(struct audit *audit, struct audit_batch *batch)
{
    uint64_t now_ms = meta_now_ms(audit->coordinator->store);
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    add_tips(audit, batch);
    add_requested(audit, batch);
    add_owed(audit, batch, now_ms);
    if (audit->coordinator->settings->audit_floor > 0) {
        add_fresh(audit, batch);
    }
}

/* ---- contained cells ---- */

static unsigned next_contained(struct audit *audit, uint32_t nodes[AUDIT_RECHECK_NODES])
{
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    return audit_recheck_nodes(&audit->shared.pace, &audit->on_duty.rechecked, nodes);
}

static enum hearth_code add_rechecks(
    struct audit *audit, struct audit_batch *batch, uint32_t node, struct hearth_err *err)
{
    struct audit_recheck recheck;
    enum hearth_code code =
        audit_recheck_read(audit->coordinator->store, node, batch->arena, &recheck, err);
    if (code == HEARTH_OK && recheck.due_count > 0) {
        UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
        audit_recheck_add(&recheck, audit->coordinator->env, audit->shared.ready, batch);
    }
    return code;
}

static enum hearth_code add_contained(
    struct audit *audit, struct audit_batch *batch, struct hearth_err *err)
{
    uint32_t nodes[AUDIT_RECHECK_NODES];
    unsigned count = next_contained(audit, nodes);
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < count && code == HEARTH_OK; i++) {
        code = add_rechecks(audit, batch, nodes[i], err);
    }
    return code;
}

/* ---- asking ---- */

static void count_outcomes(struct audit *audit, const struct audit_batch *batch)
{
    uint64_t hour = meta_now_ms(audit->coordinator->store) / HOUR_MS;
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    struct hour *now = &audit->shared.hours[hour % HOURS];
    if (now->hour != hour) {
        *now = (struct hour){.hour = hour};
    }
    for (unsigned i = 0; i < AUDIT_OUTCOMES; i++) {
        now->outcomes[i] += batch->outcomes[i];
    }
}

static enum hearth_code run_batch(
    struct audit *audit, struct arena *arena, unsigned *visits, struct hearth_err *err)
{
    const struct settings *settings = audit->coordinator->settings;
    struct audit_batch batch = {
        .asker = {.coordinator = audit->coordinator,
            .net = audit->on_duty.net,
            .session_id = view_of(audit->on_duty.session_id, PKI_ID_SIZE),
            .shapes = audit->shapes,
            .patience_ms = settings->audit_patience_ms,
            .recheck_ms = settings->audit_recheck_ms},
        .doubt = &audit->on_duty.doubt,
        .arena = arena,
        .visits = audit->on_duty.visits,
    };
    enum hearth_code code = add_contained(audit, &batch, err);
    choose(audit, &batch);
    *visits = batch.count;
    if (code == HEARTH_OK && batch.count > 0) {
        code = audit_batch_run_blocking(&batch, err);
        count_outcomes(audit, &batch);
    }
    return code;
}

/* So many that all of them are done in half of the time there is. */
static unsigned fresh_allowance(struct audit *audit)
{
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    uint64_t share = audit->shared.fresh_waiting * audit->coordinator->settings->audit_interval_ms /
        FRESH_SPREAD_MS;
    uint64_t most = FRESH * AUDIT_BATCHES_MAX;
    share = share < AUDIT_FRESH_LEAST ? AUDIT_FRESH_LEAST : share;
    return (unsigned)(share < most ? share : most);
}

void audit_round(struct audit *audit, struct duty *duty)
{
    struct hearth_err err;
    enum hearth_code code = HEARTH_OK;
    unsigned visits = 1;
    if (audit->on_duty.net == NULL) {
        return;
    }
    duty_pause(duty,
        audit_pace_pause_ms(
            audit->coordinator->env, audit->coordinator->settings->audit_interval_ms));
    audit->on_duty.fresh_left = fresh_allowance(audit);
    for (unsigned i = 0;
         i < AUDIT_BATCHES_MAX && visits > 0 && code == HEARTH_OK && !duty_is_stopping(duty); i++) {
        struct arena arena;
        arena_init(&arena, 0);
        code = run_batch(audit, &arena, &visits, &err);
        arena_fini(&arena);
    }
    if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=audit error=\"%s\"", err.message);
    }
}

/* ---- from elsewhere ---- */

void audit_note_reader(struct audit *audit, struct audit_run run, uint32_t stripe_count)
{
    if (audit != NULL) {
        audit_shapes_note(audit->shapes, run, stripe_count);
    }
}

/* Under the lock. */
static bool is_tip(const struct audit *audit, const struct meta_audit_cell *tip)
{
    for (unsigned i = 0; i < audit->shared.tip_count; i++) {
        const struct meta_audit_cell *other = &audit->shared.tips[i];
        if (meta_id_equal(other->segment, tip->segment) && other->slot == tip->slot) {
            return true;
        }
    }
    return false;
}

void audit_note_report(struct audit *audit, uint32_t node, struct view segment, uint32_t slot)
{
    struct meta_audit_cell tip = {.node = node, .slot = (uint16_t)slot};
    if (audit == NULL || segment.size != META_ID_SIZE || slot >= META_SLOTS_MAX) {
        return;
    }
    memcpy(tip.segment.bytes, segment.bytes, META_ID_SIZE);
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    struct audit_pace_node *found = audit_pace_find(&audit->shared.pace, node);
    if (found != NULL) {
        found->reported_ms = meta_now_ms(audit->coordinator->store);
    }
    if (audit->shared.tip_count < AUDIT_TIPS_MAX && !is_tip(audit, &tip)) {
        audit->shared.tips[audit->shared.tip_count++] = tip;
    }
}

enum hearth_code audit_ask_for(
    struct audit *audit, uint32_t node, unsigned cells, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    struct audit_pace *pace = &audit->shared.pace;
    if (cells > AUDIT_RUN_MAX) {
        return hearth_fail(
            err, HEARTH_INVALID, "%u cells at once, at most %d", cells, AUDIT_RUN_MAX);
    }
    if (node != 0 && audit_pace_find(pace, node) == NULL) {
        return hearth_fail(err, HEARTH_NOT_FOUND, "no sweep has seen node %u yet", node);
    }
    for (size_t i = 0; i < pace->count; i++) {
        if (node == 0 ? pace->nodes[i].answers : i + 1 == node) {
            if (pace->nodes[i].requested + cells > AUDIT_RUN_MAX) {
                return hearth_fail(err, HEARTH_BUSY, "node %zu: %u cells are waiting already",
                    i + 1, pace->nodes[i].requested);
            }
            pace->nodes[i].requested += cells;
        }
    }
    return HEARTH_OK;
}

bool audit_node_status_get(struct audit *audit, uint32_t node, struct audit_node_status *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    const struct audit_pace_node *found = audit_pace_find(&audit->shared.pace, node);
    if (found != NULL) {
        *out = (struct audit_node_status){
            .per_week = found->answers ? found->per_week : 0, .requested = found->requested};
    }
    return found != NULL;
}

void audit_status_get(struct audit *audit, struct audit_status *out)
{
    uint64_t hour = meta_now_ms(audit->coordinator->store) / HOUR_MS;
    UNLOCKS pthread_mutex_t *held = lock(&audit->shared.mutex);
    *out = (struct audit_status){
        .fresh_waiting = audit->shared.fresh_waiting, .fresh_overdue = audit->shared.fresh_overdue};
    for (unsigned i = 0; i < HOURS; i++) {
        for (unsigned j = 0; j < AUDIT_OUTCOMES && hour < audit->shared.hours[i].hour + HOURS;
             j++) {
            out->outcomes_day[j] += audit->shared.hours[i].outcomes[j];
        }
    }
    for (size_t i = 0; i < audit->shared.pace.count; i++) {
        out->requested += audit->shared.pace.nodes[i].requested;
    }
}
