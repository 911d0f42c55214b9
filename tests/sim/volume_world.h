/*
 * volume_world.h - a volume on a simulated disk, turned by the test: each call here runs the loop
 * and the disk until its answer has come.
 *
 * Shards are described by a few small numbers, and their bytes follow from these, so that a test
 * can tell without keeping them whether what it reads is what it stored.
 */
#ifndef HEARTH_TESTS_SIM_VOLUME_WORLD_H
#define HEARTH_TESTS_SIM_VOLUME_WORLD_H

#include "storaged/volume.h"
#include "tests/lib/test_env.h"
#include "tests/sim/sim_disk.h"

enum { VOLUME_EVENT_KINDS = VOLUME_LOG_KEPT + 1 };

struct volume_world {
    struct test_env env;
    struct loop *loop;
    struct sim_disk *sim; /* NULL: on real files */
    struct volume_options options;
    struct volume *volume;               /* NULL: it is not open */
    unsigned events[VOLUME_EVENT_KINDS]; /* how often each was reported */
};

/* A shard of few small cells: its name and its content are these numbers. */
struct shard_plan {
    uint8_t name;
    uint8_t content; /* what is in the cells; the same name may be tried with other content */
    uint16_t cell_count;
    uint32_t cell_size;
    uint32_t last_cell_size;
};

struct shard_id plan_id(const struct shard_plan *plan);
uint64_t plan_length(const struct shard_plan *plan);

/* An empty disk whose requests are answered in an order drawn from `seed` (0: in order). */
void volume_world_init(struct volume_world *world, uint64_t seed);

/* A world of its own on what a crash of `from` leaves; the volume is not open. */
void volume_world_init_crashed(struct volume_world *world, const struct volume_world *from,
    enum sim_policy policy, uint64_t seed);

/* On real files in this directory: it is closed, not killed, and a step of time is 1 ms. */
void volume_world_init_real(struct volume_world *world, const char *directory);

/* The volume need not be closed. */
void volume_world_fini(struct volume_world *world);

enum hearth_code volume_world_open(struct volume_world *world, struct hearth_err *err);

/* An orderly end. */
void volume_world_close(struct volume_world *world);

/* As after a SIGKILL: nothing is flushed, the disk and its cache go on. */
void volume_world_kill(struct volume_world *world);

/* Power is lost; the world goes on with what is left. The volume is not open. */
void volume_world_crash(struct volume_world *world, enum sim_policy policy, uint64_t seed);

/* Runs until nothing moves any more; time stands still. */
void volume_world_settle(struct volume_world *world);

/* Runs until no shard is being moved any more; time passes as far as that needs. */
void volume_world_finish_moves(struct volume_world *world);

/*
 * Eight days and some hours pass, and are known: trash of before is over.  Then everything that is
 * worth compacting is compacted.
 */
void volume_world_age(struct volume_world *world);
void volume_world_tidy(struct volume_world *world);

/* Runs until *done, stepping the clock to the next timer when nothing else moves. */
void volume_world_run_until(struct volume_world *world, const bool *done);

/* ---- one operation from its beginning to its answer ---- */

enum hearth_code volume_world_put(
    struct volume_world *world, const struct shard_plan *plan, struct hearth_err *err);

/* Reads all cells and compares. HEARTH_INTERNAL: they are other bytes than the plan's (D2). */
enum hearth_code volume_world_get(struct volume_world *world, const struct shard_plan *plan,
    bool *trashed, struct hearth_err *err);

enum hearth_code volume_world_trash(struct volume_world *world, const struct shard_plan *plan,
    enum volume_trash_outcome *outcome, struct hearth_err *err);

/* ---- the same in pieces ---- */

/* A wait that only remembers that it was answered. */
struct plain_wait {
    struct volume_wait wait; /* first */
    bool done;
};

struct volume_wait *plain_wait(struct plain_wait *wait);

struct volume_put_request plan_request(const struct shard_plan *plan);
struct volume_put_totals plan_totals(const struct shard_plan *plan);

/* Cell number `cell` and its tag. */
struct slice plan_cell(const struct shard_plan *plan, uint32_t cell);

/* *out is open after HEARTH_OK only. */
enum hearth_code volume_world_begin(struct volume_world *world,
    const struct volume_put_request *request, struct volume_put **out, struct hearth_err *err);
enum hearth_code volume_world_append(struct volume_world *world, struct volume_put *put,
    struct slice cell TAKES, struct hearth_err *err);
enum hearth_code volume_world_finish(struct volume_world *world, struct volume_put *put,
    const struct volume_put_totals *totals, uint64_t *stored_unix_ms, struct hearth_err *err);

#endif /* HEARTH_TESTS_SIM_VOLUME_WORLD_H */
