#include "coordinator/repair/repair_work.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/log.h"
#include "coordinator/meta/meta_segment.h"
#include "coordinator/repair/repair_plan.h"

enum { FLEET_MS = 5000 }; /* a view of the fleet older than this is taken anew */

void repair_crew_init(struct repair_crew *crew)
{
    pthread_mutex_init(&crew->shared.mutex, NULL);
}

void repair_crew_fini(struct repair_crew *crew)
{
    fleet_view_release(crew->shared.fleet);
    pthread_mutex_destroy(&crew->shared.mutex);
}

/* ---- the fleet ---- */

/* NULL: there is none, or it is too old. */
static const struct fleet_view *keep_fleet(struct repair_crew *crew)
{
    UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
    const struct fleet_view *fleet = crew->shared.fleet;
    bool is_new =
        fleet != NULL && meta_now_ms(crew->coordinator->store) < fleet->taken_ms + FLEET_MS;
    return is_new ? fleet_view_keep(fleet) : NULL;
}

static void change_fleet(struct repair_crew *crew, const struct fleet_view *fleet)
{
    const struct fleet_view *old;
    {
        UNLOCKS pthread_mutex_t *held = lock(&crew->shared.mutex);
        old = crew->shared.fleet;
        crew->shared.fleet = fleet_view_keep(fleet);
    }
    fleet_view_release(old);
}

/* *out is released by the caller. */
static enum hearth_code get_fleet(
    struct repair_crew *crew, const struct fleet_view **out, struct hearth_err *err)
{
    *out = keep_fleet(crew);
    if (*out != NULL) {
        return HEARTH_OK;
    }
    enum hearth_code code = fleet_view_take(crew->coordinator->nodes, out, err);
    if (code == HEARTH_OK) {
        change_fleet(crew, *out);
    }
    return code;
}

/* ---- one segment ---- */

static enum hearth_code repair_segment(struct repair_crew *crew, const struct fleet_view *fleet,
    const struct meta_segment *segment, struct repair_outcome *outcome, struct hearth_err *err)
{
    struct repair_judgement judgement;
    struct repair_rules rules = crew->rules;
    rules.everything = repair_board_asked(crew->board) != 0;
    if (repair_is_left_alone(segment)) {
        return HEARTH_OK;
    }
    repair_judge(&rules, segment, fleet, meta_now_ms(crew->coordinator->store), &judgement);
    if (!judgement.is_due) {
        return HEARTH_OK;
    }
    struct repair_plan plan = {
        .coordinator = crew->coordinator,
        .net = crew->net,
        .budget = crew->budget,
        .session_id = view_of(crew->session_id, sizeof(crew->session_id)),
        .fleet = fleet,
        .segment = segment,
        .judgement = &judgement,
    };
    struct repair_done done;
    enum hearth_code code = repair_plan_run_blocking(&plan, &done, err);
    outcome->shards = done.stored;
    outcome->bytes = done.bytes;
    return code;
}

static enum hearth_code repair_one(struct repair_crew *crew, struct meta_id id,
    struct repair_outcome *outcome, struct hearth_err *err)
{
    struct meta_segment segment;
    const struct fleet_view *fleet;
    if (get_fleet(crew, &fleet, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = meta_segment_get(crew->coordinator->store, id, &segment, err);
    if (code == HEARTH_OK) {
        code = repair_segment(crew, fleet, &segment, outcome, err);
    }
    fleet_view_release(fleet);
    return code;
}

static void say(struct meta_id id, const struct repair_outcome *outcome, const char *message)
{
    char text[2 * META_ID_SIZE + 1];
    hex_encode(id.bytes, sizeof(id.bytes), text);
    if (outcome->code == HEARTH_OK && outcome->shards > 0) {
        log_write(LOG_SEGMENT_REPAIRED, "segment=%s shards=%u", text, outcome->shards);
    } else if (repair_outcome_is_failure(outcome->code)) {
        log_write(LOG_REPAIR_FAILED, "segment=%s error=\"%s\"", text, message);
    }
}

static void work_on(struct repair_crew *crew, const struct repair_entry *entry)
{
    struct hearth_err err;
    struct env *env = crew->coordinator->env;
    struct repair_outcome outcome = {.code = HEARTH_OK};
    const uint64_t start = env_now_ns(env);
    outcome.code = repair_one(crew, entry->segment, &outcome, &err);
    outcome.took_ns = env_now_ns(env) - start;
    say(entry->segment, &outcome, err.message);
    repair_board_done(crew->board, entry, &outcome);
}

/* ---- several at once ---- */

struct shift {
    struct repair_crew *crew;
    struct duty *duty;
};

static void *work(void *context)
{
    const struct shift *shift = context;
    struct repair_entry entry;
    while (!duty_is_stopping(shift->duty) && repair_board_take(shift->crew->board, &entry)) {
        work_on(shift->crew, &entry);
    }
    return NULL;
}

/* The caller is one of them. A thread that cannot be had is done without. */
void repair_crew_run(struct repair_crew *crew, struct duty *duty)
{
    struct shift shift = {.crew = crew, .duty = duty};
    pthread_t threads[REPAIR_WORKERS_MAX];
    const size_t depth = repair_board_depth(crew->board);
    const uint64_t most = crew->coordinator->settings->repair_workers;
    unsigned count = 0;
    repair_board_begin(crew->board);
    while (count + 1 < most && count + 1 < depth &&
        pthread_create(&threads[count], NULL, work, &shift) == 0) {
        count++;
    }
    work(&shift);
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}
