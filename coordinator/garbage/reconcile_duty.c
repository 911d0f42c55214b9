#include "coordinator/garbage/reconcile_duty.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/garbage/reconcile_inquiry.h"
#include "coordinator/meta/meta_reconcile.h"
#include "coordinator/meta/meta_settings.h"

#include <assert.h>
#include <inttypes.h>

enum reconcile_phase {
    RECONCILE_IDLE,
    RECONCILE_CHOSEN,
    RECONCILE_SUMMING,
    RECONCILE_SUMMED,
    RECONCILE_LISTED,
    RECONCILE_SEEKING,
    RECONCILE_SOUGHT,
};

struct reconcile_duty {
    struct coordinator *coordinator;
    struct reconcile_inquiry inquiry;
    struct duty *const *wakes; /* itself; NULL: a test turns it by hand */

    /* Of whose phase it is: the sweep's thread while it sums and seeks, else the duty's. */
    struct reconcile_turn turns[RECONCILE_NODES];
    unsigned turn_count;
    struct reconcile_candidate missing[RECONCILE_MISSING_MAX];
    unsigned missing_count;

    struct {
        pthread_mutex_t mutex;
        enum reconcile_phase phase;
        uint64_t pass;     /* while it sums or seeks */
        uint64_t asked_ms; /* what was finished before this is due */
    } shared;
};

/* ---- phases ---- */

static enum reconcile_phase phase_of(struct reconcile_duty *duty)
{
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    return duty->shared.phase;
}

static void enter(struct reconcile_duty *duty, enum reconcile_phase phase)
{
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    duty->shared.phase = phase;
}

uint64_t reconcile_ask(struct reconcile_duty *duty)
{
    uint64_t now = meta_now_ms(duty->coordinator->store);
    {
        UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
        duty->shared.asked_ms = now;
    }
    if (duty->wakes != NULL && *duty->wakes != NULL) {
        duty_wake(*duty->wakes);
    }
    return now;
}

/* Somebody waits: the passes that this needs begin at once. */
static bool is_asked(struct reconcile_duty *duty)
{
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    return duty->shared.asked_ms != 0;
}

static void forget_turns(struct reconcile_duty *duty)
{
    for (unsigned i = 0; i < duty->turn_count; i++) {
        reconcile_end(&duty->turns[i].shards);
    }
    duty->turn_count = 0;
    duty->missing_count = 0;
}

/* ---- on the sweep's thread ---- */

static enum hearth_code pass_begins(
    void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    (void)err;
    struct reconcile_duty *duty = context;
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    bool is_ours = pass->is_resumed && pass->number == duty->shared.pass;
    if (duty->shared.phase == RECONCILE_CHOSEN && !pass->is_resumed) {
        duty->shared.phase = RECONCILE_SUMMING;
        duty->shared.pass = pass->number;
    } else if (duty->shared.phase == RECONCILE_LISTED && !pass->is_resumed) {
        duty->shared.phase = RECONCILE_SEEKING;
        duty->shared.pass = pass->number;
    } else if ((duty->shared.phase == RECONCILE_SUMMING ||
                   duty->shared.phase == RECONCILE_SEEKING) &&
        !is_ours) { /* the pass of before was given up: so are these turns */
        duty->shared.phase = RECONCILE_IDLE;
    }
    return HEARTH_OK;
}

static struct reconcile_turn *turn_of(struct reconcile_duty *duty, uint32_t node)
{
    for (unsigned i = 0; i < duty->turn_count && node != 0; i++) {
        if (duty->turns[i].shards.node == node) {
            return &duty->turns[i];
        }
    }
    return NULL;
}

static void seek(struct reconcile_duty *duty, const struct reconcile_turn *turn,
    const struct meta_segment *segment, uint16_t slot, const uint8_t *id)
{
    if (segment->dying_ms == 0 && !ec_slots_has(segment->damaged, slot) &&
        duty->missing_count < RECONCILE_MISSING_MAX && reconcile_lacks(&turn->shards, id)) {
        duty->missing[duty->missing_count++] =
            (struct reconcile_candidate){.node = turn->shards.node,
                .shard = {.segment = segment->id, .slot = slot, .p = segment->holders[slot].p}};
    }
}

static void see_segment(
    struct reconcile_duty *duty, enum reconcile_phase phase, const struct meta_segment *segment)
{
    for (uint16_t slot = 0; slot < segment->n; slot++) {
        struct reconcile_turn *turn = turn_of(duty, segment->holders[slot].node);
        if (turn == NULL) {
            continue;
        }
        struct shard_name name;
        struct shard_place place = {.slot = slot, .p = segment->holders[slot].p};
        memcpy(place.segment, segment->id.bytes, sizeof(place.segment));
        shard_name_make(&duty->coordinator->names, &place, &name);
        if (phase == RECONCILE_SUMMING) {
            reconcile_expect(&turn->shards, name.id);
        } else {
            seek(duty, turn, segment, slot, name.id);
        }
    }
}

static void see_page(
    void *context, const struct sweep_pass *pass, const struct meta_segment *segments, size_t count)
{
    (void)pass;
    struct reconcile_duty *duty = context;
    enum reconcile_phase phase = phase_of(duty);
    if (phase == RECONCILE_SUMMING || phase == RECONCILE_SEEKING) {
        for (size_t i = 0; i < count; i++) {
            see_segment(duty, phase, &segments[i]);
        }
    }
}

static void pass_ends(void *context, const struct sweep_pass *pass, bool complete)
{
    struct reconcile_duty *duty = context;
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    if (complete && pass->number == duty->shared.pass) {
        if (duty->shared.phase == RECONCILE_SUMMING) {
            duty->shared.phase = RECONCILE_SUMMED;
        } else if (duty->shared.phase == RECONCILE_SEEKING) {
            duty->shared.phase = RECONCILE_SOUGHT;
        }
    }
}

struct sweep_watcher reconcile_watcher(struct reconcile_duty *duty, struct duty *const *wakes)
{
    duty->wakes = wakes;
    return (struct sweep_watcher){
        .context = duty, .begin = pass_begins, .page = see_page, .end = pass_ends, .wakes = wakes};
}

/* ---- who is due ---- */

static const struct meta_reconciled *last_time(
    const struct meta_reconciled_list *list, uint32_t node)
{
    static const struct meta_reconciled never = {.epoch = UINT64_MAX};
    for (size_t i = 0; i < list->count; i++) {
        if (list->rows[i].node == node) {
            return &list->rows[i];
        }
    }
    return &never;
}

static bool is_due(struct reconcile_duty *duty, const struct meta_reconciled *last,
    const struct meta_settings *settings, uint64_t now_ms)
{
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    return last->epoch != settings->recovery_epoch || last->as_of_ms < duty->shared.asked_ms ||
        last->as_of_ms + RECONCILE_EVERY_MS <= now_ms;
}

/* Those of longest ago stay. */
static void add_turn(struct reconcile_duty *duty, uint32_t node, bool is_full, uint64_t as_of_ms)
{
    unsigned at = duty->turn_count;
    if (at == RECONCILE_NODES) {
        at = 0;
        for (unsigned i = 1; i < RECONCILE_NODES; i++) {
            at = duty->turns[i].done.as_of_ms > duty->turns[at].done.as_of_ms ? i : at;
        }
        if (duty->turns[at].done.as_of_ms <= as_of_ms) {
            return;
        }
    } else {
        duty->turn_count++;
    }
    reconcile_begin(&duty->turns[at].shards, node, is_full);
    duty->turns[at].done = (struct meta_reconciled){.node = node, .as_of_ms = as_of_ms};
}

static enum hearth_code choose_from(
    struct reconcile_duty *duty, const struct fleet_view *fleet, struct hearth_err *err)
{
    struct coordinator *coordinator = duty->coordinator;
    struct meta_settings settings;
    struct meta_reconciled_list list;
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = meta_settings_get(coordinator->store, &settings, err);
    if (code == HEARTH_OK) {
        code = meta_reconciled_list(coordinator->store, &arena, &list, err);
    }
    for (size_t i = 0; code == HEARTH_OK && i < fleet->count; i++) {
        const struct fleet_node *node = &fleet->nodes[i];
        const struct meta_reconciled *last = last_time(&list, node->number);
        if (node->number != 0 && fleet_node_answers(node) &&
            is_due(duty, last, &settings, meta_now_ms(coordinator->store))) {
            add_turn(duty, node->number, last->epoch != settings.recovery_epoch, last->as_of_ms);
        }
    }
    for (unsigned i = 0; i < duty->turn_count; i++) {
        duty->turns[i].done = (struct meta_reconciled){.node = duty->turns[i].shards.node,
            .epoch = settings.recovery_epoch,
            .as_of_ms = meta_now_ms(coordinator->store)};
    }
    arena_fini(&arena);
    return code;
}

static enum hearth_code choose(struct reconcile_duty *duty, struct hearth_err *err)
{
    const struct fleet_view *fleet;
    forget_turns(duty);
    if (fleet_view_take(duty->coordinator->nodes, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = choose_from(duty, fleet, err);
    fleet_view_release(fleet);
    if (code == HEARTH_OK && duty->turn_count > 0) {
        enter(duty, RECONCILE_CHOSEN);
    }
    return code;
}

/* ---- the end of a turn ---- */

/* All that could still have something to say: garbage collection waits for each of them. */
static enum hearth_code gather_nodes(const struct reconcile_duty *duty, struct arena *arena,
    uint32_t **out, size_t *count, struct hearth_err *err)
{
    const struct fleet_view *fleet;
    if (fleet_view_take(duty->coordinator->nodes, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    *count = 0;
    *out = arena_take_array(arena, fleet->count + 1, sizeof(**out));
    for (size_t i = 0; *out != NULL && i < fleet->count; i++) {
        const struct fleet_node *node = &fleet->nodes[i];
        if (node->number != 0 && node->health != NODE_LOST && node->health != NODE_GONE) {
            (*out)[(*count)++] = node->number;
        }
    }
    fleet_view_release(fleet);
    return *out != NULL ? HEARTH_OK : hearth_fail(err, HEARTH_NO_MEMORY, "list of nodes");
}

static enum hearth_code write_down(
    struct reconcile_duty *duty, const struct reconcile_turn *turn, struct hearth_err *err)
{
    const struct meta_reconciled *done = &turn->done;
    struct arena arena;
    uint32_t *nodes;
    size_t count;
    bool released = false;
    arena_init(&arena, 0);
    enum hearth_code code = gather_nodes(duty, &arena, &nodes, &count, err);
    if (code == HEARTH_OK) {
        code = meta_reconciled_put(duty->coordinator->store, done, nodes, count, &released, err);
    }
    arena_fini(&arena);
    if (code == HEARTH_OK) {
        log_write(LOG_NODE_RECONCILED,
            "node=%u listed=%ju unwanted=%ju ahead=%ju missing=%ju wanted_in_trash=%ju", done->node,
            (uintmax_t)done->shards, (uintmax_t)done->unwanted, (uintmax_t)done->ahead,
            (uintmax_t)done->missing, (uintmax_t)done->wanted_in_trash);
    }
    if (released) {
        log_write(LOG_GARBAGE_RELEASED, "by=reconciliation");
    }
    return code;
}

/* ---- rounds ---- */

static enum hearth_code list_node(
    struct reconcile_duty *duty, struct reconcile_turn *turn, struct hearth_err *err)
{
    return reconcile_list_blocking(&duty->inquiry, turn, err);
}

static enum hearth_code check_missing(
    struct reconcile_duty *duty, struct reconcile_turn *turn, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < duty->missing_count && code == HEARTH_OK; i++) {
        if (duty->missing[i].node == turn->shards.node) {
            code = reconcile_check_blocking(&duty->inquiry, turn, &duty->missing[i], err);
        }
    }
    return code;
}

typedef enum hearth_code turn_fn(
    struct reconcile_duty *duty, struct reconcile_turn *turn, struct hearth_err *err);

/* A node that does not answer to the end loses its turn. */
static void for_each_turn(struct reconcile_duty *duty, struct duty *round, turn_fn *fn)
{
    for (unsigned i = 0; i < duty->turn_count && !duty_is_stopping(round); i++) {
        struct reconcile_turn *turn = &duty->turns[i];
        struct hearth_err err;
        if (turn->shards.node != 0 && fn(duty, turn, &err) != HEARTH_OK) {
            log_write(LOG_DUTY_FAILED, "duty=reconcile error=\"%s\"", err.message);
            reconcile_end(&turn->shards);
        }
    }
}

static enum hearth_code finish_node(
    struct reconcile_duty *duty, struct reconcile_turn *turn, struct hearth_err *err)
{
    enum hearth_code code = check_missing(duty, turn, err);
    return code == HEARTH_OK ? write_down(duty, turn, err) : code;
}

void reconcile_round(struct duty *round, void *context)
{
    struct reconcile_duty *duty = context;
    struct hearth_err err;
    enum reconcile_phase phase = phase_of(duty);
    duty->inquiry.round = round;
    if (phase == RECONCILE_SUMMED) {
        for_each_turn(duty, round, list_node);
        enter(duty, RECONCILE_LISTED);
    } else if (phase == RECONCILE_SOUGHT) {
        for_each_turn(duty, round, finish_node);
        forget_turns(duty);
        enter(duty, RECONCILE_IDLE);
    }
    if (phase_of(duty) == RECONCILE_IDLE && choose(duty, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=reconcile error=\"%s\"", err.message);
    }
    if (phase_of(duty) != phase && phase_of(duty) != RECONCILE_IDLE && is_asked(duty)) {
        sweep_ask(duty->coordinator->sweep);
    }
}

/* ---- a life ---- */

struct reconcile_duty *reconcile_duty_create(struct coordinator *coordinator)
{
    struct reconcile_duty *duty = calloc(1, sizeof(*duty));
    if (duty != NULL) {
        duty->coordinator = coordinator;
        reconcile_inquiry_init(&duty->inquiry, coordinator);
        pthread_mutex_init(&duty->shared.mutex, NULL);
    }
    return duty;
}

void reconcile_duty_destroy(struct reconcile_duty *duty)
{
    if (duty != NULL) {
        forget_turns(duty);
        reconcile_inquiry_fini(&duty->inquiry);
        pthread_mutex_destroy(&duty->shared.mutex);
        free(duty);
    }
}
