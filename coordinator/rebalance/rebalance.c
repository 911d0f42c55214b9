#include "coordinator/rebalance/rebalance.h"

#include "common/failpoint.h"
#include "common/log.h"
#include "coordinator/rebalance/active_plan.h"
#include "coordinator/rebalance/rebalance_batch.h"
#include "coordinator/rebalance/rebalance_pass.h"
#include "coordinator/rebalance/rebalance_survey.h"
#include "coordinator/rebalance/recode_survey.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

struct rebalance {
    /* Set once. */
    struct coordinator *coordinator;
    unsigned lanes;
    struct shard_net *net;
    uint8_t session_id[PKI_ID_SIZE];
    struct duty *const *wakes;

    atomic_bool is_interrupted;

    struct {
        struct active_plans plans;
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

void rebalance_destroy(struct rebalance *rebalance)
{
    if (rebalance == NULL) {
        return;
    }
    active_plans_fini(&rebalance->on_duty.plans);
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
    struct rebalance *rebalance, struct active_plan *active, size_t index, struct step *step)
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
static bool pick_moves(struct rebalance *rebalance, struct active_plan *active,
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
    step->left += active->plan.kind == REBALANCE_LEAVING ? picked.stuck + picked.is_limited : 0;
    active->stuck += picked.stuck;
    active->is_limited = active->is_limited || picked.is_limited;
    return true;
}

static bool pick_segment(
    struct rebalance *rebalance, struct active_plan *active, size_t index, struct step *step)
{
    return active->plan.kind == REBALANCE_RECODE
        ? pick_recode(rebalance, active, index, step)
        : pick_moves(rebalance, active, &rebalance->on_duty.page.segments[index], step);
}

static void give_back(struct active_plan *active, const struct rebalance_task *task)
{
    if (task->recode != NULL) {
        active->plan.bytes_picked -= task->size;
    } else {
        rebalance_undo(&active->plan, &task->move, task->size);
    }
}

static void settle_tasks(struct rebalance *rebalance, struct active_plan *active, struct step *step)
{
    const struct rebalance_batch *batch = &rebalance->on_duty.batch;
    for (unsigned i = 0; i < batch->count; i++) {
        const struct rebalance_task *task = &batch->tasks[i];
        if (task->is_settled && task->code == HEARTH_OK) {
            step->moved++;
        } else {
            give_back(active, task);
            step->left++;
        }
    }
}

/* All are settled: the page need not be looked at again. */
static bool run_batch(
    struct rebalance *rebalance, struct active_plan *active, struct duty *duty, struct step *step)
{
    struct rebalance_batch *batch = &rebalance->on_duty.batch;
    batch->coordinator = rebalance->coordinator;
    batch->net = rebalance->net;
    batch->session_id = view_of(rebalance->session_id, sizeof(rebalance->session_id));
    batch->plan = active->row.number;
    batch->lanes = rebalance->lanes;
    batch->halt = (struct halt){.is_called = &rebalance->is_interrupted, .duty = duty};
    rebalance_batch_run_blocking(batch, &active->bucket);
    settle_tasks(rebalance, active, step);
    for (unsigned i = 0; i < batch->count; i++) {
        if (!batch->tasks[i].is_settled) {
            return false;
        }
    }
    return true;
}

static enum hearth_code read_page(struct rebalance *rebalance, struct active_plan *active,
    struct step *step, struct hearth_err *err)
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

/* What moved counts, also of a page that was interrupted and is looked at again: then this is no
 * pass that found nothing. */
static enum hearth_code advance(struct rebalance *rebalance, struct active_plan *active,
    const struct step *step, bool is_whole, struct hearth_err *err)
{
    active->row.pass_moves += step->moved;
    if (is_whole && step->dealt > 0) {
        active->row.cursor = rebalance->on_duty.page.segments[step->dealt - 1].id;
    }
    active->row.pass_left += is_whole ? step->left : 0;
    return is_whole && step->dealt == step->read && step->read < META_SWEEP_MAX
        ? rebalance_pass_end(rebalance->coordinator, active, err)
        : meta_rebalance_progress(rebalance->coordinator->store, &active->row, err);
}

/* *waits: nothing can be done before its time. */
static enum hearth_code run_step(struct rebalance *rebalance, struct active_plan *active,
    struct duty *duty, bool *waits, struct hearth_err *err)
{
    struct step step = {0};
    *waits = env_now_ns(rebalance->coordinator->env) < active->not_before_ns;
    if (*waits) {
        return HEARTH_OK;
    }
    if (!active->has_begun &&
        rebalance_pass_begin(rebalance->coordinator, active, err) != HEARTH_OK) {
        return err->code;
    }
    if (read_page(rebalance, active, &step, err) != HEARTH_OK) {
        return err->code;
    }
    const bool is_whole = run_batch(rebalance, active, duty, &step);
    if (FAILPOINT(COORDINATOR_REBALANCE_PROGRESS)) {
        return hearth_fail(err, HEARTH_IO, "failpoint");
    }
    return advance(rebalance, active, &step, is_whole, err);
}

/* ---- rounds ---- */

static enum hearth_code run_plan(struct rebalance *rebalance, const struct meta_rebalance *row,
    struct duty *duty, bool *waits, struct hearth_err *err)
{
    struct active_plan *active;
    if (rebalance->net == NULL) {
        *waits = true;
        return HEARTH_OK;
    }
    enum hearth_code code =
        active_plan_find(&rebalance->on_duty.plans, rebalance->coordinator, row, &active, err);
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
    case META_REBALANCE_FAILED:
        active_plan_forget(&rebalance->on_duty.plans, row->number);
        return false;
    }
    if (code == HEARTH_CANCELLED) {
        active_plan_forget(&rebalance->on_duty.plans, row->number);
    } else if (code != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=rebalance plan=%" PRIu64 " error=\"%s\"", row->number,
            err.message);
        return false;
    }
    return !waits;
}

/* The oldest first. False: there is nothing to do for them now. */
static bool work_on_those(struct rebalance *rebalance, const struct meta_rebalance_list *list,
    bool are_read, struct duty *duty)
{
    bool has_worked = false;
    for (size_t i = list->count; i > 0 && !duty_is_stopping(duty); i--) {
        const struct meta_rebalance *row = &list->plans[i - 1];
        if ((row->state == META_REBALANCE_READING) == are_read) {
            has_worked = work_on(rebalance, row, duty) || has_worked;
        }
    }
    return has_worked;
}

/* Each open plan has its turn; somebody waits for those that are worked out. */
static bool work(struct rebalance *rebalance, struct duty *duty)
{
    struct arena arena;
    struct meta_rebalance_list list;
    struct hearth_err err;
    arena_init(&arena, 0);
    if (meta_rebalance_list(rebalance->coordinator->store, &arena, &list, &err) != HEARTH_OK) {
        log_write(LOG_DUTY_FAILED, "duty=rebalance error=\"%s\"", err.message);
        list.count = 0;
    }
    bool has_worked = work_on_those(rebalance, &list, true, duty);
    has_worked = work_on_those(rebalance, &list, false, duty) || has_worked;
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
