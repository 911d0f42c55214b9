/*
 * bench_objects.c - many small objects through libhearth: puts, then gets of what was put.
 *
 *   hearth-bench-objects --config FILE [--size B] [--threads T] [--seconds S] [--only put|get]
 *
 * Each thread puts keys of its own, `SIZE/THREAD/NUMBER`, into the bucket `bench-objects`, which is
 * made when it is missing; nothing is removed.  Gets take random keys of the first page with that
 * size.  One line of JSON each: calls a second of wall-clock time, CPU microseconds of this process
 * a call, latencies.  Whatever fails ends the program.
 */
#include "client/hearth.h"
#include "common/cleanup.h"
#include "common/env.h"
#include "perf/bench_crowd.h"

#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUCKET "bench-objects"

enum {
    KEY_SIZE = 64,
    SIZE_MAX_MIB = 64,
    TRANSFER_MEMORY = 16 << 20, /* the least a transfer takes, so that all threads may run */
};

struct bench {
    const char *config;
    const char *only; /* NULL: both */
    size_t size;
    unsigned threads;
    double seconds;
    uint8_t run; /* a number no earlier run had, most likely: puts never meet older keys */
    struct hearth *hearth;
    uint8_t *bytes;           /* of every object */
    struct hearth_page *page; /* keys there are to get */
};

static void must(enum hearth_code code, const struct hearth_err *err)
{
    if (code != HEARTH_OK) {
        fprintf(stderr, "hearth-bench-objects: %s\n", err->message);
        exit(1);
    }
}

/* ---- puts ---- */

struct reading {
    struct view left;
};

static enum hearth_code read_some(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    (void)err;
    struct reading *reading = context;
    size_t got = size < reading->left.size ? size : reading->left.size;
    memcpy(bytes, reading->left.bytes, got);
    reading->left = view_of(reading->left.bytes + got, reading->left.size - got);
    *out_got = got;
    return HEARTH_OK;
}

static void put_once(struct crowd_member *member)
{
    const struct bench *bench = member->context;
    struct hearth_err err;
    char key[KEY_SIZE];
    int length = snprintf(key, sizeof(key), "%zu/%02x-%03u/%09ju", bench->size, bench->run,
        member->number, (uintmax_t)member->calls);
    struct reading reading = {.left = view_of(bench->bytes, bench->size)};
    struct hearth_source source = {.read = read_some, .context = &reading};
    struct hearth_put_options options = {.size_expected = bench->size};
    must(hearth_put(
             bench->hearth, BUCKET, view_of(key, (size_t)length), &source, &options, NULL, &err),
        &err);
}

/* ---- gets ---- */

static enum hearth_code count_bytes(void *context, struct view bytes, struct hearth_err *err)
{
    (void)err;
    *(size_t *)context += bytes.size;
    return HEARTH_OK;
}

static void get_once(struct crowd_member *member)
{
    const struct bench *bench = member->context;
    struct hearth_err err;
    uint64_t index = env_random_below(env_system(), bench->page->count);
    size_t got = 0;
    struct hearth_sink sink = {.write = count_bytes, .context = &got};
    must(hearth_get(bench->hearth, BUCKET, bench->page->objects[index].key, &sink, NULL, &err),
        &err);
    assert(got == bench->size);
}

static void find_keys(struct bench *bench)
{
    struct hearth_err err;
    char prefix[KEY_SIZE];
    snprintf(prefix, sizeof(prefix), "%zu/", bench->size);
    struct hearth_list_options options = {.bucket = BUCKET, .prefix = view_text(prefix)};
    must(hearth_list(bench->hearth, &options, &bench->page, &err), &err);
    if (bench->page->count == 0) {
        fprintf(stderr, "hearth-bench-objects: nothing of %zu bytes to get in s3://%s/%s\n",
            bench->size, BUCKET, prefix);
        exit(1);
    }
}

/* ---- all of it ---- */

static bool is_wanted(const struct bench *bench, const char *verb)
{
    return bench->only == NULL || strcmp(bench->only, verb) == 0;
}

static void measure(
    struct bench *bench, const char *verb, void (*once)(struct crowd_member *member))
{
    struct crowd_plan plan = {
        .threads = bench->threads, .seconds = bench->seconds, .once = once, .context = bench};
    struct crowd_result result;
    crowd_run(&plan, &result);
    printf("{\"objects\": \"%s\", \"size\": %zu, \"threads\": %u, \"calls\": %ju,"
           " \"per_s\": %.0f, \"client_cpu_us\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f}\n",
        verb, bench->size, bench->threads, (uintmax_t)result.calls, result.per_s, result.cpu_us,
        result.p50_ms, result.p99_ms);
}

static void run(struct bench *bench)
{
    struct hearth_err err;
    struct hearth_options options = {
        .config_path = bench->config,
        .memory_max = (uint64_t)TRANSFER_MEMORY * bench->threads,
        .transfer_memory_max = TRANSFER_MEMORY,
    };
    must(hearth_open(&options, &bench->hearth, &err), &err);
    enum hearth_code code = hearth_bucket_create(bench->hearth, BUCKET, NULL, &err);
    must(code == HEARTH_EXISTS ? HEARTH_OK : code, &err);
    if (is_wanted(bench, "put")) {
        measure(bench, "put", put_once);
    }
    if (is_wanted(bench, "get")) {
        find_keys(bench);
        measure(bench, "get", get_once);
        hearth_page_destroy(bench->page);
    }
    hearth_close(bench->hearth);
}

static bool parse(int argc, char **argv, struct bench *bench)
{
    static const struct option names[] = {{"config", required_argument, NULL, 'c'},
        {"size", required_argument, NULL, 'b'}, {"threads", required_argument, NULL, 't'},
        {"seconds", required_argument, NULL, 's'}, {"only", required_argument, NULL, 'o'},
        {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'c': bench->config = optarg; break;
        case 'b': bench->size = strtoul(optarg, NULL, 10); break;
        case 't': bench->threads = (unsigned)strtoul(optarg, NULL, 10); break;
        case 's': bench->seconds = strtod(optarg, NULL); break;
        case 'o': bench->only = optarg; break;
        default: return false;
        }
    }
    return bench->config != NULL && bench->seconds > 0 && bench->threads >= 1 &&
        bench->threads <= CROWD_MAX && bench->size >= 1 &&
        bench->size <= (size_t)SIZE_MAX_MIB << 20 &&
        (bench->only == NULL || strcmp(bench->only, "put") == 0 || strcmp(bench->only, "get") == 0);
}

int main(int argc, char **argv)
{
    struct bench bench = {
        .config = getenv("HEARTH_CONFIG"), .size = 4096, .threads = 16, .seconds = 3};
    if (!parse(argc, argv, &bench)) {
        fprintf(stderr,
            "usage: hearth-bench-objects --config FILE [--size BYTES] [--threads 1..%d]"
            " [--seconds S] [--only put|get]\n",
            CROWD_MAX);
        return 2;
    }
    FREES uint8_t *bytes = calloc(1, bench.size);
    assert(bytes != NULL);
    bench.bytes = bytes;
    env_random(env_system(), bytes, bench.size);
    env_random(env_system(), &bench.run, sizeof(bench.run));
    run(&bench);
    return 0;
}
