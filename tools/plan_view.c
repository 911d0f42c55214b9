#include "tools/plan_view.h"

#include "tools/admin_wait.h"
#include "tools/format.h"
#include "tools/json_line.h"

#include <inttypes.h>
#include <stdio.h>

bool plan_view_is(const struct wire_rebalance_info *plan, const char *state)
{
    return view_equal(plan->state, view_text(state));
}

static bool is_open(const struct wire_rebalance_info *plan)
{
    return plan_view_is(plan, "planning") || plan_view_is(plan, "planned") ||
        plan_view_is(plan, "running") || plan_view_is(plan, "paused");
}

static uint64_t left(const struct wire_rebalance_info *plan)
{
    return plan->bytes_planned > plan->bytes_done ? plan->bytes_planned - plan->bytes_done : 0;
}

/* The slower of the bandwidth that was given and the line that is busiest. */
static uint64_t expected_ms(const struct wire_rebalance_info *plan)
{
    const uint64_t by_limit =
        plan->bandwidth > 0 ? plan->bytes_planned * 1000 / plan->bandwidth : 0;
    return by_limit > plan->line_ms ? by_limit : plan->line_ms;
}

uint64_t plan_view_duration_ms(const struct wire_rebalance_info *plan)
{
    if (plan->bytes_done == 0 || plan->now_unix_ms <= plan->started_unix_ms) {
        return expected_ms(plan);
    }
    const double ms_per_byte =
        (double)(plan->now_unix_ms - plan->started_unix_ms) / (double)plan->bytes_done;
    return (uint64_t)(ms_per_byte * (double)left(plan));
}

/* ---- for people ---- */

static void print_shares(const struct wire_rebalance_info *plan)
{
    char held[FORMAT_BYTES_SIZE];
    char target[FORMAT_BYTES_SIZE];
    char give[FORMAT_BYTES_SIZE];
    char take[FORMAT_BYTES_SIZE];
    printf("%-6s %10s %10s %10s %10s\n", "NODE", "HOLDS", "SHOULD", "GIVES", "TAKES");
    for (size_t i = 0; i < plan->shares_count; i++) {
        const struct wire_rebalance_share *share = &plan->shares[i];
        printf("%-6" PRIu32 " %10s %10s %10s %10s%s\n", share->node,
            format_bytes(share->held, held), format_bytes(share->target, target),
            format_bytes(share->give, give), format_bytes(share->take, take),
            share->leaves ? "  leaves" : "");
    }
}

static void print_recoding(const struct wire_rebalance_info *plan)
{
    char before[FORMAT_BYTES_SIZE];
    char after[FORMAT_BYTES_SIZE];
    char profile[FORMAT_NAME_SIZE];
    if (plan->moves_planned > 0) {
        printf("their shards take %s, and %s with profile %s; while it runs both are there\n",
            format_bytes(plan->disk_before, before), format_bytes(plan->disk_after, after),
            format_name(plan->profile, profile));
    }
    if (plan->stuck_planned > 0) {
        printf("%" PRIu64 " segments stay as they are: copies in other buckets name them, too"
               "\n",
            plan->stuck_planned);
    }
}

static void print_effect(const struct wire_rebalance_info *plan)
{
    if (plan->profile.size > 0) {
        print_recoding(plan);
        return;
    }
    printf("nodes hold %" PRIu64 " to %" PRIu64 " %% of their share, and %" PRIu64 " to %" PRIu64
           " %% afterwards\n",
        plan->least_before, plan->most_before, plan->least_after, plan->most_after);
    if (plan->violations_before > 0) {
        printf("%" PRIu64 " shards share an owner or a network with another of their segment,"
               " %" PRIu64 " afterwards\n",
            plan->violations_before, plan->violations_after);
    }
    if (plan->stuck_planned > 0) {
        printf("%" PRIu64 " shards should move and have nowhere to go\n", plan->stuck_planned);
    }
}

static void print_limits(const struct wire_rebalance_info *plan)
{
    char text[FORMAT_BYTES_SIZE];
    if (plan->bytes_max > 0) {
        printf("at most %s\n", format_bytes(plan->bytes_max, text));
    }
    if (plan->bandwidth > 0) {
        printf("at %s a second\n", format_bytes(plan->bandwidth, text));
    }
}

static const char *things_of(const struct wire_rebalance_info *plan)
{
    return plan->profile.size > 0 ? "segments" : "shards";
}

static void print_work(const struct wire_rebalance_info *plan)
{
    char bytes[FORMAT_BYTES_SIZE];
    char duration[FORMAT_DURATION_SIZE];
    const bool is_recoding = plan->profile.size > 0;
    if (plan->moves_planned > 0) {
        printf("%s %" PRIu64 " %s, %s, in about %s\n", is_recoding ? "codes anew" : "moves",
            plan->moves_planned, things_of(plan), format_bytes(plan->bytes_planned, bytes),
            format_duration(expected_ms(plan), duration));
        print_limits(plan);
        if (view_equal(plan->kind, view_text("drain"))) {
            printf("what leaves is empty when leave to write there has ended, too: `[nodes] order`"
                   " of the coordinator\n");
        }
    }
    if (plan->moves_done > 0) {
        printf("%s %" PRIu64 " %s, %s", is_recoding ? "coded anew" : "moved", plan->moves_done,
            things_of(plan), format_bytes(plan->bytes_done, bytes));
        printf(plan_view_is(plan, "running") ? "; about %s to go\n" : "\n",
            format_duration(plan_view_duration_ms(plan), duration));
    }
}

/* What its state leaves to do. */
static void print_next(const struct wire_rebalance_info *plan)
{
    const char *verb = plan_view_is(plan, "planned") ? "apply"
        : plan_view_is(plan, "paused")               ? "resume"
                                                     : NULL;
    if (verb != NULL && plan->moves_planned == 0) {
        printf("there is nothing to do\n");
    } else if (verb != NULL) {
        printf("nothing moves before: hearth-admin rebalance %s %" PRIu64 "\n", verb, plan->number);
    }
}

void plan_view_print(const struct wire_rebalance_info *plan)
{
    char text[FORMAT_NAME_SIZE];
    printf("plan %" PRIu64 ": %.*s%s%s, %.*s\n", plan->number, VIEW_ARGS(plan->kind),
        plan->subject.size > 0 ? " of " : "", format_name(plan->subject, text),
        VIEW_ARGS(plan->state));
    if (plan->reason.size > 0) {
        printf("%s\n", format_name(plan->reason, text));
    }
    print_work(plan);
    print_effect(plan);
    if (plan->shares_count > 0) {
        print_shares(plan);
    }
    print_next(plan);
}

void plan_view_heading(void)
{
    printf("%-6s %-8s %-10s %9s %9s %10s %10s %12s  %s\n", "PLAN", "KIND", "STATE", "MOVED", "OF",
        "BYTES", "OF", "TO GO", "WHAT");
}

void plan_view_line(const struct wire_rebalance_info *plan)
{
    char done[FORMAT_BYTES_SIZE];
    char planned[FORMAT_BYTES_SIZE];
    char duration[FORMAT_DURATION_SIZE] = "-";
    char subject[FORMAT_NAME_SIZE];
    char reason[FORMAT_NAME_SIZE];
    if (is_open(plan) && plan->bytes_planned > 0) {
        format_duration(plan_view_duration_ms(plan), duration);
    }
    printf("%-6" PRIu64 " %-8.*s %-10.*s %9" PRIu64 " %9" PRIu64 " %10s %10s %12s  %s%s%s\n",
        plan->number, VIEW_ARGS(plan->kind), VIEW_ARGS(plan->state), plan->moves_done,
        plan->moves_planned, format_bytes(plan->bytes_done, done),
        format_bytes(plan->bytes_planned, planned), duration, format_name(plan->subject, subject),
        plan->subject.size > 0 && plan->reason.size > 0 ? ": " : "",
        format_name(plan->reason, reason));
}

/* ---- for programs ---- */

static json_t *shares_json(const struct wire_rebalance_info *plan)
{
    json_t *shares = json_line_array();
    for (size_t i = 0; i < plan->shares_count; i++) {
        const struct wire_rebalance_share *share = &plan->shares[i];
        json_t *line = json_line_object();
        json_line_number(line, "node", share->node);
        json_line_flag(line, "leaves", share->leaves);
        json_line_number(line, "held", share->held);
        json_line_number(line, "target", share->target);
        json_line_number(line, "give", share->give);
        json_line_number(line, "take", share->take);
        json_line_append(shares, line);
    }
    return shares;
}

void plan_view_json(const struct wire_rebalance_info *plan)
{
    json_t *line = json_line_object();
    json_line_number(line, "plan", plan->number);
    json_line_bytes(line, "kind", plan->kind);
    json_line_bytes(line, "state", plan->state);
    json_line_bytes(line, "subject", plan->subject);
    json_line_bytes(line, "by", plan->admin);
    json_line_bytes(line, "reason", plan->reason);
    json_line_number(line, "bytes_max", plan->bytes_max);
    json_line_number(line, "bandwidth", plan->bandwidth);
    json_line_time(line, "created", plan->created_unix_ms);
    json_line_time(line, "changed", plan->changed_unix_ms);
    json_line_number(line, "moves", plan->moves_planned);
    json_line_number(line, "bytes", plan->bytes_planned);
    json_line_number(line, "stuck", plan->stuck_planned);
    json_line_number(line, "duration_ms", expected_ms(plan));
    json_line_number(line, "least_percent", plan->least_before);
    json_line_number(line, "most_percent", plan->most_before);
    json_line_number(line, "least_percent_after", plan->least_after);
    json_line_number(line, "most_percent_after", plan->most_after);
    json_line_number(line, "violations", plan->violations_before);
    json_line_number(line, "violations_after", plan->violations_after);
    json_line_number(line, "pass", plan->pass);
    json_line_number(line, "moves_done", plan->moves_done);
    json_line_number(line, "bytes_done", plan->bytes_done);
    json_line_bytes(line, "profile", plan->profile);
    json_line_number(line, "disk_before", plan->disk_before);
    json_line_number(line, "disk_after", plan->disk_after);
    json_line_number(line, "moves_left_by_pass", plan->pass_left);
    json_line_number(line, "eta_ms", is_open(plan) ? plan_view_duration_ms(plan) : 0);
    json_line_set(line, "nodes", shares_json(plan));
    json_line_print(line);
}

/* ---- waiting ---- */

enum hearth_code plan_view_ask(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err)
{
    struct wire_rebalance_list_reply reply;
    const struct wire_rebalance_list_request request = {.number = number};
    enum hearth_code code = admin_ask(admin, RPC_REBALANCE_LIST, &request, &reply, err);
    if (code == HEARTH_OK && reply.plans_count != 1) {
        return hearth_fail(err, HEARTH_INTERNAL, "an answer without the plan");
    }
    if (code == HEARTH_OK) {
        *out = reply.plans[0];
    }
    return code;
}

static enum hearth_code ask_again(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err)
{
    char goes_on[40];
    snprintf(goes_on, sizeof(goes_on), "plan %" PRIu64 " goes on", number);
    return admin_wait(admin, goes_on, err) != HEARTH_OK ? err->code
                                                        : plan_view_ask(admin, number, out, err);
}

static enum hearth_code check_end(const struct wire_rebalance_info *plan, struct hearth_err *err)
{
    if (plan_view_is(plan, "failed")) {
        return hearth_fail(err, HEARTH_CONFLICT, "%.*s", VIEW_ARGS(plan->reason));
    }
    return plan_view_is(plan, "cancelled")
        ? hearth_fail(err, HEARTH_CANCELLED, "plan %" PRIu64 " was cancelled", plan->number)
        : HEARTH_OK;
}

enum hearth_code plan_view_await_planned(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err)
{
    enum hearth_code code = plan_view_ask(admin, number, out, err);
    while (code == HEARTH_OK && plan_view_is(out, "planning")) {
        code = ask_again(admin, number, out, err);
    }
    return code == HEARTH_OK ? check_end(out, err) : code;
}

static void show_waiting(const struct wire_rebalance_info *plan)
{
    char done[FORMAT_BYTES_SIZE];
    char planned[FORMAT_BYTES_SIZE];
    char duration[FORMAT_DURATION_SIZE];
    admin_wait_show("plan %" PRIu64 ": %s of %s, %" PRIu64 " %s, ETA %s", plan->number,
        format_bytes(plan->bytes_done, done), format_bytes(plan->bytes_planned, planned),
        plan->moves_done, things_of(plan), format_duration(plan_view_duration_ms(plan), duration));
}

enum hearth_code plan_view_await_end(
    struct admin *admin, uint64_t number, struct wire_rebalance_info *out, struct hearth_err *err)
{
    enum hearth_code code = plan_view_await_planned(admin, number, out, err);
    while (code == HEARTH_OK && plan_view_is(out, "running")) {
        show_waiting(out);
        code = ask_again(admin, number, out, err);
    }
    admin_wait_end();
    return code == HEARTH_OK ? check_end(out, err) : code;
}
