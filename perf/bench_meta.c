/*
 * bench_meta.c - what the metadata can do with many keys: listings, lookups, inline puts with
 * group commit.
 *
 *   hearth-bench-meta --dir DIR [--keys N] [--seconds S] [--threads T] [--bytes B] [--pairs P]
 *
 * The keys are made first (perf/meta_keys.h), unless DIR has them from an earlier run.  One line
 * of JSON each: calls a second of wall-clock time (a commit waits for the disk, so the clock
 * decides), CPU microseconds a call, the slowest in a hundred (by the clock, and in CPU time of its
 * thread alone), closures a commit, and how many entries a page had.  Pages, folders and keys are
 * chosen at random.  DIR is left behind.
 *
 * --pairs: only puts, P times without and with changes gathered for shipping to nodes, by turns,
 * and what it takes to cut what was gathered.
 */
#include "common/cleanup.h"
#include "common/crypto.h"
#include "common/file.h"
#include "coordinator/fleet/profile.h"
#include "coordinator/meta/meta_bucket.h"
#include "coordinator/meta/meta_list.h"
#include "coordinator/meta/meta_tenant.h"
#include "coordinator/shard_name.h"
#include "perf/bench_crowd.h"
#include "perf/meta_keys.h"

#include <assert.h>
#include <getopt.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { KEY_SIZE = 64, PAGE_KEYS = 1000, MANIFEST_SIZE = 128 };

struct bench {
    const char *directory;
    double seconds;
    unsigned threads;
    size_t bytes; /* of a manifest with its object inside */
    struct meta_store *store;
    struct meta_id bucket;
    uint8_t *manifest;
    atomic_uint commits;
    atomic_ulong entries; /* of all pages */
    uint64_t keys;        /* made */
    unsigned pairs;       /* 0: everything else is measured */
};

static void must(enum hearth_code code, const struct hearth_err *err)
{
    if (code != HEARTH_OK) {
        fprintf(stderr, "hearth-bench-meta: %s\n", err->message);
        exit(1);
    }
}

static struct meta_id draw_id(void)
{
    struct meta_id id;
    env_random(env_system(), id.bytes, sizeof(id.bytes));
    return id;
}

/* ---- what is measured ---- */

static struct view random_key(const struct bench *bench, char text[META_KEYS_TEXT_SIZE])
{
    return meta_keys_at(env_random_below(env_system(), bench->keys), bench->keys, text);
}

/* A new key in some folder: nothing says that neighbours come one after the other. */
static void put_once(struct crowd_member *member)
{
    const struct bench *bench = member->context;
    char folder[META_KEYS_TEXT_SIZE];
    char key[KEY_SIZE];
    const struct meta_id id = draw_id();
    int size = snprintf(key, sizeof(key), "%.*s-%02x%02x%02x%02x",
        VIEW_ARGS(random_key(bench, folder)), id.bytes[0], id.bytes[1], id.bytes[2], id.bytes[3]);
    struct meta_put put = {
        .bucket = bench->bucket,
        .key = view_of(key, (size_t)size),
        .token = draw_id(),
        .body =
            {
                .id = id,
                .bucket_key_version = 1,
                .manifest = view_of(bench->manifest, bench->bytes),
                .size = bench->bytes,
            },
    };
    struct meta_object_info info;
    struct hearth_err err;
    must(meta_put_inline(bench->store, &put, &info, &err), &err);
}

static void lookup_once(struct crowd_member *member)
{
    const struct bench *bench = member->context;
    char key[META_KEYS_TEXT_SIZE];
    struct meta_lookup lookup = {.bucket = bench->bucket, .key = random_key(bench, key)};
    struct meta_object object;
    struct hearth_err err;
    must(meta_lookup(bench->store, &lookup, &member->arena, &object, &err), &err);
}

static void list(struct crowd_member *member, struct view delimiter)
{
    struct bench *bench = member->context;
    char key[META_KEYS_TEXT_SIZE];
    struct meta_list list = {.bucket = bench->bucket,
        .delimiter = delimiter,
        .start_after = random_key(bench, key),
        .max = PAGE_KEYS};
    struct meta_list_page page;
    struct hearth_err err;
    must(meta_list(bench->store, &list, &member->arena, &page, &err), &err);
    atomic_fetch_add(&bench->entries, page.count);
}

static void page_once(struct crowd_member *member)
{
    list(member, view_of(NULL, 0));
}

static void folders_once(struct crowd_member *member)
{
    list(member, view_text("/"));
}

/* How many calls there were. */
static uint64_t measure(struct bench *bench, const char *name, unsigned threads,
    void (*once)(struct crowd_member *member))
{
    struct crowd_plan plan = {
        .threads = threads, .seconds = bench->seconds, .once = once, .context = bench};
    struct crowd_result result;
    bench->commits = 0;
    bench->entries = 0;
    crowd_run(&plan, &result);
    printf("{\"bench\": \"%s\", \"keys\": %ju, \"threads\": %u, \"bytes\": %zu,"
           " \"per_s\": %.0f, \"cpu_us\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f,"
           " \"cpu_p99_ms\": %.2f, \"per_commit\": %.1f, \"entries\": %.0f}\n",
        name, (uintmax_t)bench->keys, threads, bench->bytes, result.per_s, result.cpu_us,
        result.p50_ms, result.p99_ms, result.cpu_p99_ms,
        bench->commits > 0 ? (double)result.calls / bench->commits : 0.0,
        (double)bench->entries / (double)result.calls);
    fflush(stdout);
    return result.calls;
}

/* ---- the store ---- */

static bool count_commits(void *context, enum meta_step step)
{
    atomic_fetch_add(&((struct bench *)context)->commits, step == META_STEP_COMMITTED);
    return false;
}

static void make_bucket(struct bench *bench, struct arena *arena)
{
    struct meta_tenant tenant;
    struct hearth_err err;
    must(meta_tenant_ensure(bench->store, view_text("bench"), arena, &tenant, &err), &err);
    struct meta_bucket_create create = {
        .id = draw_id(),
        .name = view_text("bench"),
        .tenant = tenant.id,
        .profile = profile_by_name(view_text("local"))->number,
        .key = {.version = 1, .wrapped = view_text("wrapped")},
        .token = draw_id(),
    };
    must(meta_bucket_create(bench->store, &create, &err), &err);
    must(meta_keys_make(
             bench->store, create.id, bench->keys, view_of(bench->manifest, MANIFEST_SIZE), &err),
        &err);
}

static void find_or_make_bucket(struct bench *bench)
{
    struct arena arena;
    struct meta_bucket bucket;
    struct hearth_err err;
    arena_init(&arena, 0);
    enum hearth_code code =
        meta_bucket_get(bench->store, view_text("bench"), &arena, &bucket, &err);
    if (code == HEARTH_NOT_FOUND) {
        make_bucket(bench, &arena);
        code = meta_bucket_get(bench->store, view_text("bench"), &arena, &bucket, &err);
    }
    must(code, &err);
    bench->bucket = bucket.id;
    arena_fini(&arena);
}

static double cpu_us_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void begin_gathering(struct bench *bench)
{
    char path[PATH_MAX];
    struct hearth_err err;
    snprintf(path, sizeof(path), "%s/copy", bench->directory);
    must(meta_snapshot(bench->store, path, &err), &err);
    unlink(path);
}

static void measure_cut(struct bench *bench, uint64_t puts)
{
    uint8_t *changes;
    size_t size;
    struct hearth_err err;
    double before = cpu_us_now();
    must(meta_changes_since(bench->store, &changes, &size, &err), &err);
    printf("{\"bench\": \"meta_cut\", \"puts\": %ju, \"bytes\": %zu, \"cpu_us\": %.2f,"
           " \"bytes_of_a_put\": %.0f}\n",
        (uintmax_t)puts, size, (cpu_us_now() - before) / (double)puts, (double)size / (double)puts);
    free(changes);
}

/* Gathering ends with the store. */
static void measure_pair(struct bench *bench, const struct meta_store_options *options)
{
    struct hearth_err err;
    must(meta_store_open(options, &bench->store, &err), &err);
    measure(bench, "meta_put", bench->threads, put_once);
    begin_gathering(bench);
    measure_cut(bench, measure(bench, "meta_put_gathered", bench->threads, put_once));
    meta_store_close(bench->store);
}

static void measure_all(struct bench *bench)
{
    measure(bench, "meta_page", 1, page_once);
    measure(bench, "meta_folders", 1, folders_once);
    measure(bench, "meta_lookup", META_READERS, lookup_once);
    measure(bench, "meta_put", bench->threads, put_once);
}

static void run(struct bench *bench)
{
    const uint8_t master[CRYPTO_KEY_SIZE] = {1};
    struct shard_name_keys names;
    struct hearth_err err;
    shard_name_keys_init(&names, master);
    FREES uint8_t *manifest = calloc(1, bench->bytes + MANIFEST_SIZE);
    assert(manifest != NULL);
    bench->manifest = manifest;
    must(file_make_directories(bench->directory, 0700, &err), &err);
    const struct meta_store_options options = {
        .directory = bench->directory,
        .env = env_system(),
        .names = &names,
        .fails_at = count_commits,
        .fails_context = bench,
    };
    must(meta_store_open(&options, &bench->store, &err), &err);
    find_or_make_bucket(bench);
    if (bench->pairs == 0) {
        measure_all(bench);
    }
    meta_store_close(bench->store);
    for (unsigned i = 0; i < bench->pairs; i++) {
        measure_pair(bench, &options);
    }
}

static bool parse(int argc, char **argv, struct bench *bench)
{
    static const struct option names[] = {{"dir", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
        {"bytes", required_argument, NULL, 'b'}, {"keys", required_argument, NULL, 'k'},
        {"pairs", required_argument, NULL, 'p'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'd': bench->directory = optarg; break;
        case 's': bench->seconds = strtod(optarg, NULL); break;
        case 't': bench->threads = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'k': bench->keys = strtoull(optarg, NULL, 10); break;
        case 'p': bench->pairs = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'b': bench->bytes = strtoul(optarg, NULL, 10); break;
        default: return false;
        }
    }
    return bench->directory != NULL && bench->seconds > 0 && bench->threads >= 1 &&
        bench->threads <= CROWD_MAX && bench->keys >= 1 && bench->bytes >= 1 &&
        bench->bytes <= 8192;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.seconds = 2, .threads = 64, .bytes = 1024, .keys = 100000};
    if (!parse(argc, argv, &bench)) {
        fprintf(stderr,
            "usage: hearth-bench-meta --dir DIR [--keys N] [--seconds S] [--threads 1..%d]"
            " [--bytes 1..8192] [--pairs P]\n",
            CROWD_MAX);
        return 2;
    }
    run(&bench);
    return 0;
}
