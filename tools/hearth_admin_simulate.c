/*
 * hearth-admin simulate: what a profile would do on a fleet; "what if".
 */
#include "common/config.h"
#include "proto/wire_repair.h"
#include "tools/admin.h"
#include "tools/chance.h"
#include "tools/format.h"
#include "tools/hearth_admin_verbs.h"
#include "tools/option.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NODES_MAX = 1000000, SLOTS_MAX = 128 };

/* A year of 365.25 days, as the estimate has it. */
static const double YEAR_MS = 365.25 * 24 * 3600 * 1000;

struct simulate_options {
    const char *profile;
    const char *nodes;
    const char *uptime;
    const char *ebb;
    const char *life;
    const char *lost_after;
    const char *repair;
    const char *replace;
    const char *k;
    const char *n;
    const char *r;
    bool fleet;
    bool json;
};

/* ---- what was typed ---- */

static enum program_exit parse_number(
    const char *name, const char *text, unsigned most, uint32_t *out, struct hearth_err *err)
{
    unsigned number = 0;
    enum program_exit exit =
        text == NULL ? PROGRAM_DONE : option_number(name, text, 1, most, &number, err);
    *out = number;
    return exit;
}

static enum program_exit parse_time(
    const char *name, const char *text, uint64_t *out_ms, struct hearth_err *err)
{
    *out_ms = 0;
    if (text != NULL && (config_parse_duration(text, out_ms, err) != HEARTH_OK || *out_ms == 0)) {
        return program_usage(err, "--%s %s: expected a time, like 12h or 300d", name, text);
    }
    return PROGRAM_DONE;
}

/* "99", "99.5", "99.5%". */
static enum program_exit parse_percent(
    const char *name, const char *text, uint32_t *ppm, struct hearth_err *err)
{
    char *end = NULL;
    *ppm = 0;
    if (text == NULL) {
        return PROGRAM_DONE;
    }
    double percent = strtod(text, &end);
    if (end == text || (*end != '\0' && strcmp(end, "%") != 0) || !(percent > 0.0001) ||
        !(percent <= 100)) {
        return program_usage(err, "--%s %s: expected per cent, like 95 or 99.5", name, text);
    }
    *ppm = (uint32_t)lround(percent * 1e4);
    return PROGRAM_DONE;
}

static enum program_exit parse_life(const char *text, uint64_t *hazard, struct hearth_err *err)
{
    uint64_t life_ms;
    enum program_exit exit = parse_time("life", text, &life_ms, err);
    *hazard = exit == PROGRAM_DONE && life_ms > 0
        ? (uint64_t)llround(1000 * YEAR_MS / (double)life_ms)
        : 0;
    return exit;
}

static enum program_exit parse_code(const struct simulate_options *options,
    struct wire_simulate_request *out, struct hearth_err *err)
{
    enum program_exit exit = parse_number("k", options->k, SLOTS_MAX, &out->k, err);
    if (exit == PROGRAM_DONE) {
        exit = parse_number("n", options->n, SLOTS_MAX, &out->n, err);
    }
    return exit == PROGRAM_DONE ? parse_number("r", options->r, SLOTS_MAX, &out->r, err) : exit;
}

static enum program_exit parse_fleet(const struct simulate_options *options,
    struct wire_simulate_request *out, struct hearth_err *err)
{
    enum program_exit exit = parse_number("nodes", options->nodes, NODES_MAX, &out->nodes, err);
    if (exit == PROGRAM_DONE) {
        exit = parse_percent("uptime", options->uptime, &out->uptime_ppm, err);
    }
    if (exit == PROGRAM_DONE) {
        exit = parse_percent("ebb", options->ebb, &out->ebb_ppm, err);
    }
    return exit == PROGRAM_DONE ? parse_life(options->life, &out->hazard_permille, err) : exit;
}

static enum program_exit parse_times(const struct simulate_options *options,
    struct wire_simulate_request *out, struct hearth_err *err)
{
    enum program_exit exit =
        parse_time("lost-after", options->lost_after, &out->lost_after_ms, err);
    if (exit == PROGRAM_DONE) {
        exit = parse_time("repair", options->repair, &out->repair_ms, err);
    }
    return exit == PROGRAM_DONE ? parse_time("replace", options->replace, &out->replace_ms, err)
                                : exit;
}

static enum program_exit parse(const struct simulate_options *options,
    struct wire_simulate_request *out, struct hearth_err *err)
{
    *out = (struct wire_simulate_request){.from_fleet = options->fleet};
    if (options->profile != NULL) {
        out->profile = view_text(options->profile);
    }
    enum program_exit exit = parse_code(options, out, err);
    if (exit == PROGRAM_DONE) {
        exit = parse_fleet(options, out, err);
    }
    return exit == PROGRAM_DONE ? parse_times(options, out, err) : exit;
}

/* ---- what comes of it ---- */

static double permille(uint64_t number)
{
    return (double)number / 1e3;
}

static void print_json(const struct wire_simulate_reply *reply)
{
    json_t *line = json_line_object();
    json_line_bytes(line, "profile", reply->profile);
    json_line_number(line, "k", reply->k);
    json_line_number(line, "n", reply->n);
    json_line_number(line, "r", reply->r);
    json_line_number(line, "lost_after_s", reply->lost_after_ms / 1000);
    json_line_number(line, "repair_s", reply->repair_ms / 1000);
    json_line_number(line, "replace_s", reply->replace_ms / 1000);
    json_line_number(line, "nodes", reply->nodes);
    json_line_set(line, "uptime", json_real(reply->uptime_ppm / 1e6));
    json_line_set(line, "ebb", json_real(reply->ebb_ppm / 1e6));
    json_line_set(line, "losses_per_year", json_real(permille(reply->hazard_permille)));
    chance_json(line, "lost_within_a_year", reply->lost_digits);
    json_line_set(line, "nines", json_real((double)reply->lost_digits / 1e6));
    chance_json(line, "unreadable", reply->unreadable_digits);
    json_line_set(line, "disk", json_real(permille(reply->disk_permille)));
    json_line_set(line, "disk_full", json_real(permille(reply->disk_full_permille)));
    json_line_set(line, "repair_bytes_per_byte_month", json_real(permille(reply->moved_permille)));
    json_line_set(line, "repairs_per_year", json_real(permille(reply->repairs_permille)));
    json_line_number(line, "slots_filled", reply->goal);
    json_line_number(line, "nodes_there", reply->nodes_there);
    json_line_bytes(line, "warning", reply->warning);
    json_line_print(line);
}

static void print_question(const struct wire_simulate_reply *reply)
{
    char text[FORMAT_DURATION_SIZE];
    uint64_t life_ms = (uint64_t)(1000 * YEAR_MS / (double)reply->hazard_permille);
    printf("%.*s: any %" PRIu32 " of %" PRIu32 " shards, repair at %" PRIu32,
        VIEW_ARGS(reply->profile), reply->k, reply->n, reply->r);
    printf(", on %" PRIu32 " nodes that are up %.4g %% of the time", reply->nodes,
        reply->uptime_ppm / 1e4);
    if (reply->ebb_ppm > 0) {
        printf(" (in the emptiest quarter of it %.3g %% fewer)", reply->ebb_ppm / 1e4);
    }
    printf(" and live %s\n\n", format_duration(life_ms, text));
}

static void print_people(const struct wire_simulate_reply *reply)
{
    char chance[CHANCE_SIZE];
    print_question(reply);
    printf("lost         %s of the segments a year: %.1f nines\n",
        chance_text(reply->lost_digits, chance), (double)reply->lost_digits / 1e6);
    printf("unreadable   %s of the time\n", chance_text(reply->unreadable_digits, chance));
    printf("disk         %.2f bytes a byte stored, %.2f when whole\n",
        permille(reply->disk_permille), permille(reply->disk_full_permille));
    printf(
        "repair       %.2f bytes moved a byte stored and month; each segment %.1f times a year\n",
        permille(reply->moved_permille), permille(reply->repairs_permille));
    if (reply->warning.size > 0) {
        printf("\n%.*s (%" PRIu32 " nodes there on average, %" PRIu32 " of %" PRIu32
               " slots filled)\n",
            VIEW_ARGS(reply->warning), reply->nodes_there, reply->goal, reply->n);
    }
}

static enum hearth_code ask(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    const struct simulate_options *options = call->options;
    struct wire_simulate_request request;
    struct wire_simulate_reply reply;
    if (parse(options, &request, err) != PROGRAM_DONE ||
        admin_ask(admin, RPC_SIMULATE, &request, &reply, err) != HEARTH_OK) {
        return err->code;
    }
    if (options->json) {
        print_json(&reply);
    } else {
        print_people(&reply);
    }
    return HEARTH_OK;
}

/* Wrong usage is said before anybody is asked. */
static enum program_exit run(const struct program_call *call, struct hearth_err *err)
{
    struct wire_simulate_request request;
    enum program_exit exit = parse(call->options, &request, err);
    return exit == PROGRAM_DONE ? admin_run(call, ask, err) : exit;
}

#define TEXT(option, form, field, says)                                                            \
    {                                                                                              \
        .name = option, .value = form, .offset = offsetof(struct simulate_options, field),         \
        .help = says                                                                               \
    }

static const struct program_option params[] = {
    TEXT("profile", "NAME", profile, "whose numbers; the cluster's own when not given"),
    TEXT("nodes", "N", nodes, "how many nodes, each of another owner and network"),
    TEXT("uptime", "PERCENT", uptime, "how much of the time a node is up"),
    TEXT("ebb", "PERCENT", ebb, "so many fewer in the quarter of the hours when the fewest are up"),
    TEXT("life", "TIME", life, "how long a node stays, on average (300d)"),
    TEXT("lost-after", "TIME", lost_after, "silent for so long, a node counts as lost (3d)"),
    TEXT("repair", "TIME", repair, "from there to the end of a repair (12h)"),
    TEXT("replace", "TIME", replace, "until somebody else lends a disk in its place (30d)"),
    TEXT("k", "K", k, "another code: shards that suffice"),
    TEXT("n", "N", n, "another code: all shards"),
    TEXT("r", "R", r, "another code: repair when so many are left"),
    {.name = "fleet",
        .offset = offsetof(struct simulate_options, fleet),
        .help = "nodes, uptime and life of this cluster, as measured"},
    {.name = "json", .offset = offsetof(struct simulate_options, json), .help = "one JSON object"},
};

const struct program_verb hearth_admin_verb_simulate = {
    .name = "simulate",
    .options = params,
    .option_count = sizeof(params) / sizeof(params[0]),
    .options_size = sizeof(struct simulate_options),
    .needs_config = true,
    .help = "what if: nines, availability, disk and repair of a profile on a fleet",
    .notes = "What is not given is as the profile was worked out for. The figures are those of a\n"
             "model (docs/durability-estimate.md); homes fail together in ways it does not know.",
    .run = run,
};
