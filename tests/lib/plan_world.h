/*
 * plan_world.h - a move_world with plans and an operator, and a watcher that looks at every call to
 * a node: no segment ever has fewer good shards than it had.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TESTS_LIB_PLAN_WORLD_H
#define HEARTH_TESTS_LIB_PLAN_WORLD_H

#include "coordinator/rebalance/rebalance_pass.h"
#include "tests/lib/move_world.h"

enum {
    PLAN_WORLD_NODES = 12,
    PLAN_WORLD_NODES_MAX = 16,
    PLAN_WORLD_SEGMENTS = 24,
    PLAN_WORLD_TICK_MS = REBALANCE_WAIT_MS + 1000,
};

struct plan_world {
    struct move_world at;
    unsigned looked;                             /* of the watcher */
    void (*meanwhile)(struct plan_world *world); /* once, at a call to a node; NULL: nothing */
    unsigned calls_before_meanwhile;
    uint64_t plan;
    uint32_t leaver;    /* a node that holds something */
    uint64_t beaten_ns; /* when nodes were heard of last, in a test that lets them be */
    unsigned waits;     /* in a test that counts them */
    uint64_t acted_ns;  /* when its operator acted */
};

/* Once after so many calls more to nodes. */
void plan_world_after_calls(
    struct plan_world *world, unsigned calls, void (*meanwhile)(struct plan_world *world));

/* For cmocka. */
int plan_world_set_up(void **state);
int plan_world_tear_down(void **state);

struct meta_store *plan_world_store_of(struct plan_world *world);
struct hearth_err *plan_world_err_of(struct plan_world *world);

void plan_world_run_round(struct plan_world *world);
struct meta_rebalance plan_world_plan_now(struct plan_world *world);
enum hearth_code plan_world_command(struct plan_world *world, enum meta_rebalance_command what);

/* Worked out, not applied; world->plan is its number. */
void plan_world_make_plan(struct plan_world *world, enum rebalance_kind kind, uint32_t leaving);
void plan_world_start_drain(struct plan_world *world, uint32_t node);

/* While it runs, and time passes. */
void plan_world_run_to_the_end(struct plan_world *world);

/* The process ends and begins anew. */
void plan_world_restart(struct plan_world *world);

/* At each of these failpoints in its turn, while the plan is applied; then at none. */
void plan_world_restart_at(struct plan_world *world, const char *const steps[], size_t count);
void plan_world_pause_it(struct plan_world *world);
void plan_world_cancel_it(struct plan_world *world);

/* It is a conflict, and the error says so. */
void plan_world_assert_refused(struct plan_world *world, enum hearth_code code, const char *why);

#endif /* HEARTH_TESTS_LIB_PLAN_WORLD_H */
