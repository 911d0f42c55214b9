/*
 * hearth-admin simulate: what a profile would do on a fleet; "what if".
 */
#include "proto/wire_repair.h"
#include "tools/admin_option.h"
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

/* "99", "99.5", "99.5%". */
static enum hearth_code parse_percent(
    struct admin *admin, const char *name, const char *text, uint32_t *ppm, struct hearth_err *err)
{
    char *end = NULL;
    if (text == NULL) {
        return HEARTH_OK;
    }
    double percent = strtod(text, &end);
    if (end == text || (*end != '\0' && strcmp(end, "%") != 0) || !(percent > 0.0001) ||
        !(percent <= 100)) {
        return admin_usage(admin, err, "--%s %s: expected per cent, like 95 or 99.5", name, text);
    }
    *ppm = (uint32_t)lround(percent * 1e4);
    return HEARTH_OK;
}

/* None at all can be asked for, too. */
static enum hearth_code parse_ebb(struct admin *admin, const char *text,
    struct wire_simulate_request *out, struct hearth_err *err)
{
    out->no_ebb = text != NULL && (strcmp(text, "0") == 0 || strcmp(text, "0%") == 0);
    return out->no_ebb ? HEARTH_OK : parse_percent(admin, "ebb", text, &out->ebb_ppm, err);
}

static enum hearth_code parse_life(
    struct admin *admin, const char *text, uint64_t *hazard_permille, struct hearth_err *err)
{
    uint64_t life_ms = 0;
    enum hearth_code code = admin_option_duration(admin, "life", text, &life_ms, err);
    if (code == HEARTH_OK && life_ms > 0) {
        *hazard_permille = (uint64_t)llround(1000 * YEAR_MS / (double)life_ms);
    }
    return code;
}

/* What is not given stays 0, which is: as the profile has it. */
static enum hearth_code parse(struct admin *admin, const struct simulate_options *options,
    struct wire_simulate_request *out, struct hearth_err *err)
{
    *out = (struct wire_simulate_request){.from_fleet = options->fleet};
    if (options->profile != NULL) {
        out->profile = view_text(options->profile);
    }
    if (admin_option_number(admin, "k", options->k, 1, SLOTS_MAX, &out->k, err) != HEARTH_OK ||
        admin_option_number(admin, "n", options->n, 1, SLOTS_MAX, &out->n, err) != HEARTH_OK ||
        admin_option_number(admin, "r", options->r, 1, SLOTS_MAX, &out->r, err) != HEARTH_OK ||
        admin_option_number(admin, "nodes", options->nodes, 1, NODES_MAX, &out->nodes, err) !=
            HEARTH_OK ||
        parse_percent(admin, "uptime", options->uptime, &out->uptime_ppm, err) != HEARTH_OK ||
        parse_ebb(admin, options->ebb, out, err) != HEARTH_OK ||
        parse_life(admin, options->life, &out->hazard_permille, err) != HEARTH_OK ||
        admin_option_duration(admin, "lost-after", options->lost_after, &out->lost_after_ms, err) !=
            HEARTH_OK ||
        admin_option_duration(admin, "repair", options->repair, &out->repair_ms, err) !=
            HEARTH_OK ||
        admin_option_duration(admin, "replace", options->replace, &out->replace_ms, err) !=
            HEARTH_OK) {
        return err->code;
    }
    return HEARTH_OK;
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
    if (parse(admin, options, &request, err) != HEARTH_OK ||
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

static enum program_exit run(const struct program_call *call, struct hearth_err *err)
{
    return admin_run(call, ask, err);
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
    OPTION_JSON(simulate_options),
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
