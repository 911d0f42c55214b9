/*
 * plan_view.h - plans of moves as people and programs read them, and waiting for one.
 *
 * Thread-safety: one thread.
 */
#ifndef HEARTH_TOOLS_PLAN_VIEW_H
#define HEARTH_TOOLS_PLAN_VIEW_H

#include "proto/wire_rebalance.h"
#include "tools/admin.h"

/* How long a plan would take, or what is left of it will; 0: not known. */
uint64_t plan_view_duration_ms(const struct wire_rebalance_info *plan);

/* What it moves, how long that takes, what it changes, and what to do next. */
void plan_view_print(const struct wire_rebalance_info *plan);

/* One line each, under a heading. */
void plan_view_heading(void);
void plan_view_line(const struct wire_rebalance_info *plan);

/* One JSON object on one line. */
void plan_view_json(const struct wire_rebalance_info *plan);

bool plan_view_is(const struct wire_rebalance_info *plan, const char *state);

/* One plan; *out lives in admin_arena(). */
enum hearth_code plan_view_ask(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err);

/* Until it is worked out. HEARTH_CONFLICT: it cannot be carried out; err says why. */
enum hearth_code plan_view_await_planned(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err);

/* Until it does not run any more, with a line about it on a terminal. HEARTH_CANCELLED: it was
 * cancelled, or Ctrl-C, after which it goes on. */
enum hearth_code plan_view_await_end(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err);

#endif /* HEARTH_TOOLS_PLAN_VIEW_H */
