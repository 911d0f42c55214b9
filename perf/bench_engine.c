/*
 * bench_engine.c - what a node's disk engine costs with nothing in front of it.
 *
 *   hearth-bench-engine --dir DIR [--mib N] [--disk auto|uring|threads]
 *
 * N MiB in shards of 4 MiB (default 1024).
 * DIR is made, and left for the caller to remove.  Prints JSON lines: writing (each shard synced
 * before the next of its lane, eight lanes), reading it back with every checksum verified, and
 * small shards of one 4 KiB cell made durable per second, with CPU-seconds per 100,000 of them. CPU
 * time is that of the whole process, which sleeps as the daemon does.
 */
#include "storaged/disk_open.h"
#include "storaged/loop.h"
#include "storaged/volume.h"

#include "common/crypto.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum {
    LANES = 8,
    CELL = 65552,
    CELLS_PER_SHARD = 64,
    SMALL_CELL = 4096,
    SMALL_SHARDS = 20000,
    SMALL_LANES = 32,
};

struct lane;

struct bench {
    struct loop *loop;
    struct task start; /* of a run, on the loop */
    void (*begin)(struct lane *lane);
    struct lane *lanes;
    sem_t is_idle; /* the last lane has ended */
    struct disk *disk;
    struct volume *volume;
    struct buf *cell; /* one cell and its tag, for every cell of every shard */
    unsigned next;    /* shard to begin */
    unsigned shards;
    unsigned first; /* number of the first shard of this run, so that ids differ */
    unsigned cells_per_shard;
    size_t cell_size;
    unsigned running; /* lanes */
    uint8_t digest[CRYPTO_SHA256_SIZE];
};

/* One shard after the other. */
struct lane {
    struct bench *bench;
    struct volume_put *put;
    struct volume_get *get;
    struct volume_wait wait;
    struct volume_finish finish;
    struct volume_read read;
    unsigned shard;
    unsigned cell;
};

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void check(const struct volume_wait *wait)
{
    if (wait->err.code != HEARTH_OK) {
        fprintf(stderr, "hearth-bench-engine: %s\n", wait->err.message);
        exit(1);
    }
}

static struct shard_id id_of(unsigned shard)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    struct shard_id id;
    crypto_sha256(view_of(&shard, sizeof(shard)), digest);
    memcpy(id.bytes, digest, sizeof(id.bytes));
    return id;
}

static void lane_ended(struct bench *bench)
{
    if (--bench->running == 0) {
        sem_post(&bench->is_idle);
    }
}

/* ---- writing ---- */

static void put_next_shard(struct lane *lane);

static void put_finished(struct volume_wait *wait)
{
    struct volume_finish *finish = (struct volume_finish *)wait;
    struct lane *lane = (struct lane *)((char *)finish - offsetof(struct lane, finish));
    check(wait);
    put_next_shard(lane);
}

static void put_goes_on(struct volume_wait *wait)
{
    struct lane *lane = (struct lane *)((char *)wait - offsetof(struct lane, wait));
    struct bench *bench = lane->bench;
    check(wait);
    if (lane->cell++ < bench->cells_per_shard) {
        volume_put_append(
            lane->put, slice_of(bench->cell, 0, bench->cell_size + VOLUME_TAG_SIZE), &lane->wait);
        return;
    }
    struct volume_put_totals totals = {
        .cell_count = bench->cells_per_shard,
        .length = (uint64_t)bench->cells_per_shard * (bench->cell_size + VOLUME_TAG_SIZE),
    };
    memcpy(totals.tag_digest, bench->digest, sizeof(totals.tag_digest));
    lane->finish = (struct volume_finish){.wait.done = put_finished};
    volume_put_finish(lane->put, &totals, &lane->finish);
}

static void put_next_shard(struct lane *lane)
{
    struct bench *bench = lane->bench;
    if (bench->next == bench->shards) {
        lane_ended(bench);
        return;
    }
    struct volume_put_request request = {
        .id = id_of(bench->first + bench->next++),
        .cell_size = (uint32_t)bench->cell_size,
        .length_max = (uint64_t)bench->cells_per_shard * (bench->cell_size + VOLUME_TAG_SIZE),
    };
    lane->cell = 0;
    lane->wait = (struct volume_wait){.done = put_goes_on};
    lane->put = volume_put_begin(bench->volume, &request, &lane->wait);
}

/* ---- reading ---- */

static void get_next_shard(struct lane *lane);

static void read_more(struct lane *lane)
{
    struct bench *bench = lane->bench;
    unsigned left = bench->cells_per_shard - lane->cell;
    if (left == 0) {
        volume_get_close(lane->get);
        get_next_shard(lane);
        return;
    }
    unsigned count = left < VOLUME_READ_CELLS_MAX ? left : VOLUME_READ_CELLS_MAX;
    volume_get_read(lane->get, lane->cell, count, &lane->read);
    lane->cell += count;
}

static void was_read(struct volume_wait *wait)
{
    struct volume_read *read = (struct volume_read *)wait;
    struct lane *lane = (struct lane *)((char *)read - offsetof(struct lane, read));
    check(wait);
    buf_unref(read->cells);
    read_more(lane);
}

static void was_opened(struct volume_wait *wait)
{
    struct lane *lane = (struct lane *)((char *)wait - offsetof(struct lane, wait));
    check(wait);
    lane->cell = 0;
    lane->read = (struct volume_read){.wait.done = was_read};
    read_more(lane);
}

static void get_next_shard(struct lane *lane)
{
    struct bench *bench = lane->bench;
    if (bench->next == bench->shards) {
        lane_ended(bench);
        return;
    }
    struct shard_id id = id_of(bench->first + bench->next++);
    lane->wait = (struct volume_wait){.done = was_opened};
    lane->get = volume_get_open(bench->volume, &id, &lane->wait);
}

/* ---- runs ---- */

static void start_lanes(struct task *task)
{
    struct bench *bench = (struct bench *)((char *)task - offsetof(struct bench, start));
    for (unsigned i = 0, count = bench->running; i < count; i++) {
        bench->lanes[i] = (struct lane){.bench = bench};
        bench->begin(&bench->lanes[i]);
    }
}

static void run_lanes(struct bench *bench, unsigned lanes, void (*begin)(struct lane *))
{
    struct lane lane[SMALL_LANES];
    bench->next = 0;
    bench->running = lanes;
    bench->lanes = lane;
    bench->begin = begin;
    bench->start.run = start_lanes;
    loop_post(bench->loop, &bench->start);
    while (sem_wait(&bench->is_idle) != 0) {
        assert(errno == EINTR);
    }
}

static void set_shape(
    struct bench *bench, unsigned first, unsigned shards, unsigned cells, size_t size)
{
    bench->first = first;
    bench->shards = shards;
    bench->cells_per_shard = cells;
    bench->cell_size = size;
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    for (unsigned i = 0; i < cells; i++) {
        crypto_hash_update(hash, view_of(bench->cell->bytes + size, VOLUME_TAG_SIZE));
    }
    crypto_hash_final(hash, bench->digest);
    crypto_hash_destroy(hash);
}

static void run(struct bench *bench, const char *name, unsigned lanes, void (*begin)(struct lane *))
{
    double cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    double wall = clock_s(CLOCK_MONOTONIC);
    run_lanes(bench, lanes, begin);
    cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wall = clock_s(CLOCK_MONOTONIC) - wall;
    double gib = (double)bench->shards * bench->cells_per_shard * (double)bench->cell_size /
        (1024.0 * 1024.0 * 1024.0);
    printf("{\"bench\": \"%s\", \"cpu_s_per_gib\": %.4f, \"mib_per_s\": %.0f, "
           "\"shards_per_s\": %.0f, \"cpu_s_per_100k\": %.2f}\n",
        name, cpu / gib, gib * 1024 / wall, bench->shards / wall, cpu / bench->shards * 100000);
    fflush(stdout);
}

static void volume_is_closed(struct volume_wait *wait)
{
    struct lane *lane = (struct lane *)((char *)wait - offsetof(struct lane, wait));
    check(wait);
    lane_ended(lane->bench);
}

static void close_volume(struct lane *lane)
{
    lane->wait.done = volume_is_closed;
    volume_close(lane->bench->volume, &lane->wait);
}

static void open_volume(struct bench *bench, const char *directory, enum disk_choice choice)
{
    struct hearth_err err;
    struct disk_opened opened;
    struct disk_uring_options disk = {.directory = directory};
    enum hearth_code code = loop_create(env_system(), &bench->loop, &err);
    disk.loop = bench->loop;
    if (code == HEARTH_OK) {
        code = disk_open(choice, &disk, &bench->disk, &opened, &err);
    }
    struct volume_options volume = {.disk = bench->disk, .loop = bench->loop};
    if (code == HEARTH_OK) {
        code = volume_open_blocking(&volume, &bench->volume, &err);
    }
    if (code == HEARTH_OK) {
        code = loop_start(bench->loop, &err);
    }
    if (code != HEARTH_OK) {
        fprintf(stderr, "hearth-bench-engine: open %s: %s\n", directory, err.message);
        exit(1);
    }
    printf("{\"bench\": \"engine\", \"disk\": \"%s\"}\n", disk_choice_names[opened.engine]);
}

static enum disk_choice choice_named(const char *name)
{
    for (unsigned i = 0; i < DISK_CHOICES; i++) {
        if (strcmp(disk_choice_names[i], name) == 0) {
            return (enum disk_choice)i;
        }
    }
    fprintf(stderr, "hearth-bench-engine: --disk auto|uring|threads\n");
    exit(2);
}

struct arguments {
    const char *directory;
    unsigned mib;
    enum disk_choice choice;
};

static struct arguments read_arguments(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"mib", required_argument, NULL, 'm'},
        {"disk", required_argument, NULL, 'k'},
        {NULL, 0, NULL, 0},
    };
    struct arguments arguments = {.mib = 1024};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd': arguments.directory = optarg; break;
        case 'm': arguments.mib = (unsigned)strtoul(optarg, NULL, 10); break;
        case 'k': arguments.choice = choice_named(optarg); break;
        default: exit(2);
        }
    }
    if (arguments.directory == NULL) {
        fprintf(
            stderr, "usage: hearth-bench-engine --dir DIR [--mib N] [--disk auto|uring|threads]\n");
        exit(2);
    }
    return arguments;
}

int main(int argc, char **argv)
{
    struct arguments arguments = read_arguments(argc, argv);
    unsigned mib = arguments.mib;
    struct bench bench = {.cell = buf_create(CELL + VOLUME_TAG_SIZE)};
    assert(bench.cell != NULL);
    sem_init(&bench.is_idle, 0, 0);
    env_random(env_system(), bench.cell->bytes, bench.cell->capacity);
    bench.cell->size = bench.cell->capacity;
    open_volume(&bench, arguments.directory, arguments.choice);

    set_shape(&bench, 0, mib / 4, CELLS_PER_SHARD, CELL);
    run(&bench, "engine_write", LANES, put_next_shard);
    run(&bench, "engine_read", LANES, get_next_shard);
    set_shape(&bench, mib / 4, SMALL_SHARDS, 1, SMALL_CELL);
    run(&bench, "engine_small", SMALL_LANES, put_next_shard);

    run_lanes(&bench, 1, close_volume);
    loop_stop(bench.loop);
    volume_destroy(bench.volume);
    disk_destroy(bench.disk);
    loop_destroy(bench.loop);
    buf_unref(bench.cell);
    sem_destroy(&bench.is_idle);
    return 0;
}
