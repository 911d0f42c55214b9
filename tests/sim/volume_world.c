#include "tests/sim/volume_world.h"

#include "storaged/disk_threads.h"

#include <assert.h>
#include <sched.h>
#include <stdlib.h>

/* ---- shards ---- */

struct shard_id plan_id(const struct shard_plan *plan)
{
    struct test_env chance;
    struct shard_id id;
    test_env_init(&chance, plan->name);
    env_random(&chance.env, id.bytes, sizeof(id.bytes));
    return id;
}

static size_t cell_size(const struct shard_plan *plan, uint32_t cell)
{
    return cell + 1u < plan->cell_count ? plan->cell_size : plan->last_cell_size;
}

uint64_t plan_length(const struct shard_plan *plan)
{
    return (uint64_t)(plan->cell_count - 1) * (plan->cell_size + VOLUME_TAG_SIZE) +
        plan->last_cell_size + VOLUME_TAG_SIZE;
}

static uint8_t plan_byte(const struct shard_plan *plan, uint32_t cell, size_t at)
{
    uint64_t mixed = (plan->name * UINT64_C(257) + plan->content) * UINT64_C(65537) + cell;
    mixed = (mixed << 20 | at) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint8_t)(mixed >> 56);
}

static void fill_cell(const struct shard_plan *plan, uint32_t cell, uint8_t *bytes, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        bytes[at] = plan_byte(plan, cell, at);
    }
}

struct slice plan_cell(const struct shard_plan *plan, uint32_t cell)
{
    size_t size = cell_size(plan, cell) + VOLUME_TAG_SIZE;
    struct buf *buf = buf_create(size);
    assert(buf != NULL);
    fill_cell(plan, cell, buf->bytes, size);
    buf->size = size;
    return (struct slice){buf, buf_view(buf)};
}

struct volume_put_request plan_request(const struct shard_plan *plan)
{
    struct volume_put_request request = {.id = plan_id(plan),
        .slot = plan->name,
        .p = plan->content,
        .cell_size = plan->cell_count > 1 ? plan->cell_size : plan->last_cell_size,
        .length_max = plan_length(plan)};
    memset(request.locator.bytes, plan->name, SHARD_LOCATOR_SIZE);
    return request;
}

struct volume_put_totals plan_totals(const struct shard_plan *plan)
{
    struct volume_put_totals totals = {.cell_count = plan->cell_count,
        .length = plan_length(plan),
        .stored_unix_ms = 1000u + plan->content};
    memset(totals.tag_digest, plan->content, VOLUME_DIGEST_SIZE);
    return totals;
}

/* ---- the world ---- */

static void count_event(void *context, const struct volume_event *event)
{
    struct volume_world *world = context;
    world->events[event->kind]++;
}

static void init_around_disk(struct volume_world *world)
{
    struct hearth_err err;
    test_env_init(&world->env, 42);
    enum hearth_code code = loop_create(&world->env.env, &world->loop, &err);
    assert(code == HEARTH_OK);
    world->options = (struct volume_options){.loop = world->loop,
        .node_id = {1, 2, 3},
        .purge_until_unix_ms = UINT64_MAX,
        .log_size_max = 256 * 1024,
        .reserve_bytes = 16 * 1024,
        .allocate_bytes = 16 * 1024,
        .on_event = count_event,
        .on_event_context = world};
}

void volume_world_init(struct volume_world *world, uint64_t seed)
{
    *world = (struct volume_world){0};
    init_around_disk(world);
    world->sim = sim_disk_create(world->loop, seed);
    world->options.disk = sim_disk_seam(world->sim);
}

void volume_world_init_crashed(struct volume_world *world, const struct volume_world *from,
    enum sim_policy policy, uint64_t seed)
{
    *world = (struct volume_world){0};
    init_around_disk(world);
    world->options.capacity_bytes = from->options.capacity_bytes;
    world->options.log_size_max = from->options.log_size_max;
    world->options.checkpoint_records = from->options.checkpoint_records;
    world->env.monotonic_ns = from->env.monotonic_ns; /* it is the same day */
    world->env.unix_ms = from->env.unix_ms;
    world->sim = sim_disk_crash(from->sim, world->loop, policy, seed);
    world->options.disk = sim_disk_seam(world->sim);
}

void volume_world_init_real(struct volume_world *world, const char *directory)
{
    struct hearth_err err;
    *world = (struct volume_world){0};
    init_around_disk(world);
    struct disk_threads_options options = {.directory = directory, .loop = world->loop};
    enum hearth_code code = disk_threads_create(&options, &world->options.disk, &err);
    assert(code == HEARTH_OK);
}

void volume_world_fini(struct volume_world *world)
{
    volume_world_kill(world);
    disk_destroy(world->options.disk);
    loop_destroy(world->loop);
}

static bool turn(struct volume_world *world)
{
    bool moved = loop_run_once(world->loop);
    return (world->sim != NULL && sim_disk_step(world->sim)) || moved;
}

void volume_world_settle(struct volume_world *world)
{
    while (turn(world)) {
    }
}

/* Nothing moves: time passes until something does. A real disk may have an answer any moment. */
static void step_to_next_timer(struct volume_world *world)
{
    if (world->sim == NULL) {
        sched_yield();
        test_env_step_ms(&world->env, 1);
        return;
    }
    uint64_t deadline_ns = loop_next_deadline_ns(world->loop);
    assert(deadline_ns != UINT64_MAX); /* otherwise the answer never comes */
    uint64_t now_ns = env_now_ns(&world->env.env);
    test_env_step_ms(&world->env, (deadline_ns - now_ns) / 1000000 + 1);
}

static bool is_moving(const struct volume_world *world)
{
    struct volume_stats stats;
    volume_stats(world->volume, &stats);
    return stats.is_moving;
}

void volume_world_finish_moves(struct volume_world *world)
{
    volume_world_settle(world);
    while (is_moving(world)) {
        step_to_next_timer(world);
        volume_world_settle(world);
    }
}

void volume_world_age(struct volume_world *world)
{
    static const uint64_t hour_ms = 3600 * 1000;
    volume_world_settle(world);
    test_env_step_ms(&world->env, 8 * 24 * hour_ms);
    volume_learn_time(world->volume, env_unix_ms(&world->env.env));
    test_env_step_ms(&world->env, 2 * hour_ms);
    volume_learn_time(world->volume, env_unix_ms(&world->env.env));
}

void volume_world_tidy(struct volume_world *world)
{
    volume_world_finish_moves(world);
    volume_tidy(world->volume);
    volume_world_finish_moves(world);
    volume_tidy(world->volume); /* a log that was closed for it first */
    volume_world_finish_moves(world);
}

void volume_world_run_until(struct volume_world *world, const bool *done)
{
    while (!*done) {
        if (!turn(world)) {
            step_to_next_timer(world);
        }
    }
}

enum hearth_code volume_world_open(struct volume_world *world, struct hearth_err *err)
{
    assert(world->volume == NULL);
    if (volume_open_blocking(&world->options, &world->volume, err) != HEARTH_OK) {
        return err->code;
    }
    volume_learn_time(world->volume, env_unix_ms(&world->env.env));
    return HEARTH_OK;
}

void volume_world_close(struct volume_world *world)
{
    struct plain_wait wait;
    volume_close(world->volume, plain_wait(&wait));
    volume_world_run_until(world, &wait.done);
    assert(wait.wait.err.code == HEARTH_OK);
    volume_world_kill(world);
}

void volume_world_kill(struct volume_world *world)
{
    volume_world_settle(world);
    volume_destroy(world->volume);
    world->volume = NULL;
}

void volume_world_crash(struct volume_world *world, enum sim_policy policy, uint64_t seed)
{
    struct sim_disk *crashed = sim_disk_crash(world->sim, world->loop, policy, seed);
    volume_world_kill(world);
    disk_destroy(sim_disk_seam(world->sim));
    world->sim = crashed;
    world->options.disk = sim_disk_seam(crashed);
}

/* ---- waits ---- */

static void remember(struct volume_wait *wait)
{
    struct plain_wait *self = (struct plain_wait *)wait;
    assert(!self->done);
    self->done = true;
}

struct volume_wait *plain_wait(struct plain_wait *wait)
{
    wait->done = false;
    wait->wait.done = remember;
    return &wait->wait;
}

/* For the waits that are embedded in an answer of their own. */
struct flagged_finish {
    struct volume_finish finish; /* first, and its wait is first in it */
    bool done;
};

struct flagged_read {
    struct volume_read read;
    bool done;
};

struct flagged_trash {
    struct volume_trash trash;
    bool done;
};

static void finish_done(struct volume_wait *wait)
{
    ((struct flagged_finish *)wait)->done = true;
}

static void read_done(struct volume_wait *wait)
{
    ((struct flagged_read *)wait)->done = true;
}

static void trash_done(struct volume_wait *wait)
{
    ((struct flagged_trash *)wait)->done = true;
}

static enum hearth_code answer_of(
    struct volume_world *world, const struct plain_wait *wait, struct hearth_err *err)
{
    volume_world_run_until(world, &wait->done);
    *err = wait->wait.err;
    return err->code;
}

/* ---- put ---- */

enum hearth_code volume_world_begin(struct volume_world *world,
    const struct volume_put_request *request, struct volume_put **out, struct hearth_err *err)
{
    struct plain_wait wait;
    *out = volume_put_begin(world->volume, request, plain_wait(&wait));
    return answer_of(world, &wait, err);
}

enum hearth_code volume_world_append(struct volume_world *world, struct volume_put *put,
    struct slice cell TAKES, struct hearth_err *err)
{
    struct plain_wait wait;
    volume_put_append(put, cell, plain_wait(&wait));
    return answer_of(world, &wait, err);
}

enum hearth_code volume_world_finish(struct volume_world *world, struct volume_put *put,
    const struct volume_put_totals *totals, uint64_t *stored_unix_ms, struct hearth_err *err)
{
    struct flagged_finish finish = {.finish.wait.done = finish_done};
    volume_put_finish(put, totals, &finish.finish);
    volume_world_run_until(world, &finish.done);
    *err = finish.finish.wait.err;
    *stored_unix_ms = finish.finish.stored_unix_ms;
    return err->code;
}

enum hearth_code volume_world_put(
    struct volume_world *world, const struct shard_plan *plan, struct hearth_err *err)
{
    struct volume_put *put;
    struct volume_put_request request = plan_request(plan);
    if (volume_world_begin(world, &request, &put, err) != HEARTH_OK) {
        return err->code;
    }
    for (uint32_t cell = 0; cell < plan->cell_count; cell++) {
        if (volume_world_append(world, put, plan_cell(plan, cell), err) != HEARTH_OK) {
            volume_put_abort(put);
            return err->code;
        }
    }
    struct volume_put_totals totals = plan_totals(plan);
    uint64_t stored_unix_ms;
    return volume_world_finish(world, put, &totals, &stored_unix_ms, err);
}

/* ---- get ---- */

static bool info_fits(const struct volume_shard_info *info, const struct shard_plan *plan)
{
    struct volume_put_request request = plan_request(plan);
    struct volume_put_totals totals = plan_totals(plan);
    return shard_id_equal(&info->id, &request.id) && info->slot == request.slot &&
        info->p == request.p && info->length == totals.length &&
        info->cell_count == totals.cell_count && info->cell_size == request.cell_size &&
        info->last_cell_size == plan->last_cell_size &&
        memcmp(info->locator.bytes, request.locator.bytes, SHARD_LOCATOR_SIZE) == 0 &&
        memcmp(info->tag_digest, totals.tag_digest, VOLUME_DIGEST_SIZE) == 0 &&
        info->stored_unix_ms == totals.stored_unix_ms;
}

static bool cells_fit(
    const struct shard_plan *plan, uint32_t first, uint32_t end, struct view cells)
{
    size_t at = 0;
    for (uint32_t cell = first; cell < end; cell++) {
        size_t size = cell_size(plan, cell) + VOLUME_TAG_SIZE;
        for (size_t i = 0; i < size; i++, at++) {
            if (at >= cells.size || cells.bytes[at] != plan_byte(plan, cell, i)) {
                return false;
            }
        }
    }
    return at == cells.size;
}

/* Three cells at a time, so that reads begin and end within chunks, too. */
static enum hearth_code compare_cells(struct volume_world *world, struct volume_get *get,
    const struct shard_plan *plan, struct hearth_err *err)
{
    for (uint32_t first = 0; first < plan->cell_count; first += 3) {
        uint32_t end = first + 3u < plan->cell_count ? first + 3u : plan->cell_count;
        struct flagged_read read = {.read.wait.done = read_done};
        volume_get_read(get, first, end - first, &read.read);
        volume_world_run_until(world, &read.done);
        if (read.read.wait.err.code != HEARTH_OK) {
            *err = read.read.wait.err;
            return err->code;
        }
        bool fit = cells_fit(plan, first, end, buf_view(read.read.cells));
        buf_unref(read.read.cells);
        if (!fit) {
            return hearth_fail(err, HEARTH_INTERNAL, "other cells than were stored");
        }
    }
    return HEARTH_OK;
}

enum hearth_code volume_world_get(struct volume_world *world, const struct shard_plan *plan,
    bool *trashed, struct hearth_err *err)
{
    struct plain_wait wait;
    struct shard_id id = plan_id(plan);
    struct volume_get *get = volume_get_open(world->volume, &id, plain_wait(&wait));
    if (answer_of(world, &wait, err) != HEARTH_OK) {
        return err->code;
    }
    *trashed = volume_get_info(get)->trashed;
    enum hearth_code code = info_fits(volume_get_info(get), plan)
        ? compare_cells(world, get, plan, err)
        : hearth_fail(err, HEARTH_INTERNAL, "another shard than was stored");
    volume_get_close(get);
    return code;
}

/* ---- trash ---- */

enum hearth_code volume_world_trash(struct volume_world *world, const struct shard_plan *plan,
    enum volume_trash_outcome *outcome, struct hearth_err *err)
{
    struct flagged_trash trash = {.trash.wait.done = trash_done};
    struct shard_id id = plan_id(plan);
    volume_trash(world->volume, &id, &trash.trash);
    volume_world_run_until(world, &trash.done);
    *err = trash.trash.wait.err;
    if (err->code == HEARTH_OK) {
        *outcome = trash.trash.outcome;
    }
    return err->code;
}
