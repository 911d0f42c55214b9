/*
 * bench_sweep.c - how long a pass over very many segments takes.
 *
 *   hearth-bench-sweep --dir DIR [--segments N] [--profile NAME] [--estimate]
 *
 * The segments are made first (perf/meta_segments.h), unless DIR has some from an earlier run. Then
 * one pass without rests, with repair's judgement of each segment as its watcher; with --estimate
 * its durability is worked out, too, by profile and bucket.  One line of JSON: seconds by the
 * clock, CPU seconds of the whole process, and the longest page: a read transaction, and what the
 * watcher made of it, by the clock and in CPU time of its thread.  DIR is left behind.
 */
#include "common/cleanup.h"
#include "common/crypto.h"
#include "common/file.h"
#include "coordinator/estimate/estimate_watch.h"
#include "coordinator/fleet/sweep.h"
#include "coordinator/meta/meta_segment.h"
#include "coordinator/repair/repair_judge.h"
#include "coordinator/shard_name.h"
#include "perf/meta_segments.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { NO_RESTS = 100, HEARTBEAT_MS = 1000 };

/* Of all nodes, so many fewer are up in the emptiest quarter of the hours. */
static const double EBB = 0.05;

struct bench {
    const char *directory;
    uint64_t segments;
    const struct profile *profile;
    bool estimates;
    struct meta_store *store;
    struct fleet_node nodes[META_SEGMENTS_NODES];
    struct fleet_view fleet;

    /* What the watcher saw. */
    struct sweep_watcher durability; /* with --estimate */
    uint64_t seen;
    uint64_t due;
    struct repair_rules rules;
    bool is_complete;
    double last_wall_s, last_cpu_s;
    double longest_wall_s, longest_cpu_s;
};

static void must(enum hearth_code code, const struct hearth_err *err)
{
    if (code != HEARTH_OK) {
        fprintf(stderr, "hearth-bench-sweep: %s\n", err->message);
        exit(1);
    }
}

static double seconds_of(clockid_t clock)
{
    struct timespec at;
    clock_gettime(clock, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void keep_longest(double now_s, double *last_s, double *longest_s)
{
    double took_s = now_s - *last_s;
    *longest_s = took_s > *longest_s ? took_s : *longest_s;
    *last_s = now_s;
}

/* ---- the watcher ---- */

static enum hearth_code begin(void *context, const struct sweep_pass *pass, struct hearth_err *err)
{
    struct bench *bench = context;
    if (bench->estimates) {
        must(bench->durability.begin(bench->durability.context, pass, err), err);
    }
    bench->last_wall_s = seconds_of(CLOCK_MONOTONIC);
    bench->last_cpu_s = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    return HEARTH_OK;
}

static void page(
    void *context, const struct sweep_pass *pass, const struct meta_segment *segments, size_t count)
{
    struct bench *bench = context;
    for (size_t i = 0; i < count; i++) {
        struct repair_judgement judgement;
        repair_judge(&bench->rules, &segments[i], &bench->fleet, pass->fleet->taken_ms, &judgement);
        bench->due += judgement.is_due;
    }
    if (bench->estimates) {
        struct sweep_pass with_fleet = *pass;
        with_fleet.fleet = &bench->fleet;
        bench->durability.page(bench->durability.context, &with_fleet, segments, count);
    }
    bench->seen += count;
    keep_longest(seconds_of(CLOCK_MONOTONIC), &bench->last_wall_s, &bench->longest_wall_s);
    keep_longest(seconds_of(CLOCK_THREAD_CPUTIME_ID), &bench->last_cpu_s, &bench->longest_cpu_s);
}

static void end(void *context, const struct sweep_pass *pass, bool complete)
{
    struct bench *bench = context;
    bench->is_complete = complete;
    if (bench->estimates) {
        bench->durability.end(bench->durability.context, pass, complete);
    }
}

/* ---- the run ---- */

static void invent_fleet(struct bench *bench)
{
    repair_rules_init(&bench->rules, 0);
    for (uint32_t i = 0; i < META_SEGMENTS_NODES; i++) {
        bench->nodes[i] = (struct fleet_node){.number = i + 1,
            .health = NODE_ALIVE,
            .uptime = bench->profile->node_uptime,
            .hazard = bench->profile->node_hazard};
        durability_swing(EBB, bench->nodes[i].swing);
    }
    bench->fleet = (struct fleet_view){.nodes = bench->nodes, .count = META_SEGMENTS_NODES};
}

static void make_segments(struct bench *bench)
{
    struct hearth_err err;
    struct meta_segment first;
    size_t count;
    must(meta_sweep(bench->store, (struct meta_id){{0}}, &first, 1, &count, &err), &err);
    if (count == 0) {
        must(meta_segments_make(bench->store, bench->profile, bench->segments, &err), &err);
    }
}

static void measure(struct bench *bench)
{
    struct hearth_err err;
    struct node_table *nodes;
    struct sweep *sweep;
    struct estimate *estimate = estimate_create(0);
    struct estimate_watch *durability = estimate_watch_create(estimate, bench->store);
    if (estimate == NULL || durability == NULL) {
        fputs("hearth-bench-sweep: out of memory\n", stderr);
        exit(1);
    }
    bench->durability = estimate_watch_watcher(durability);
    const struct node_table_options table = {
        .store = bench->store, .env = env_system(), .heartbeat_ms = HEARTBEAT_MS};
    must(node_table_create(&table, &nodes, &err), &err);
    const struct sweep_options options = {
        .store = bench->store, .nodes = nodes, .env = env_system(), .share_percent = NO_RESTS};
    must(sweep_create(&options, &sweep, &err), &err);
    const struct sweep_watcher watcher = {
        .context = bench, .begin = begin, .page = page, .end = end};
    sweep_watch(sweep, &watcher);
    double wall_s = seconds_of(CLOCK_MONOTONIC);
    double cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    sweep_round(NULL, sweep);
    wall_s = seconds_of(CLOCK_MONOTONIC) - wall_s;
    cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu_s;
    if (!bench->is_complete) {
        fprintf(stderr, "hearth-bench-sweep: the pass was not completed\n");
        exit(1);
    }
    printf("{\"bench\": \"sweep\", \"profile\": \"%s\", \"estimate\": %s, \"segments\": %" PRIu64
           ", \"due\": %" PRIu64 ", \"wall_s\": %.2f, \"cpu_s\": %.2f, \"per_cpu_s\": %.0f,"
           " \"page_ms_max\": %.2f, \"page_cpu_ms_max\": %.2f}\n",
        bench->profile->name, bench->estimates ? "true" : "false", bench->seen, bench->due, wall_s,
        cpu_s, (double)bench->seen / cpu_s, 1e3 * bench->longest_wall_s,
        1e3 * bench->longest_cpu_s);
    sweep_destroy(sweep);
    estimate_watch_destroy(durability);
    estimate_destroy(estimate);
    node_table_destroy(nodes);
}

static void run(struct bench *bench)
{
    const uint8_t master[CRYPTO_KEY_SIZE] = {1};
    struct shard_name_keys names;
    struct hearth_err err;
    shard_name_keys_init(&names, master);
    invent_fleet(bench);
    must(file_make_directories(bench->directory, 0700, &err), &err);
    const struct meta_store_options options = {
        .directory = bench->directory, .env = env_system(), .names = &names};
    must(meta_store_open(&options, &bench->store, &err), &err);
    make_segments(bench);
    measure(bench);
    meta_store_close(bench->store);
}

static bool parse(int argc, char **argv, struct bench *bench)
{
    static const struct option names[] = {{"dir", required_argument, NULL, 'd'},
        {"segments", required_argument, NULL, 's'}, {"profile", required_argument, NULL, 'p'},
        {"estimate", no_argument, NULL, 'e'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'd': bench->directory = optarg; break;
        case 's': bench->segments = strtoull(optarg, NULL, 10); break;
        case 'e': bench->estimates = true; break;
        case 'p': bench->profile = profile_by_name(view_text(optarg)); break;
        default: return false;
        }
    }
    return bench->directory != NULL && bench->profile != NULL && bench->segments >= 1;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.segments = 1000000};
    bench.profile = profile_by_name(view_text("home"));
    if (!parse(argc, argv, &bench)) {
        fputs("usage: hearth-bench-sweep --dir DIR [--segments N] [--profile NAME] [--estimate]\n",
            stderr);
        return 2;
    }
    run(&bench);
    return 0;
}
