/*
 * The log scan meets anything at all where records should be: it stays inside the file, ends, and
 * hands on nothing that it could not decode itself.
 *
 * The input is the log from its first record on.  With an odd last byte the checksums of whatever
 * looks like a record are set right first, so that lengths and offsets are tried, too.
 */
#include "storaged/log_scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/test_env.h"
#include "tests/sim/sim_disk.h"

enum { LOG_NUMBER = 31, SIZE_MAX_TRIED = 256 * 1024 };

static uint64_t seed_of_log(void)
{
    return log_seed(
        UINT64_C(0x1122334455667788), LOG_NUMBER); /* those of tests/vectors/volume.txt */
}

static void set_sums(uint8_t *log, size_t size)
{
    for (size_t at = LOG_FIRST_RECORD; at + RECORD_HEADER_SIZE <= size; at += RECORD_ALIGNMENT) {
        struct record_header header;
        if (memcmp(log + at + 4, "HREC", 4) != 0) {
            continue;
        }
        record_seal(log + at, RECORD_HEADER_SIZE, seed_of_log());
        if (record_header_decode(view_of(log + at, size - at), seed_of_log(), at, &header) &&
            header.type != RECORD_CHUNK && header.body_size <= size - at - RECORD_HEADER_SIZE) {
            record_seal(log + at, RECORD_HEADER_SIZE + header.body_size, seed_of_log());
        }
    }
}

static enum hearth_code check_record(
    void *context, const struct record_header *header, struct view body, struct hearth_err *err)
{
    const struct log_scan *scan = context;
    struct shard_footer footer;
    (void)err;
    assert(header->offset + RECORD_HEADER_SIZE + body.size <= scan->size);
    assert(body.size == header->body_size);
    if (header->type == RECORD_SHARD && footer_decode(body, &footer)) {
        for (uint32_t cell = 0; cell < footer.cell_count; cell++) {
            (void)footer_cell_sum(&footer, cell);
        }
    }
    return HEARTH_OK;
}

static void check_damage(void *context, uint64_t offset, uint64_t size)
{
    const struct log_scan *scan = context;
    assert(offset <= scan->size && size <= scan->size - offset);
}

static void scan_file(struct disk *disk, uint64_t size)
{
    struct hearth_err err;
    struct disk_io open = {.request = DISK_OPEN, .name = "log", .direct = true};
    disk_run_blocking(disk, &open);
    struct log_scan scan = {.disk = disk,
        .file = open.file,
        .size = size,
        .number = LOG_NUMBER,
        .seed = seed_of_log(),
        .from = LOG_FIRST_RECORD,
        .durable = sequence_of(LOG_NUMBER, 0),
        .record = check_record,
        .damaged = check_damage,
        .context = &scan};
    enum hearth_code code = log_scan_run(&scan, &err);
    assert(code == HEARTH_OK);
    disk_close(disk, open.file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > SIZE_MAX_TRIED) {
        return 0;
    }
    struct test_env env;
    struct loop *loop;
    struct hearth_err err;
    test_env_init(&env, 1);
    if (loop_create(&env.env, &loop, &err) != HEARTH_OK) {
        return 0;
    }
    size_t log_size = LOG_FIRST_RECORD + size;
    uint8_t *log = calloc(1, log_size);
    assert(log != NULL);
    memcpy(log + LOG_FIRST_RECORD, data, size);
    if (data[size - 1] & 1) {
        set_sums(log, log_size);
    }
    struct disk *disk = sim_disk_seam(sim_disk_create(loop, 0));
    struct disk_io create = {.request = DISK_CREATE, .name = "log"};
    disk_run_blocking(disk, &create);
    struct iovec part = {log, log_size};
    struct disk_io write = {
        .request = DISK_WRITE, .file = create.file, .iov = &part, .iov_count = 1};
    disk_run_blocking(disk, &write);
    scan_file(disk, log_size);
    disk_close(disk, create.file);
    disk_destroy(disk);
    loop_destroy(loop);
    free(log);
    return 0;
}
