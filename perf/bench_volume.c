/*
 * bench_volume.c - what a start costs when a volume holds very many shards.
 *
 *   hearth-bench-volume --dir DIR [--shards N] [--cells C] [--cell-size B] [--node ID]
 *
 * Makes a volume of N shards (default 1,000,000 of one cell of 64 bytes) in DIR, which must not
 * exist and is left for the caller to remove; of node ID, 40 hex digits, so that its daemon can
 * have it.  The logs are written straight in their format, at
 * the speed of the disk; the rest goes through the engine.  Each start is a process of its own.
 * JSON lines:
 *
 *   volume_rebuild   no checkpoint: the index from the logs
 *   volume_start     from the checkpoint
 *   volume_survey    one look for what is worth compacting, as it is taken every hour
 *
 * with seconds, CPU-seconds, resident memory, and bytes read from the disk by the process itself.
 */
#include "storaged/disk_threads.h"
#include "storaged/loop.h"
#include "storaged/shard_format.h"

#include "common/codec.h"
#include "common/crypto.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOG_SIZE = 1 << 30, BUFFER_SIZE = 1 << 22 };

struct bench {
    const char *directory;
    uint64_t shards;
    uint32_t cells;
    uint32_t cell_size;
    uint8_t node_id[VOLUME_NODE_ID_SIZE];
};

struct engine {
    struct loop *loop;
    struct disk *disk;
    struct volume *volume;
};

static void fail(const char *what)
{
    fprintf(stderr, "hearth-bench-volume: %s\n", what);
    exit(1);
}

/* ---- the engine ---- */

static void engine_open(struct engine *engine, const struct bench *bench)
{
    struct hearth_err err;
    struct disk_threads_options disk = {.directory = bench->directory};
    enum hearth_code code = loop_create(env_system(), &engine->loop, &err);
    disk.loop = engine->loop;
    if (code == HEARTH_OK) {
        code = disk_threads_create(&disk, &engine->disk, &err);
    }
    struct volume_options options = {.disk = engine->disk, .loop = engine->loop};
    memcpy(options.node_id, bench->node_id, VOLUME_NODE_ID_SIZE);
    if (code == HEARTH_OK) {
        code = volume_open_blocking(&options, &engine->volume, &err);
    }
    if (code != HEARTH_OK) {
        fail(err.message);
    }
}

struct closing {
    struct volume_wait wait; /* first */
    bool done;
};

static void closed(struct volume_wait *wait)
{
    ((struct closing *)wait)->done = true;
}

static void engine_close(struct engine *engine)
{
    struct closing closing = {.wait.done = closed};
    volume_close(engine->volume, &closing.wait);
    while (!closing.done) {
        if (!loop_run_once(engine->loop)) {
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    volume_destroy(engine->volume);
    disk_destroy(engine->disk);
    loop_destroy(engine->loop);
}

/* ---- writing logs ---- */

struct synthesis {
    const struct bench *bench;
    struct superblock superblock;
    uint32_t log; /* number of the one being written */
    uint64_t seed;
    uint32_t records;
    uint64_t offset; /* of the next record */
    int fd;
    uint8_t *bytes; /* not written yet */
    size_t size;
    uint8_t *cell; /* one cell and its tag, for every cell of every shard */
    uint64_t cell_sum;
};

static void path_in(const struct bench *bench, const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", bench->directory, name);
}

static void flush(struct synthesis *synthesis)
{
    size_t done = 0;
    while (done < synthesis->size) {
        ssize_t wrote = write(synthesis->fd, synthesis->bytes + done, synthesis->size - done);
        if (wrote < 0) {
            fail("write a log");
        }
        done += (size_t)wrote;
    }
    synthesis->size = 0;
}

static void end_log(struct synthesis *synthesis)
{
    size_t padding =
        (size_t)(format_round_up(synthesis->offset, FORMAT_PAGE_SIZE) - synthesis->offset);
    memset(synthesis->bytes + synthesis->size, 0, padding);
    synthesis->size += padding;
    flush(synthesis);
    if (fsync(synthesis->fd) != 0) {
        fail("sync a log");
    }
    close(synthesis->fd);
}

static void begin_log(struct synthesis *synthesis)
{
    char name[DISK_NAME_SIZE];
    char path[512];
    struct log_header header = {.number = ++synthesis->log, .size_max = LOG_SIZE};
    memcpy(header.uuid, synthesis->superblock.uuid, VOLUME_UUID_SIZE);
    synthesis->seed = log_seed(synthesis->superblock.salt, synthesis->log);
    log_name(synthesis->log, name);
    path_in(synthesis->bench, name, path, sizeof(path));
    synthesis->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (synthesis->fd < 0) {
        fail("create a log");
    }
    memset(synthesis->bytes, 0, FORMAT_PAGE_SIZE);
    log_header_encode(&header, synthesis->seed, synthesis->bytes);
    synthesis->size = FORMAT_PAGE_SIZE;
    synthesis->offset = FORMAT_PAGE_SIZE;
    synthesis->records = 0;
}

/* Room for a record, its header in place; advances over it. */
static uint8_t *add_record(struct synthesis *synthesis, enum record_type type,
    const struct shard_id *id, uint32_t part, uint32_t body_size)
{
    size_t size = (size_t)record_size(body_size);
    if (synthesis->size + size + FORMAT_PAGE_SIZE > BUFFER_SIZE) {
        flush(synthesis);
    }
    uint8_t *record = synthesis->bytes + synthesis->size;
    uint32_t number = ++synthesis->records;
    struct record_header header = {.type = type,
        .offset = synthesis->offset,
        .sequence = sequence_of(synthesis->log, number),
        .durable = sequence_of(synthesis->log, number - 1),
        .id = *id,
        .body_size = body_size,
        .part = part};
    memset(record, 0, size);
    record_header_encode(&header, synthesis->seed, record);
    synthesis->size += size;
    synthesis->offset += size;
    return record;
}

static void add_shard(struct synthesis *synthesis, const struct shard_id *id)
{
    const struct bench *bench = synthesis->bench;
    uint32_t pair = bench->cell_size + VOLUME_TAG_SIZE;
    uint64_t offsets[CHUNKS_MAX];
    uint64_t sums[VOLUME_CELLS_MAX];
    for (uint32_t cell = 0, chunk = 0; cell < bench->cells; chunk++) {
        uint32_t left = bench->cells - cell;
        uint32_t count = left < CHUNK_CELLS_MAX ? left : CHUNK_CELLS_MAX;
        offsets[chunk] = synthesis->offset;
        uint8_t *body =
            add_record(synthesis, RECORD_CHUNK, id, chunk, count * pair) + RECORD_HEADER_SIZE;
        for (uint32_t end = cell + count; cell < end; cell++, body += pair) {
            memcpy(body, synthesis->cell, pair);
            sums[cell] = synthesis->cell_sum;
        }
    }
    struct shard_footer footer = {.cell_count = bench->cells,
        .cell_size = bench->cell_size,
        .last_cell_size = bench->cell_size,
        .length = (uint64_t)bench->cells * pair,
        .chunk_count = chunk_count_of(bench->cells)};
    uint32_t size = footer_body_size(bench->cells, 0);
    uint8_t *record = add_record(synthesis, RECORD_SHARD, id, 0, size);
    footer_encode(&footer, offsets, sums, record + RECORD_HEADER_SIZE, size);
    record_seal(record, RECORD_HEADER_SIZE + (size_t)size, synthesis->seed);
}

static void read_superblock(struct synthesis *synthesis)
{
    struct hearth_err err;
    char path[512];
    uint8_t bytes[SUPERBLOCK_SIZE];
    path_in(synthesis->bench, "superblock.0", path, sizeof(path));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, bytes, sizeof(bytes)) != (ssize_t)sizeof(bytes) ||
        superblock_decode(view_of(bytes, sizeof(bytes)), &synthesis->superblock, &err) !=
            HEARTH_OK) {
        fail("read the superblock");
    }
    close(fd);
}

static struct shard_id id_of(uint64_t shard)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    struct shard_id id;
    crypto_sha256(view_of(&shard, sizeof(shard)), digest);
    memcpy(id.bytes, digest, sizeof(id.bytes));
    return id;
}

static void synthesize(const struct bench *bench)
{
    struct engine engine = {0};
    struct synthesis synthesis = {.bench = bench,
        .bytes = malloc(BUFFER_SIZE),
        .cell = calloc(1, bench->cell_size + VOLUME_TAG_SIZE)};
    assert(synthesis.bytes != NULL && synthesis.cell != NULL);
    env_random(env_system(), synthesis.cell, bench->cell_size + VOLUME_TAG_SIZE);
    synthesis.cell_sum = format_sum(view_of(synthesis.cell, bench->cell_size + VOLUME_TAG_SIZE), 0);
    engine_open(&engine, bench);
    engine_close(&engine);
    read_superblock(&synthesis);
    uint64_t largest = (uint64_t)bench->cells * (bench->cell_size + 256) + 65536;
    begin_log(&synthesis);
    for (uint64_t shard = 0; shard < bench->shards; shard++) {
        if (synthesis.offset + largest > LOG_SIZE) {
            end_log(&synthesis);
            begin_log(&synthesis);
        }
        struct shard_id id = id_of(shard);
        add_shard(&synthesis, &id);
    }
    end_log(&synthesis);
    free(synthesis.bytes);
    free(synthesis.cell);
}

/* ---- measuring ---- */

static double clock_s(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* The number after `name` in one of the kernel's files about us; 0: it is not there. */
static unsigned long long own_number(const char *path, const char *name)
{
    char line[256];
    unsigned long long number = 0;
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            number = strtoull(line + strlen(name), NULL, 10);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return number;
}

static void print_cost(const char *name, double wall_s, double cpu_s, uint64_t shards)
{
    printf("{\"bench\": \"%s\", \"shards\": %llu, \"seconds\": %.3f, \"cpu_s\": %.3f, "
           "\"rss_kib\": %llu, \"read_bytes\": %llu}\n",
        name, (unsigned long long)shards, clock_s(CLOCK_MONOTONIC) - wall_s,
        clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu_s, own_number("/proc/self/status", "VmRSS:"),
        own_number("/proc/self/io", "read_bytes:"));
    fflush(stdout);
}

static void measure_start(const struct bench *bench, const char *name)
{
    struct engine engine = {0};
    struct volume_stats stats;
    double wall_s = clock_s(CLOCK_MONOTONIC);
    double cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    engine_open(&engine, bench);
    volume_stats(engine.volume, &stats);
    print_cost(name, wall_s, cpu_s, stats.shards);
    if (stats.shards != bench->shards) {
        fail("shards are missing");
    }
    wall_s = clock_s(CLOCK_MONOTONIC);
    cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID);
    volume_tidy(engine.volume);
    print_cost("volume_survey", wall_s, cpu_s, stats.shards);
    engine_close(&engine);
}

/* A process of its own: its memory is that of a node that has just started. */
static void in_a_process(void (*work)(const struct bench *bench, const char *name),
    const struct bench *bench, const char *name)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        work(bench, name);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fail(name);
    }
}

static void run_synthesis(const struct bench *bench, const char *name)
{
    (void)name;
    synthesize(bench);
}

static void remove_checkpoints(const struct bench *bench)
{
    char path[512];
    path_in(bench, "index.0", path, sizeof(path));
    unlink(path);
    path_in(bench, "index.1", path, sizeof(path));
    unlink(path);
}

static bool read_arguments(struct bench *bench, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        unsigned long number = strtoul(argv[i + 1], NULL, 10);
        if (strcmp(argv[i], "--dir") == 0) {
            bench->directory = argv[i + 1];
        } else if (strcmp(argv[i], "--shards") == 0) {
            bench->shards = number;
        } else if (strcmp(argv[i], "--cells") == 0) {
            bench->cells = (uint32_t)number;
        } else if (strcmp(argv[i], "--cell-size") == 0) {
            bench->cell_size = (uint32_t)number;
        } else if (strcmp(argv[i], "--node") == 0) {
            if (!hex_decode(view_text(argv[i + 1]), bench->node_id, VOLUME_NODE_ID_SIZE)) {
                return false;
            }
        } else {
            return false;
        }
    }
    return argc % 2 == 1 && bench->directory != NULL && bench->cells >= 1 &&
        bench->cells <= VOLUME_CELLS_MAX && bench->cell_size >= 1 &&
        bench->cell_size <= VOLUME_CELL_SIZE_MAX;
}

int main(int argc, char **argv)
{
    struct bench bench = {.shards = 1000000, .cells = 1, .cell_size = 64};
    if (!read_arguments(&bench, argc, argv)) {
        fprintf(stderr,
            "usage: hearth-bench-volume --dir DIR [--shards N] [--cells C] [--cell-size B]"
            " [--node ID]\n");
        return 2;
    }
    in_a_process(run_synthesis, &bench, "make the volume");
    remove_checkpoints(&bench);
    in_a_process(measure_start, &bench, "volume_rebuild");
    in_a_process(measure_start, &bench, "volume_start");
    return 0;
}
