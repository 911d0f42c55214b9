/*
 * bench_meta.c - what the metadata can do: inline puts with group commit, lookups, listings.
 *
 *   hearth-bench-meta --dir DIR [--seconds S] [--threads T] [--bytes B]
 *
 * One line of JSON each: calls a second of wall-clock time (a commit waits for the disk, so the
 * clock decides), CPU microseconds a call, and closures a commit.  DIR is made and left behind.
 */
#include "common/cleanup.h"
#include "common/crypto.h"
#include "common/file.h"
#include "coordinator/meta_bucket.h"
#include "coordinator/meta_list.h"
#include "coordinator/meta_tenant.h"
#include "coordinator/profile.h"
#include "coordinator/shard_name.h"

#include <assert.h>
#include <getopt.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { THREADS_MAX = 256, KEY_SIZE = 32, PAGE_KEYS = 1000 };

struct bench {
    const char *directory;
    double seconds;
    unsigned threads;
    size_t bytes; /* of a manifest with its object inside */
    struct meta_store *store;
    struct meta_id bucket;
    atomic_uint commits;
    atomic_bool stop;
    unsigned puts; /* of each thread, at least: keys that are there to be found */
};

struct worker {
    struct bench *bench;
    unsigned number;
    void (*once)(struct worker *worker);
    pthread_t thread;
    uint64_t calls;
    uint8_t *manifest;
    struct arena arena;
};

static double clock_s(clockid_t clock)
{
    struct timespec now;
    int rc = clock_gettime(clock, &now);
    assert(rc == 0);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

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

/* Keys belong to the threads that put. */
static struct view key_of(const struct worker *worker, uint64_t nth, char key[KEY_SIZE])
{
    int size = snprintf(
        key, KEY_SIZE, "%03u/%012ju", worker->number % worker->bench->threads, (uintmax_t)nth);
    return view_of(key, (size_t)size);
}

static void put_once(struct worker *worker)
{
    struct bench *bench = worker->bench;
    char key[KEY_SIZE];
    struct meta_put put = {
        .bucket = bench->bucket,
        .key = key_of(worker, worker->calls, key),
        .token = draw_id(),
        .body =
            {
                .id = draw_id(),
                .bucket_key_version = 1,
                .manifest = view_of(worker->manifest, bench->bytes),
                .size = bench->bytes,
            },
    };
    struct meta_object_info info;
    struct hearth_err err;
    must(meta_put_inline(bench->store, &put, &info, &err), &err);
}

static void lookup_once(struct worker *worker)
{
    struct bench *bench = worker->bench;
    char key[KEY_SIZE];
    struct meta_lookup lookup = {
        .bucket = bench->bucket,
        .key = key_of(worker, env_random_below(env_system(), bench->puts), key),
    };
    struct meta_object object;
    struct hearth_err err;
    must(meta_lookup(bench->store, &lookup, &worker->arena, &object, &err), &err);
    arena_fini(&worker->arena);
}

static void list_once(struct worker *worker)
{
    struct bench *bench = worker->bench;
    struct meta_list list = {.bucket = bench->bucket, .max = PAGE_KEYS};
    struct meta_list_page page;
    struct hearth_err err;
    must(meta_list(bench->store, &list, &worker->arena, &page, &err), &err);
    arena_fini(&worker->arena);
}

/* ---- many threads ---- */

static void *work(void *context)
{
    struct worker *worker = context;
    arena_init(&worker->arena, 0);
    while (!atomic_load_explicit(&worker->bench->stop, memory_order_relaxed)) {
        worker->once(worker);
        worker->calls++;
    }
    return NULL;
}

static void sleep_s(double seconds)
{
    struct timespec time = {.tv_sec = (time_t)seconds};
    time.tv_nsec = (long)((seconds - (double)time.tv_sec) * 1e9);
    nanosleep(&time, NULL);
}

/* Fewest and all calls of the threads. */
struct tally {
    uint64_t least;
    uint64_t all;
};

static struct tally run_workers(
    struct bench *bench, unsigned threads, void (*once)(struct worker *worker))
{
    static struct worker workers[THREADS_MAX];
    struct tally tally = {.least = UINT64_MAX};
    FREES uint8_t *manifest = calloc(1, bench->bytes);
    assert(manifest != NULL);
    bench->stop = false;
    bench->commits = 0;
    for (unsigned i = 0; i < threads; i++) {
        workers[i] =
            (struct worker){.bench = bench, .number = i, .once = once, .manifest = manifest};
        int rc = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
        assert(rc == 0);
    }
    sleep_s(bench->seconds);
    bench->stop = true;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i].thread, NULL);
        tally.all += workers[i].calls;
        tally.least = workers[i].calls < tally.least ? workers[i].calls : tally.least;
    }
    return tally;
}

static struct tally measure(
    struct bench *bench, const char *name, unsigned threads, void (*once)(struct worker *worker))
{
    double wall = clock_s(CLOCK_MONOTONIC);
    double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    struct tally tally = run_workers(bench, threads, once);
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"bench\": \"%s\", \"threads\": %u, \"bytes\": %zu, \"per_s\": %.0f,"
           " \"cpu_us\": %.1f, \"per_commit\": %.1f}\n",
        name, threads, bench->bytes, (double)tally.all / wall, cpu / (double)tally.all * 1e6,
        bench->commits > 0 ? (double)tally.all / bench->commits : 0.0);
    return tally;
}

/* ---- the store ---- */

static bool count_commits(void *context, enum meta_step step)
{
    atomic_fetch_add(&((struct bench *)context)->commits, step == META_STEP_COMMITTED);
    return false;
}

static void make_bucket(struct bench *bench)
{
    struct arena arena;
    struct meta_tenant tenant;
    struct hearth_err err;
    arena_init(&arena, 0);
    must(meta_tenant_ensure(bench->store, view_text("bench"), &arena, &tenant, &err), &err);
    struct meta_bucket_create create = {
        .id = draw_id(),
        .name = view_text("bench"),
        .tenant = tenant.id,
        .profile = profile_by_name(view_text("local"))->number,
        .key = {.version = 1, .wrapped = view_text("wrapped")},
        .token = draw_id(),
    };
    must(meta_bucket_create(bench->store, &create, &err), &err);
    bench->bucket = create.id;
    arena_fini(&arena);
}

static void run(struct bench *bench)
{
    const uint8_t master[CRYPTO_KEY_SIZE] = {1};
    struct shard_name_keys names;
    struct hearth_err err;
    shard_name_keys_init(&names, master);
    must(file_make_directories(bench->directory, 0700, &err), &err);
    const struct meta_store_options options = {
        .directory = bench->directory,
        .env = env_system(),
        .names = &names,
        .fails_at = count_commits,
        .fails_context = bench,
    };
    must(meta_store_open(&options, &bench->store, &err), &err);
    make_bucket(bench);
    bench->puts = (unsigned)measure(bench, "meta_put", bench->threads, put_once).least;
    measure(bench, "meta_lookup", META_READERS, lookup_once);
    measure(bench, "meta_list", 1, list_once);
    meta_store_close(bench->store);
}

static bool parse(int argc, char **argv, struct bench *bench)
{
    static const struct option names[] = {{"dir", required_argument, NULL, 'd'},
        {"seconds", required_argument, NULL, 's'}, {"threads", required_argument, NULL, 't'},
        {"bytes", required_argument, NULL, 'b'}, {NULL, 0, NULL, 0}};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 'd': bench->directory = optarg; break;
        case 's': bench->seconds = strtod(optarg, NULL); break;
        case 't': bench->threads = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'b': bench->bytes = strtoul(optarg, NULL, 10); break;
        default: return false;
        }
    }
    return bench->directory != NULL && bench->seconds > 0 && bench->threads >= 1 &&
        bench->threads <= THREADS_MAX && bench->bytes >= 1 && bench->bytes <= 8192;
}

int main(int argc, char **argv)
{
    static struct bench bench = {.seconds = 2, .threads = 64, .bytes = 1024};
    if (!parse(argc, argv, &bench)) {
        fprintf(stderr,
            "usage: hearth-bench-meta --dir DIR [--seconds S] [--threads 1..%d]"
            " [--bytes 1..8192]\n",
            THREADS_MAX);
        return 2;
    }
    run(&bench);
    return 0;
}
