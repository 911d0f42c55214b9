#include "coordinator/rebalance/rebalance_pass.h"

#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>

static enum hearth_code finish(struct coordinator *coordinator, struct active_plan *active,
    const char *reason, struct hearth_err *err)
{
    struct meta_rebalance row;
    const uint64_t number = active->row.number;
    if (meta_rebalance_end(coordinator->store, number, META_REBALANCE_DONE, reason, err) !=
            HEARTH_OK ||
        meta_rebalance_get(coordinator->store, number, &row, err) != HEARTH_OK) {
        return err->code;
    }
    log_write(LOG_REBALANCE_ENDED, "plan=%" PRIu64 " state=done moves=%" PRIu64 " reason=\"%s\"",
        number, row.moves_done, reason);
    return HEARTH_OK;
}

/* What the bucket names now.  A bucket that is gone, or has another profile, ends the plan. */
static enum hearth_code begin_recode(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    struct hearth_err why;
    enum hearth_code code = recode_set_open(coordinator->store, view_text(active->row.subject),
        (uint32_t)active->row.profile, &active->recode, &why);
    if (code == HEARTH_CANCELLED && finish(coordinator, active, why.message, err) != HEARTH_OK) {
        return err->code;
    }
    return code == HEARTH_OK ? code : hearth_fail(err, code, "%s", why.message);
}

enum hearth_code rebalance_pass_begin(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    struct meta_leaving *leaving = &active->leaving;
    enum hearth_code code =
        meta_rebalance_leaving(coordinator->store, active->row.number, leaving, err);
    if (code == HEARTH_OK && active->plan.kind == REBALANCE_RECODE) {
        code = begin_recode(coordinator, active, err);
    }
    if (code == HEARTH_OK) {
        active->has_begun = true;
        active->is_last_look = meta_id_is_zero(active->row.cursor) && leaving->offers == 0 &&
            leaving->last_order_ms == 0;
    }
    return code;
}

static enum hearth_code next_pass(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    active->row.cursor = (struct meta_id){{0}};
    active->row.pass++;
    active->row.pass_moves = active->row.pass_left = 0;
    active->has_begun = false;
    active->stuck = 0;
    active->is_limited = false;
    return meta_rebalance_progress(coordinator->store, &active->row, err);
}

static void say(struct active_plan *active, const char *reason)
{
    snprintf(active->row.reason, sizeof(active->row.reason), "%s", reason);
}

/* The nodes go on draining, and are not empty: pass_left says so. */
static enum hearth_code end_at_limit(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    return meta_rebalance_progress(coordinator->store, &active->row, err) == HEARTH_OK
        ? finish(coordinator, active,
              "it has moved as many bytes as it may; what is left waits for another plan", err)
        : err->code;
}

static enum hearth_code end_of_drain(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    if (active->is_limited && active->row.pass_moves == 0) {
        return end_at_limit(coordinator, active, err);
    }
    if (active->row.pass_left > 0) {
        say(active,
            "some shards have nowhere to go, failed, or belong to what was deleted: they are"
            " looked at again");
    } else if (active->row.pass_moves > 0) {
        say(active, "");
    } else if (active->is_last_look) {
        return finish(coordinator, active, "nothing of it is left", err);
    } else {
        say(active, "nothing is left to move; orders given before have not all expired");
    }
    return next_pass(coordinator, active, err);
}

/* Until the last order has expired, when that is known; else longer each time. */
static uint64_t idle_ms(struct coordinator *coordinator, const struct active_plan *active)
{
    const uint64_t now_ms = meta_now_ms(coordinator->store);
    const uint64_t until_ms = active->leaving.last_order_ms;
    if (active->row.pass_left == 0 && active->leaving.offers == 0 && until_ms > now_ms) {
        return until_ms - now_ms;
    }
    const unsigned doublings = active->idle_passes < 4 ? active->idle_passes - 1 : 3;
    return (uint64_t)REBALANCE_WAIT_MS << doublings;
}

enum hearth_code rebalance_pass_end(
    struct coordinator *coordinator, struct active_plan *active, struct hearth_err *err)
{
    const bool is_idle = active->row.pass_moves == 0;
    active->idle_passes = is_idle ? active->idle_passes + 1 : 0;
    active->not_before_ns =
        is_idle ? env_now_ns(coordinator->env) + 1000000 * idle_ms(coordinator, active) : 0;
    if (active->plan.kind == REBALANCE_LEAVING) {
        return end_of_drain(coordinator, active, err);
    }
    const bool recodes = active->plan.kind == REBALANCE_RECODE;
    if (active->row.pass_left == 0) {
        const char *stuck = recodes ? "others name some segments, too: they stay as they are"
                                    : "some shards had nowhere better to go";
        return finish(coordinator, active, active->stuck > 0 ? stuck : "", err);
    }
    if (active->idle_passes == REBALANCE_IDLE_PASSES_MAX) {
        return finish(coordinator, active,
            recodes ? "what is left has nowhere to go, or cannot be read"
                    : "what is left has nowhere to go, or its node did not answer",
            err);
    }
    return next_pass(coordinator, active, err);
}
