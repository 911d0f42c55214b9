#include "tests/sim/volume_model.h"

#include "tests/lib/test.h"

#include <stdlib.h>

static const char *const op_names[MODEL_OPS] = {"put small", "put small with other content",
    "put large", "put large and middle", "put all at once", "trash small", "trash large",
    "trash middle", "abort large", "reopen", "kill", "tidy", "age"};

const char *model_op_name(enum model_op op)
{
    return op_names[op];
}

static struct shard_plan plan_of(enum model_name name, uint8_t content)
{
    static const struct shard_plan plans[MODEL_NAMES] = {
        [MODEL_SMALL] = {.name = 1, .cell_count = 1, .cell_size = 700, .last_cell_size = 700},
        [MODEL_LARGE] = {.name = 2, .cell_count = 9, .cell_size = 1500, .last_cell_size = 40},
        [MODEL_MIDDLE] = {.name = 3, .cell_count = 5, .cell_size = 900, .last_cell_size = 900},
    };
    struct shard_plan plan = plans[name];
    plan.content = content;
    return plan;
}

static unsigned live(uint8_t content)
{
    return content == 1 ? FATE_LIVE_1 : FATE_LIVE_2;
}

/* What trashing makes of each fate of a set. */
static unsigned trashed(unsigned fates)
{
    unsigned after = fates & (FATE_TRASHED_1 | FATE_TRASHED_2 | FATE_BARRED);
    after |= fates & FATE_LIVE_1 ? FATE_TRASHED_1 : 0;
    after |= fates & FATE_LIVE_2 ? FATE_TRASHED_2 : 0;
    after |= fates & FATE_ABSENT ? FATE_BARRED : 0;
    return after;
}

static bool is_fault(enum hearth_code code)
{
    return code == HEARTH_IO || code == HEARTH_NO_SPACE || code == HEARTH_CHECKSUM;
}

static void settle(struct volume_model *model, enum model_name name, unsigned fates)
{
    model->possible[name] = model->expects_nothing ? FATE_ANY : fates;
    model->under_way[name] = 0;
    assert_int_not_equal(model->possible[name], 0); /* the answer was impossible */
}

void volume_model_init(struct volume_model *model)
{
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        model->possible[name] = FATE_ABSENT;
        model->under_way[name] = 0;
        model->is_over[name] = false;
    }
    model->expects_nothing = false;
}

/* ---- puts ---- */

static void begin_put(struct volume_model *model, enum model_name name, uint8_t content)
{
    model->under_way[name] = model->possible[name] & FATE_ABSENT ? live(content) : 0;
}

static void end_put(struct volume_model *model, enum model_name name, uint8_t content,
    enum hearth_code code, bool may_fail)
{
    unsigned before = model->possible[name];
    unsigned gone = FATE_TRASHED_1 | FATE_TRASHED_2 | FATE_BARRED;
    if (code == HEARTH_OK) {
        unsigned fits = FATE_ABSENT | live(content);
        settle(model, name, before & fits ? live(content) : 0);
    } else if (code == HEARTH_CONFLICT) {
        settle(model, name, before & (FATE_LIVE_1 | FATE_LIVE_2) & ~live(content));
    } else if (code == HEARTH_TRASHED) {
        settle(model, name, before & gone);
    } else {
        assert_true(may_fail && is_fault(code));
        settle(model, name, before | model->under_way[name]);
    }
}

static void run_put(struct volume_model *model, struct volume_world *world, enum model_name name,
    uint8_t content, bool may_fail)
{
    struct hearth_err err;
    struct shard_plan plan = plan_of(name, content);
    begin_put(model, name, content);
    end_put(model, name, content, volume_world_put(world, &plan, &err), may_fail);
}

/* One of two puts that go on together. */
struct half {
    struct volume_finish finish; /* first, and its wait is first in it */
    bool done;
    enum model_name name;
    struct shard_plan plan;
    struct volume_put *put; /* NULL: over */
    enum hearth_code code;
};

static void half_done(struct volume_wait *wait)
{
    ((struct half *)wait)->done = true;
}

static void half_begin(struct volume_model *model, struct volume_world *world, struct half *half)
{
    struct hearth_err err;
    struct volume_put_request request = plan_request(&half->plan);
    begin_put(model, half->name, 1);
    half->code = volume_world_begin(world, &request, &half->put, &err);
    half->put = half->code == HEARTH_OK ? half->put : NULL;
}

static void half_append(struct volume_world *world, struct half *half, uint32_t cell)
{
    struct hearth_err err;
    if (half->put == NULL || cell >= half->plan.cell_count) {
        return;
    }
    half->code = volume_world_append(world, half->put, plan_cell(&half->plan, cell), &err);
    if (half->code != HEARTH_OK) {
        volume_put_abort(half->put);
        half->put = NULL;
    }
}

static void half_finish(struct half *half)
{
    struct volume_put_totals totals = plan_totals(&half->plan);
    half->finish.wait.done = half_done;
    half->done = half->put == NULL;
    if (half->put != NULL) {
        volume_put_finish(half->put, &totals, &half->finish);
    }
}

static void half_end(
    struct volume_model *model, struct volume_world *world, struct half *half, bool may_fail)
{
    volume_world_run_until(world, &half->done);
    if (half->put != NULL) {
        half->code = half->finish.wait.err.code;
    }
    end_put(model, half->name, 1, half->code, may_fail);
}

static void run_put_pair(struct volume_model *model, struct volume_world *world, bool may_fail)
{
    struct half halves[2] = {
        {.name = MODEL_LARGE, .plan = plan_of(MODEL_LARGE, 1)},
        {.name = MODEL_MIDDLE, .plan = plan_of(MODEL_MIDDLE, 1)},
    };
    half_begin(model, world, &halves[0]);
    half_begin(model, world, &halves[1]);
    for (uint32_t cell = 0; cell < halves[0].plan.cell_count; cell++) {
        half_append(world, &halves[0], cell);
        half_append(world, &halves[1], cell);
    }
    half_finish(&halves[0]);
    half_finish(&halves[1]);
    half_end(model, world, &halves[0], may_fail);
    half_end(model, world, &halves[1], may_fail);
}

static void end_trash(struct volume_model *model, enum model_name name,
    const struct volume_trash *trash, bool may_fail)
{
    unsigned before = model->possible[name];
    if (trash->wait.err.code != HEARTH_OK) {
        assert_true(may_fail && is_fault(trash->wait.err.code));
        settle(model, name, before | trashed(before));
    } else if (trash->outcome == VOLUME_TRASH_ALREADY) {
        settle(model, name, before & trashed(before));
    } else {
        settle(model, name, trashed(before));
    }
}

/* ---- a storm: every answer makes the next call at once ---- */

struct storm_put {
    struct volume_finish finish; /* first, and its wait is first in it; serves all calls */
    struct volume_world *world;
    enum model_name name;
    struct shard_plan plan;
    struct volume_put *put;
    uint32_t next_cell;
    bool done;
    enum hearth_code code;
    struct storm_put *then_trashed; /* the put itself when it is to be trashed */
    struct volume_trash trash;
};

static void storm_trashed(struct volume_wait *wait)
{
    struct storm_put *storm =
        (struct storm_put *)((char *)wait - offsetof(struct storm_put, trash.wait));
    storm->done = true;
}

static void storm_finished(struct volume_wait *wait)
{
    struct storm_put *storm = (struct storm_put *)wait;
    storm->code = wait->err.code;
    storm->done = storm->code != HEARTH_OK || storm->then_trashed == NULL;
    if (!storm->done) {
        struct shard_id id = plan_id(&storm->plan);
        storm->trash.wait.done = storm_trashed;
        volume_trash(storm->world->volume, &id, &storm->trash);
    }
}

static void storm_answered(struct volume_wait *wait)
{
    struct storm_put *storm = (struct storm_put *)wait;
    storm->code = wait->err.code;
    if (storm->code != HEARTH_OK) {
        if (storm->next_cell > 0) {
            volume_put_abort(storm->put);
        }
        storm->done = true;
    } else if (storm->next_cell < storm->plan.cell_count) {
        volume_put_append(storm->put, plan_cell(&storm->plan, storm->next_cell++), wait);
    } else {
        struct volume_put_totals totals = plan_totals(&storm->plan);
        wait->done = storm_finished;
        volume_put_finish(storm->put, &totals, &storm->finish);
    }
}

static void storm_begin(struct volume_model *model, struct volume_world *world,
    struct storm_put *storm, enum model_name name)
{
    storm->world = world;
    storm->name = name;
    storm->plan = plan_of(name, 1);
    storm->then_trashed = name == MODEL_SMALL ? storm : NULL;
    begin_put(model, name, 1);
    if (storm->then_trashed != NULL) {
        model->under_way[name] |= trashed(model->possible[name] | model->under_way[name]);
    }
    struct volume_put_request request = plan_request(&storm->plan);
    storm->finish.wait.done = storm_answered;
    storm->put = volume_put_begin(world->volume, &request, &storm->finish.wait);
}

static void storm_end(
    struct volume_model *model, struct volume_world *world, struct storm_put *storm, bool may_fail)
{
    volume_world_run_until(world, &storm->done);
    end_put(model, storm->name, 1, storm->code, may_fail);
    if (storm->code == HEARTH_OK && storm->then_trashed != NULL) {
        end_trash(model, storm->name, &storm->trash, may_fail);
    }
}

static void run_storm(struct volume_model *model, struct volume_world *world, bool may_fail)
{
    struct storm_put storms[MODEL_NAMES] = {0};
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        storm_begin(model, world, &storms[name], name);
    }
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        storm_end(model, world, &storms[name], may_fail);
    }
}

static void run_abort(struct volume_model *model, struct volume_world *world, bool may_fail)
{
    struct half half = {.name = MODEL_LARGE, .plan = plan_of(MODEL_LARGE, 1)};
    half_begin(model, world, &half);
    for (uint32_t cell = 0; cell < 5; cell++) {
        half_append(world, &half, cell);
    }
    if (half.put != NULL) {
        volume_put_abort(half.put);
        model->under_way[MODEL_LARGE] = 0;
    } else {
        end_put(model, MODEL_LARGE, 1, half.code, may_fail);
    }
}

/* ---- the others ---- */

static void run_trash(
    struct volume_model *model, struct volume_world *world, enum model_name name, bool may_fail)
{
    struct volume_trash trash;
    struct shard_plan plan = plan_of(name, 1);
    model->under_way[name] = trashed(model->possible[name]);
    volume_world_trash(world, &plan, &trash.outcome, &trash.wait.err);
    end_trash(model, name, &trash, may_fail);
}

static bool run_open(struct volume_world *world, bool may_fail)
{
    struct hearth_err err;
    enum hearth_code code = volume_world_open(world, &err);
    if (!may_fail) {
        assert_ok(code, &err);
    }
    assert_true(code == HEARTH_OK || is_fault(code));
    return code == HEARTH_OK;
}

/* Trash and bars may be gone from now on, or be found a last time after a crash. */
static void run_age(struct volume_model *model, struct volume_world *world)
{
    unsigned deleted = FATE_TRASHED_1 | FATE_TRASHED_2 | FATE_BARRED;
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        if (model->possible[name] & deleted) {
            model->is_over[name] = true;
            model->possible[name] |= FATE_ABSENT | FATE_BARRED;
        }
    }
    volume_world_age(world);
    volume_world_tidy(world);
}

static void run_tidy(struct volume_world *world)
{
    test_env_step_ms(&world->env, 2 * 3600 * 1000); /* since a start the clock was steady */
    volume_world_tidy(world);
}

static bool uses(enum model_op op, enum model_name name)
{
    switch (op) {
    case MODEL_PUT_SMALL:
    case MODEL_PUT_SMALL_OTHER:
    case MODEL_TRASH_SMALL: return name == MODEL_SMALL;
    case MODEL_PUT_LARGE:
    case MODEL_TRASH_LARGE:
    case MODEL_ABORT_LARGE: return name == MODEL_LARGE;
    case MODEL_TRASH_MIDDLE: return name == MODEL_MIDDLE;
    case MODEL_PUT_PAIR: return name != MODEL_SMALL;
    case MODEL_STORM: return true;
    case MODEL_REOPEN:
    case MODEL_KILL:
    case MODEL_TIDY:
    case MODEL_AGE:
    case MODEL_OPS: break;
    }
    return false;
}

/* Names are never used again: no order for one that was deleted lives for a week. */
static bool uses_what_is_over(const struct volume_model *model, enum model_op op)
{
    bool does = false;
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        does = does || (model->is_over[name] && uses(op, (enum model_name)name));
    }
    return does;
}

bool volume_model_run(
    struct volume_model *model, struct volume_world *world, enum model_op op, bool may_fail)
{
    if (may_fail) {
        volume_world_finish_moves(world); /* they, and a put that failed, keep ids busy */
    }
    if (uses_what_is_over(model, op)) {
        return true;
    }
    switch (op) {
    case MODEL_PUT_SMALL: run_put(model, world, MODEL_SMALL, 1, may_fail); break;
    case MODEL_PUT_SMALL_OTHER: run_put(model, world, MODEL_SMALL, 2, may_fail); break;
    case MODEL_PUT_LARGE: run_put(model, world, MODEL_LARGE, 1, may_fail); break;
    case MODEL_PUT_PAIR: run_put_pair(model, world, may_fail); break;
    case MODEL_STORM: run_storm(model, world, may_fail); break;
    case MODEL_TRASH_SMALL: run_trash(model, world, MODEL_SMALL, may_fail); break;
    case MODEL_TRASH_LARGE: run_trash(model, world, MODEL_LARGE, may_fail); break;
    case MODEL_TRASH_MIDDLE: run_trash(model, world, MODEL_MIDDLE, may_fail); break;
    case MODEL_ABORT_LARGE: run_abort(model, world, may_fail); break;
    case MODEL_REOPEN: volume_world_close(world); return run_open(world, may_fail);
    case MODEL_KILL: volume_world_kill(world); return run_open(world, may_fail);
    case MODEL_TIDY: run_tidy(world); break;
    case MODEL_AGE: run_age(model, world); break;
    case MODEL_OPS: abort();
    }
    return true;
}

/* ---- looking ---- */

/* The fates that fit what a get of the name shows. 0: other bytes than anybody stored. */
static unsigned observe(struct volume_world *world, enum model_name name)
{
    for (uint8_t content = 1; content <= 2; content++) {
        struct hearth_err err;
        bool is_trash;
        struct shard_plan plan = plan_of(name, content);
        enum hearth_code code = volume_world_get(world, &plan, &is_trash, &err);
        if (code == HEARTH_NOT_FOUND) {
            return FATE_ABSENT | FATE_BARRED;
        }
        if (code == HEARTH_OK) {
            return is_trash ? trashed(live(content)) : live(content);
        }
        if (code != HEARTH_INTERNAL) {
            assert_true(code == HEARTH_IO || code == HEARTH_CHECKSUM);
            return FATE_UNREADABLE;
        }
    }
    return 0;
}

void volume_model_check(
    const struct volume_model *model, struct volume_world *world, unsigned seen[MODEL_NAMES])
{
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        unsigned allowed = model->possible[name] | model->under_way[name];
        seen[name] = observe(world, name);
        if ((seen[name] & allowed) == 0) {
            print_error("name %u: seen %#x, possible %#x\n", name, seen[name], allowed);
        }
        assert_int_not_equal(seen[name] & allowed, 0);
    }
}

void volume_model_check_by_put(const struct volume_model *model, struct volume_world *world)
{
    struct volume_model copy = *model;
    for (unsigned name = 0; name < MODEL_NAMES; name++) {
        copy.possible[name] |= copy.under_way[name];
        if (!copy.is_over[name]) {
            run_put(&copy, world, name, 1, false);
        }
    }
}
