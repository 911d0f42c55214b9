#include "coordinator/rebalance/rebalance.h"

#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/meta/meta_rebalance.h"
#include "coordinator/rebalance/rebalance_batch.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/rebalance/recode_set.h"
#include "coordinator/rebalance/recode_survey.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* A plan that runs, as far as memory knows more of it than its row. */
struct active {
    struct active *next;
    struct meta_rebalance row;
    struct rebalance_plan plan;
    struct arena arena; /* of plan */
    struct token_bucket bucket;
    uint64_t not_before_ns;      /* the next pass */
    unsigned idle_passes;        /* in a row */
    uint64_t stuck;              /* in this pass: should move and have nowhere to go */
    bool has_begun;              /* the pass of row: `leaving` is known */
    bool is_last_look;           /* nothing could come to the nodes that leave when it began */
    struct meta_leaving leaving; /* as it began */
    struct recode_set recode;    /* likewise, of a plan that codes anew */
};

struct rebalance {
    /* Set once. */
    struct coordinator *coordinator;
    unsigned lanes;
    struct shard_net *net;
    uint8_t session_id[PKI_ID_SIZE];
    struct duty *const *wakes;

    atomic_bool is_interrupted;

    struct {
        struct active *first;
        struct rebalance_batch batch;
        struct recode_page page;
    } on_duty;
};

struct rebalance *rebalance_create(struct coordinator *coordinator, unsigned lanes)
{
    assert(lanes >= 1 && lanes <= REBALANCE_LANES_MAX);
    struct rebalance *rebalance = calloc(1, sizeof(*rebalance));
    if (rebalance != NULL) {
        rebalance->coordinator = coordinator;
        rebalance->lanes = lanes;
    }
    return rebalance;
}

static void destroy_active(struct active *active)
{
    arena_fini(&active->arena);
    free(active);
}

void rebalance_destroy(struct rebalance *rebalance)
{
    if (rebalance == NULL) {
        return;
    }
    while (rebalance->on_duty.first != NULL) {
        struct active *active = rebalance->on_duty.first;
        rebalance->on_duty.first = active->next;
        destroy_active(active);
    }
    free(rebalance);
}

void rebalance_use_session(
    struct rebalance *rebalance, struct shard_net *net, const uint8_t session_id[PKI_ID_SIZE])
{
    rebalance->net = net;
    memcpy(rebalance->session_id, session_id, sizeof(rebalance->session_id));
}

void rebalance_wakes(struct rebalance *rebalance, struct duty *const *duty)
{
    rebalance->wakes = duty;
}

void rebalance_interrupt(struct rebalance *rebalance)
{
    atomic_store(&rebalance->is_interrupted, true);
    if (rebalance->wakes != NULL && *rebalance->wakes != NULL) {
        duty_wake(*rebalance->wakes);
    }
}

/* ---- plans that run ---- */

static struct active **place_of(struct rebalance *rebalance, uint64_t number)
{
    struct active **at = &rebalance->on_duty.first;
    while (*at != NULL && (*at)->row.number != number) {
        at = &(*at)->next;
    }
    return at;
}

static void forget(struct rebalance *rebalance, uint64_t number)
{
    struct active **at = place_of(rebalance, number);
    struct active *active = *at;
    if (active != NULL) {
        *at = active->next;
        destroy_active(active);
    }
}

static enum hearth_code load(struct rebalance *rebalance, struct active *active,
    const struct fleet_view *view, struct hearth_err *err)
{
    struct meta_rebalance_shares shares;
    active->plan = (struct rebalance_plan){.kind = (enum rebalance_kind)active->row.kind,
        .bytes_max = active->row.bytes_max,
        .bytes_picked = active->row.bytes_done,
        .allow_colocation = rebalance->coordinator->settings->allow_colocation};
    if (meta_rebalance_shares(rebalance->coordinator->store, active->row.number, &active->arena,
            &shares, err) != HEARTH_OK) {
        return err->code;
    }
    return rebalance_fleet(view, &shares, &active->arena, &active->plan, err);
}

static enum hearth_code make_active(struct rebalance *rebalance, const struct meta_rebalance *row,
    const struct fleet_view *view, struct active **out, struct hearth_err *err)
{
    struct active *active = calloc(1, sizeof(*active));
    if (active == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "plan %" PRIu64, row->number);
    }
    active->row = *row;
    arena_init(&active->arena, 0);
    token_bucket_init(&active->bucket, row->bandwidth, env_now_ns(rebalance->coordinator->env));
    if (load(rebalance, active, view, err) != HEARTH_OK) {
        destroy_active(active);
        return err->code;
    }
    active->next = rebalance->on_duty.first;
    rebalance->on_duty.first = active;
    *out = active;
    return HEARTH_OK;
}

/* As it is now: who leaves and who takes may have changed. */
static enum hearth_code find_active(struct rebalance *rebalance, const struct meta_rebalance *row,
    struct active **out, struct hearth_err *err)
{
    const struct fleet_view *view;
    enum hearth_code code = fleet_view_take(rebalance->coordinator->nodes, &view, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct active *active = *place_of(rebalance, row->number);
    if (active == NULL) {
        code = make_active(rebalance, row, view, &active, err);
    }
    if (code == HEARTH_OK) {
        active->row = *row;
        rebalance_fleet_refresh(&active->plan, view);
        *out = active;
    }
    fleet_view_release(view);
    return code;
}

/* ---- one page ---- */

/* What is found on a page, and what could not be moved. */
struct step {
    size_t read;  /* segments on the page */
    size_t dealt; /* of them: those before the cursor now */
    uint64_t moved;
    uint64_t left;
};

static bool any_leaves(const struct rebalance_plan *plan, const struct meta_segment *segment)
{
    for (unsigned slot = 0; slot < segment->n; slot++) {
        const struct rebalance_node *node = segment->holders[slot].node == 0
            ? NULL
            : rebalance_node_find(plan, segment->holders[slot].node);
        if (node != NULL && node->leaves) {
            return true;
        }
    }
    return false;
}

static void add_tasks(struct rebalance_batch *batch, const struct meta_segment *segment,
    uint64_t size, const struct rebalance_picked *picked)
{
    for (unsigned i = 0; i < picked->count; i++) {
        batch->tasks[batch->count++] =
            (struct rebalance_task){.segment = segment->id, .move = picked->moves[i], .size = size};
    }
}

static bool is_too_much(const struct rebalance_plan *plan, uint64_t bytes)
{
    return plan->bytes_max > 0 && plan->bytes_picked + bytes > plan->bytes_max;
}

/* False: the batch is full. */
static bool pick_recode(
    struct rebalance *rebalance, struct active *active, size_t index, struct step *step)
{
    const struct recode_page *page = &rebalance->on_duty.page;
    const struct meta_segment *segment = &page->segments[index];
    struct hearth_err err;
    struct recode_cost cost;
    struct rebalance_batch *batch = &rebalance->on_duty.batch;
    const enum recode_verdict verdict = recode_judge(&active->recode, page, index);
    active->stuck += verdict == RECODE_SHARED;
    if (verdict != RECODE_WANTED) {
        return true;
    }
    if (batch->count == REBALANCE_BATCH_MAX) {
        return false;
    }
    if (recode_cost_of(active->recode.profile, segment, &cost, &err) != HEARTH_OK) {
        step->left++;
    } else if (!is_too_much(&active->plan, cost.moved)) {
        active->plan.bytes_picked += cost.moved;
        batch->tasks[batch->count++] = (struct rebalance_task){
            .segment = segment->id, .recode = active->recode.profile, .size = cost.moved};
    }
    return true;
}

/* False: the batch is full. */
static bool pick_moves(struct rebalance *rebalance, struct active *active,
    const struct meta_segment *segment, struct step *step)
{
    struct rebalance_segment seen;
    struct rebalance_picked picked;
    struct hearth_err err;
    struct rebalance_batch *batch = &rebalance->on_duty.batch;
    if (rebalance_is_over(segment)) {
        step->left += active->plan.kind == REBALANCE_LEAVING && any_leaves(&active->plan, segment);
        return true;
    }
    if (rebalance_segment_of(segment, &seen, &err) != HEARTH_OK) {
        step->left++;
        return true;
    }
    if (batch->count + segment->n > REBALANCE_BATCH_MAX && batch->count > 0) {
        return false;
    }
    rebalance_pick(&active->plan, &seen, &picked);
    add_tasks(batch, segment, seen.size, &picked);
    /* What leaves is looked at again and again; else there may be room another day. */
    step->left += active->plan.kind == REBALANCE_LEAVING ? picked.stuck : 0;
    active->stuck += picked.stuck;
    return true;
}

static bool pick_segment(
    struct rebalance *rebalance, struct active *active, size_t index, struct step *step)
{
    return active->plan.kind == REBALANCE_RECODE
        ? pick_recode(rebalance, active, index, step)
        : pick_moves(rebalance, active, &rebalance->on_duty.page.segments[index], step);
}

static void give_back(struct active *active, const struct rebalance_task *task)
{
    if (task->recode != NULL) {
        active->plan.bytes_picked -= task->size;
    } else {
        rebalance_undo(&active->plan, &task->move, task->size);
    }
}

static void settle_tasks(struct rebalance *rebalance, struct active *active, struct step *step)
{
    const struct rebalance_batch *batch = &rebalance->on_duty.batch;
    for (unsigned i = 0; i < batch->count; i++) {
        const struct rebalance_task *task = &batch->tasks[i];
        if (task->is_begun && task->code == HEARTH_OK) {
            step->moved++;
        } else {
            give_back(active, task);
            step->left++;
        }
    }
}

/* All were begun: the page need not be looked at again. */
static bool run_batch(
    struct rebalance *rebalance, struct active *active, struct duty *duty, struct step *step)
{
    struct rebalance_batch *batch = &rebalance->on_duty.batch;
    batch->coordinator = rebalance->coordinator;
    batch->net = rebalance->net;
    batch->session_id = view_of(rebalance->session_id, sizeof(rebalance->session_id));
    batch->duty = duty;
    batch->plan = active->row.number;
    batch->lanes = rebalance->lanes;
    batch->is_interrupted = &rebalance->is_interrupted;
    rebalance_batch_run_blocking(batch, &active->bucket);
    settle_tasks(rebalance, active, step);
    for (unsigned i = 0; i < batch->count; i++) {
        if (!batch->tasks[i].is_begun) {
            return false;
        }
    }
    return true;
}

/* ---- passes ---- */

static enum hearth_code finish(
    struct rebalance *rebalance, struct active *active, const char *reason, struct hearth_err *err)
{
    enum hearth_code code = meta_rebalance_end(
        rebalance->coordinator->store, active->row.number, META_REBALANCE_DONE, reason, err);
    if (code == HEARTH_OK) {
        log_write(LOG_REBALANCE_ENDED,
            "plan=%" PRIu64 " state=done moves=%" PRIu64 " reason=\"%s\"", active->row.number,
            active->row.moves_done, reason);
    }
    return code;
}

/* What the bucket names now.  A bucket that is gone, or has another profile, ends the plan. */
static enum hearth_code begin_recode(
    struct rebalance *rebalance, struct active *active, struct hearth_err *err)
{
    struct hearth_err why;
    enum hearth_code code = recode_set_open(rebalance->coordinator->store,
        view_text(active->row.subject), (uint32_t)active->row.profile, &active->recode, &why);
    if (code == HEARTH_CANCELLED && finish(rebalance, active, why.message, err) != HEARTH_OK) {
        return err->code;
    }
    return code == HEARTH_OK ? code : hearth_fail(err, code, "%s", why.message);
}

static enum hearth_code begin_pass(
    struct rebalance *rebalance, struct active *active, struct hearth_err *err)
{
    struct meta_leaving leaving;
    enum hearth_code code =
        meta_rebalance_leaving(rebalance->coordinator->store, active->row.number, &leaving, err);
    if (code == HEARTH_OK && active->plan.kind == REBALANCE_RECODE) {
        code = begin_recode(rebalance, active, err);
    }
    if (code == HEARTH_OK) {
        active->has_begun = true;
        active->is_last_look = meta_id_is_zero(active->row.cursor) && leaving.offers == 0 &&
            leaving.last_order_ms == 0;
    }
    return code;
}

static enum hearth_code next_pass(
    struct rebalance *rebalance, struct active *active, struct hearth_err *err)
{
    active->row.cursor = (struct meta_id){{0}};
    active->row.pass++;
    active->row.pass_moves = active->row.pass_left = 0;
    active->has_begun = false;
    active->stuck = 0;
    return meta_rebalance_progress(rebalance->coordinator->store, &active->row, err);
}

static void say(struct active *active, const char *reason)
{
    snprintf(active->row.reason, sizeof(active->row.reason), "%s", reason);
}

static enum hearth_code end_of_drain(
    struct rebalance *rebalance, struct active *active, struct hearth_err *err)
{
    if (active->row.pass_left > 0) {
        say(active,
            "some shards have nowhere to go, failed, or belong to what was deleted: they are"
            " looked at again");
    } else if (active->row.pass_moves > 0) {
        say(active, "");
    } else if (active->is_last_look) {
        return finish(rebalance, active, "nothing of it is left", err);
    } else {
        say(active, "nothing is left to move; orders given before have not all expired");
    }
    return next_pass(rebalance, active, err);
}

/* Until the last order has expired, when that is known; else longer each time. */
static uint64_t idle_ms(const struct rebalance *rebalance, const struct active *active)
{
    const uint64_t now_ms = meta_now_ms(rebalance->coordinator->store);
    const uint64_t until_ms = active->leaving.last_order_ms;
    if (active->row.pass_left == 0 && active->leaving.offers == 0 && until_ms > now_ms) {
        return until_ms - now_ms;
    }
    const unsigned doublings = active->idle_passes < 4 ? active->idle_passes - 1 : 3;
    return (uint64_t)REBALANCE_WAIT_MS << doublings;
}

static enum hearth_code end_of_pass(
    struct rebalance *rebalance, struct active *active, struct hearth_err *err)
{
    const bool is_idle = active->row.pass_moves == 0;
    active->idle_passes = is_idle ? active->idle_passes + 1 : 0;
    active->not_before_ns = is_idle
        ? env_now_ns(rebalance->coordinator->env) + 1000000 * idle_ms(rebalance, active)
        : 0;
    if (active->plan.kind == REBALANCE_LEAVING) {
        return end_of_drain(rebalance, active, err);
    }
    const bool recodes = active->plan.kind == REBALANCE_RECODE;
    if (active->row.pass_left == 0) {
        const char *stuck = recodes ? "others name some segments, too: they stay as they are"
                                    : "some shards had nowhere better to go";
        return finish(rebalance, active, active->stuck > 0 ? stuck : "", err);
    }
    if (active->idle_passes == REBALANCE_IDLE_PASSES_MAX) {
        return finish(rebalance, active,
            recodes ? "what is left has nowhere to go, or cannot be read"
                    : "what is left has nowhere to go, or its node did not answer",
            err);
    }
    return next_pass(rebalance, active, err);
}

static enum hearth_code read_page(
    struct rebalance *rebalance, struct active *active, struct step *step, struct hearth_err *err)
{
    struct recode_page *page = &rebalance->on_duty.page;
    enum hearth_code code =
        recode_page_read(rebalance->coordinator->store, active->row.cursor, page, err);
    step->read = page->count;
    rebalance->on_duty.batch.count = 0;
    while (code == HEARTH_OK && step->dealt < step->read &&
        pick_segment(rebalance, active, step->dealt, step)) {
        step->dealt++;
    }
    return code;
}

/* *waits: nothing can be done before its time. */
static enum hearth_code run_step(struct rebalance *rebalance, struct active *active,
    struct duty *duty, bool *waits, struct hearth_err *err)
{
    struct step step = {0};
    *waits = env_now_ns(rebalance->coordinator->env) < active->not_before_ns;
    if (*waits) {
        return HEARTH_OK;
    }
    if (!active->has_begun && begin_pass(rebalance, active, err) != HEARTH_OK) {
        return err->code;
    }
    if (read_page(rebalance, active, &step, err) != HEARTH_OK) {
        return err->code;
    }
    if (!run_batch(rebalance, active, duty, &step)) {
        return HEARTH_OK;
    }
    if (FAILPOINT(COORDINATOR_REBALANCE_PROGRESS)) {
        return hearth_fail(err, HEARTH_IO, "failpoint");
    }
    if (step.dealt > 0) {
        active->row.cursor = rebalance->on_duty.page.segments[step.dealt - 1].id;
    }
    active->row.pass_moves += step.moved;
    active->row.pass_left += step.left;
    if (step.dealt == step.read && step.read < META_SWEEP_MAX) {
        return end_of_pass(rebalance, active, err);
    }
    return meta_rebalance_progress(rebalance->coordinator->store, &active->row, err);
}

/* ---- rounds ---- */

static enum hearth_code run_plan(struct rebalance *rebalance, const struct meta_rebalance *row,
    struct duty *duty, bool *waits, struct hearth_err *err)
{
    struct active *active;
    if (rebalance->net == NULL) {
        *waits = true;
        return HEARTH_OK;
    }
    enum hearth_code code = find_active(rebalance, row, &active, err);
    return code == HEARTH_OK ? run_step(rebalance, active, duty, waits, err) : code;
}

/* A plan that failed for now waits for the next round. */
static bool work_on(
    struct rebalance *rebalance, const struct meta_rebalance *row, struct duty *duty)
{
    struct hearth_err err;
    bool waits = false;
    enum hearth_code code = HEARTH_OK;
    switch ((enum meta_rebalance_state)row->state) {
    case META_REBALANCE_READING:
        code = (row->kind == REBALANCE_RECODE ? recode_survey : rebalance_survey)(
            rebalance->coordinator, row, duty, &err);
        if (code == HEARTH_OK) {
            struct hearth_err ignored;
            (void)node_table_reload(rebalance->coordinator->nodes, &ignored);
        }
        break;
    case META_REBALANCE_RUNNING: code = run_plan(rebalance, row, duty, &waits, &err); break;
    case META_REBALANCE_PLANNED:
    case META_REBALANCE_PAUSED:
    case META_REBALANCE_DONE:
    case META_REBALANCE_CANCELLED:
    case META_REBALANCE_FAILED: forget(rebalance, row->number); return false;
    }
    if (code == HEARTH_CANCELLED) {
        forget(rebalance, row->number);
    } else if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=rebalance plan=%" PRIu64 " error=\"%s\"", row->number,
            err.message);
        return false;
    }
    return !waits;
}

/* Each open plan has its turn, the oldest first. False: there is nothing to do now. */
static bool work(struct rebalance *rebalance, struct duty *duty)
{
    struct arena arena;
    struct meta_rebalance_list list;
    struct hearth_err err;
    bool has_worked = false;
    arena_init(&arena, 0);
    if (meta_rebalance_list(rebalance->coordinator->store, &arena, &list, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=rebalance error=\"%s\"", err.message);
        list.count = 0;
    }
    for (size_t i = list.count; i > 0 && !duty_is_stopping(duty); i--) {
        has_worked = work_on(rebalance, &list.plans[i - 1], duty) || has_worked;
    }
    arena_fini(&arena);
    return has_worked;
}

void rebalance_round(struct duty *duty, void *context)
{
    struct rebalance *rebalance = context;
    bool goes_on = true;
    while (goes_on && !duty_is_stopping(duty)) {
        atomic_store(&rebalance->is_interrupted, false);
        goes_on = work(rebalance, duty);
    }
}
