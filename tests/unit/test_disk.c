/*
 * disk: all back ends keep the same promises.
 *
 * Every claim is run on the simulated disk and on real files in a temporary directory: by threads,
 * by io_uring, and by a ring of two entries, which is full all the time.  What only a simulated
 * disk can show (crashes, faults) is in test_sim_disk.c; what only the kernel can do, in
 * test_disk_uring.c.
 */
#include "storaged/disk.h"
#include "storaged/disk_threads.h"
#include "storaged/disk_uring.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"
#include "tests/sim/sim_disk.h"

#include <errno.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct world {
    struct test_env env;
    struct loop *loop;
    struct disk *disk;
    struct sim_disk *sim; /* NULL: real files */
    char directory[64];
    char volume[80]; /* in it */
};

static void world_open(struct world *world)
{
    struct hearth_err err;
    test_env_init(&world->env, 1);
    assert_ok(loop_create(&world->env.env, &world->loop, &err), &err);
}

static int sim_setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world_open(world);
    world->sim = sim_disk_create(world->loop, 7);
    world->disk = sim_disk_seam(world->sim);
    *state = world;
    return 0;
}

static struct world *real_files_world(void)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world_open(world);
    strcpy(world->directory, "/tmp/hearth-test-disk-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    snprintf(world->volume, sizeof(world->volume), "%s/volume", world->directory);
    return world;
}

static int threads_setup(void **state)
{
    struct hearth_err err;
    struct world *world = real_files_world();
    struct disk_threads_options options = {
        .directory = world->volume, .loop = world->loop, .threads = 2};
    assert_ok(disk_threads_create(&options, &world->disk, &err), &err);
    *state = world;
    return 0;
}

static int uring_setup_with(void **state, unsigned entries)
{
    struct hearth_err err;
    struct world *world = real_files_world();
    struct disk_uring_options options = {
        .directory = world->volume, .loop = world->loop, .entries = entries};
    assert_ok(disk_uring_create(&options, &world->disk, &err), &err);
    *state = world;
    return 0;
}

static int uring_setup(void **state)
{
    return uring_setup_with(state, 0);
}

static int small_ring_setup(void **state)
{
    return uring_setup_with(state, 2);
}

static int remove_entry(const char *path, const struct stat *facts, int kind, struct FTW *ftw)
{
    (void)facts;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct world *world = *state;
    disk_destroy(world->disk);
    loop_destroy(world->loop);
    if (world->directory[0] != '\0') {
        nftw(world->directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    }
    free(world);
    return 0;
}

/* ---- requests in one line ---- */

static struct disk_file *opened(struct world *world, enum disk_request request, const char *name)
{
    struct disk_io io = {.request = request, .name = name};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    return io.file;
}

static int run_on_name(struct world *world, enum disk_request request, const char *name)
{
    struct disk_io io = {.request = request, .name = name};
    disk_run_blocking(world->disk, &io);
    return io.error;
}

static void write_text(
    struct world *world, struct disk_file *file, uint64_t offset, const char *text)
{
    struct iovec iov = {(void *)(uintptr_t)text, strlen(text)};
    struct disk_io io = {
        .request = DISK_WRITE, .file = file, .offset = offset, .iov = &iov, .iov_count = 1};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    assert_int_equal(io.size, strlen(text));
}

/* Returns how many bytes there were. */
static uint64_t read_at(
    struct world *world, struct disk_file *file, uint64_t offset, void *bytes, size_t size)
{
    struct iovec iov = {bytes, size};
    struct disk_io io = {
        .request = DISK_READ, .file = file, .offset = offset, .iov = &iov, .iov_count = 1};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    return io.size;
}

/* ---- claims ---- */

static void what_is_written_is_read_back(void **state)
{
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    char first[] = "abc";
    char second[] = "defg";
    struct iovec parts[] = {{first, 3}, {second, 4}};
    struct disk_io io = {
        .request = DISK_WRITE, .file = file, .offset = 100, .iov = parts, .iov_count = 2};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    assert_int_equal(io.size, 7);

    char back[9] = {0};
    assert_int_equal(read_at(world, file, 99, back, 8), 8);
    assert_memory_equal(back, "\0abcdefg", 8);
    disk_close(world->disk, file);
}

static void a_read_past_the_end_is_short(void **state)
{
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    write_text(world, file, 0, "hello");
    char back[16];
    assert_int_equal(read_at(world, file, 3, back, sizeof(back)), 2);
    assert_int_equal(read_at(world, file, 5, back, sizeof(back)), 0);
    assert_int_equal(read_at(world, file, 500, back, sizeof(back)), 0);
    disk_close(world->disk, file);
}

static void create_refuses_a_name_that_exists_and_open_one_that_does_not(void **state)
{
    struct world *world = *state;
    disk_close(world->disk, opened(world, DISK_CREATE, "a"));
    assert_int_equal(run_on_name(world, DISK_CREATE, "a"), EEXIST);
    assert_int_equal(run_on_name(world, DISK_OPEN, "b"), ENOENT);
    assert_int_equal(run_on_name(world, DISK_UNLINK, "b"), ENOENT);
}

static void open_tells_the_size(void **state)
{
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    write_text(world, file, 0, "hello");
    disk_close(world->disk, file);
    struct disk_io io = {.request = DISK_OPEN, .name = "a"};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    assert_int_equal(io.size, 5);
    disk_close(world->disk, io.file);
}

static void allocated_bytes_are_zeros_and_part_of_the_file(void **state)
{
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    write_text(world, file, 0, "hello");
    struct disk_io io = {.request = DISK_ALLOCATE, .file = file, .offset = 4096, .size = 8192};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    char back[8];
    assert_int_equal(read_at(world, file, 12280, back, sizeof(back)), 8);
    assert_memory_equal(back, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(read_at(world, file, 0, back, 6), 6);
    assert_memory_equal(back, "hello", 6);
    assert_int_equal(read_at(world, file, 12288, back, sizeof(back)), 0);
    disk_close(world->disk, file);
}

static void count_name(void *context, const char *name)
{
    char *names = context;
    strncat(names, name, 16);
}

static void rename_replaces_and_unlink_removes(void **state)
{
    struct world *world = *state;
    struct disk_file *a = opened(world, DISK_CREATE, "a");
    struct disk_file *b = opened(world, DISK_CREATE, "b");
    write_text(world, a, 0, "from a");
    write_text(world, b, 0, "from b");
    struct disk_io io = {.request = DISK_RENAME, .name = "a", .new_name = "b"};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    assert_int_equal(run_on_name(world, DISK_SYNC_DIR, NULL), 0);

    struct disk_file *renamed = opened(world, DISK_OPEN, "b");
    char back[6];
    read_at(world, renamed, 0, back, 6);
    assert_memory_equal(back, "from a", 6);
    char names[64] = "";
    assert_int_equal(disk_list_blocking(world->disk, count_name, names), 0);
    assert_string_equal(names, "b");
    assert_int_equal(run_on_name(world, DISK_UNLINK, "b"), 0);
    names[0] = '\0';
    assert_int_equal(disk_list_blocking(world->disk, count_name, names), 0);
    assert_string_equal(names, "");
    disk_close(world->disk, a);
    disk_close(world->disk, b);
    disk_close(world->disk, renamed);
}

static void a_lock_is_held_until_closed(void **state)
{
    struct world *world = *state;
    struct disk_file *held = opened(world, DISK_LOCK, "lock");
    assert_int_equal(run_on_name(world, DISK_LOCK, "lock"), EWOULDBLOCK);
    disk_close(world->disk, held);
    disk_close(world->disk, opened(world, DISK_LOCK, "lock"));
}

static void direct_reads_see_what_was_synced(void **state)
{
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    write_text(world, file, 4096, "second page");
    struct disk_io sync = {.request = DISK_SYNC, .file = file};
    disk_run_blocking(world->disk, &sync);
    assert_int_equal(sync.error, 0);

    struct disk_io io = {.request = DISK_OPEN, .name = "a", .direct = true};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    void *page = NULL;
    assert_int_equal(posix_memalign(&page, DISK_PAGE_SIZE, DISK_PAGE_SIZE), 0);
    assert_int_equal(read_at(world, io.file, 4096, page, DISK_PAGE_SIZE), 11);
    assert_memory_equal(page, "second page", 11);
    free(page);
    disk_close(world->disk, io.file);
    disk_close(world->disk, file);
}

/* ---- submitting ---- */

struct waiting {
    struct disk_io io; /* first */
    unsigned *done_count;
};

static void count_done(struct disk_io *io)
{
    struct waiting *waiting = (struct waiting *)io;
    assert_int_equal(io->error, 0);
    (*waiting->done_count)++;
}

static void turn_until(struct world *world, const unsigned *count, unsigned wanted)
{
    while (*count < wanted) {
        if (world->sim != NULL) {
            sim_disk_step(world->sim);
        } else {
            sched_yield();
        }
        loop_run_once(world->loop);
    }
}

static void submitted_requests_are_answered_once_and_never_inline(void **state)
{
    enum { WRITES = 40 };
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    static struct waiting writes[WRITES];
    char bytes[WRITES];
    struct iovec parts[WRITES];
    unsigned done_count = 0;
    for (unsigned i = 0; i < WRITES; i++) {
        bytes[i] = (char)('A' + i);
        parts[i] = (struct iovec){&bytes[i], 1};
        writes[i] = (struct waiting){.done_count = &done_count};
        writes[i].io = (struct disk_io){.request = DISK_WRITE,
            .file = file,
            .offset = i,
            .iov = &parts[i],
            .iov_count = 1,
            .done = count_done};
        disk_submit(world->disk, &writes[i].io);
    }
    assert_int_equal(done_count, 0);
    turn_until(world, &done_count, WRITES);
    struct waiting sync = {
        .done_count = &done_count, .io = {.request = DISK_SYNC, .file = file, .done = count_done}};
    disk_submit(world->disk, &sync.io);
    turn_until(world, &done_count, WRITES + 1);
    loop_run_once(world->loop);
    assert_int_equal(done_count, WRITES + 1);

    char back[WRITES];
    assert_int_equal(read_at(world, file, 0, back, WRITES), WRITES);
    assert_memory_equal(back, bytes, WRITES);
    disk_close(world->disk, file);
}

/* Answered on the loop, whatever it is. */
static void submit_and_turn(struct world *world, struct disk_io *request)
{
    unsigned done_count = 0;
    struct waiting waiting = {.io = *request, .done_count = &done_count};
    waiting.io.done = count_done;
    disk_submit(world->disk, &waiting.io);
    assert_int_equal(done_count, 0);
    turn_until(world, &done_count, 1);
    *request = waiting.io;
}

static void every_request_can_be_submitted(void **state)
{
    struct world *world = *state;
    char text[] = "hello";
    char back[8] = "";
    struct iovec out = {text, 5};
    struct iovec in = {back, 8};
    struct disk_io file = {.request = DISK_CREATE, .name = "a"};
    submit_and_turn(world, &file);
    struct disk_io requests[] = {
        {.request = DISK_ALLOCATE, .file = file.file, .size = 4096},
        {.request = DISK_WRITE, .file = file.file, .offset = 2, .iov = &out, .iov_count = 1},
        {.request = DISK_SYNC, .file = file.file},
        {.request = DISK_READ, .file = file.file, .iov = &in, .iov_count = 1},
        {.request = DISK_RENAME, .name = "a", .new_name = "b"},
        {.request = DISK_SYNC_DIR},
        {.request = DISK_OPEN, .name = "b"},
        {.request = DISK_UNLINK, .name = "b"},
    };
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        submit_and_turn(world, &requests[i]);
    }
    assert_int_equal(requests[1].size, 5);
    assert_int_equal(requests[3].size, 8);
    assert_memory_equal(back, "\0\0hello", 8);
    assert_int_equal(requests[6].size, 4096);
    disk_close(world->disk, requests[6].file);
    disk_close(world->disk, file.file);
}

/* Enough for a write and a read that go round the page cache, and pieces of every kind. */
enum { LARGE = 40 * DISK_PAGE_SIZE };

static void fill_large(char *bytes)
{
    for (unsigned i = 0; i < LARGE; i++) {
        bytes[i] = (char)(i * 7 + i / 251);
    }
}

static void expect_read(
    struct world *world, struct disk_file *file, const char *whole, uint64_t offset, size_t size)
{
    static char back[LARGE];
    struct iovec parts[] = {{back, size / 3}, {back + size / 3, size - size / 3}};
    struct disk_io read = {.request = DISK_READ,
        .file = file,
        .offset = DISK_PAGE_SIZE + offset,
        .iov = parts,
        .iov_count = 2};
    memset(back, 0, sizeof(back));
    submit_and_turn(world, &read);
    size_t expected = size < LARGE - offset ? size : LARGE - offset;
    assert_int_equal(read.size, expected);
    assert_memory_equal(back, whole + offset, expected);
}

static void large_transfers_are_whole_wherever_they_begin_and_end(void **state)
{
    static char bytes[LARGE];
    struct world *world = *state;
    struct disk_file *file = opened(world, DISK_CREATE, "a");
    fill_large(bytes);
    struct iovec parts[] = {{bytes, 100}, {bytes + 100, 0}, {bytes + 100, LARGE - 100}};
    struct disk_io write = {.request = DISK_WRITE,
        .file = file,
        .offset = DISK_PAGE_SIZE,
        .iov = parts,
        .iov_count = 3};
    submit_and_turn(world, &write);
    assert_int_equal(write.size, LARGE);
    expect_read(world, file, bytes, 0, LARGE);
    expect_read(world, file, bytes, 64, LARGE - 128);
    expect_read(world, file, bytes, DISK_PAGE_SIZE - 1, LARGE - 2 * DISK_PAGE_SIZE);
    expect_read(world, file, bytes, LARGE / 3, LARGE); /* short: the file ends */
    expect_read(world, file, bytes, 5, 1000);

    write_text(world, file, DISK_PAGE_SIZE + 70000, "small, in the middle");
    memcpy(bytes + 70000, "small, in the middle", 20);
    expect_read(world, file, bytes, 0, LARGE);
    disk_close(world->disk, file);
}

/* ---- where they are run ---- */

#define ON(setup, claim)                                                                           \
    {                                                                                              \
#claim, claim, setup, teardown, NULL                                                       \
    }

#define CLAIMS(setup)                                                                              \
    ON(setup, what_is_written_is_read_back), ON(setup, a_read_past_the_end_is_short),              \
        ON(setup, create_refuses_a_name_that_exists_and_open_one_that_does_not),                   \
        ON(setup, open_tells_the_size), ON(setup, allocated_bytes_are_zeros_and_part_of_the_file), \
        ON(setup, rename_replaces_and_unlink_removes), ON(setup, a_lock_is_held_until_closed),     \
        ON(setup, direct_reads_see_what_was_synced),                                               \
        ON(setup, submitted_requests_are_answered_once_and_never_inline),                          \
        ON(setup, every_request_can_be_submitted),                                                 \
        ON(setup, large_transfers_are_whole_wherever_they_begin_and_end)

/* A machine may forbid io_uring; that this was not shown here is said. */
static bool has_io_uring(void)
{
    void *state;
    struct hearth_err err;
    struct world *world = real_files_world();
    struct disk_uring_options options = {.directory = world->volume, .loop = world->loop};
    enum hearth_code code = disk_uring_create(&options, &world->disk, &err);
    if (code != HEARTH_OK) {
        print_message("io_uring: not shown on this machine: %s\n", err.message);
    }
    state = world;
    teardown(&state);
    return code == HEARTH_OK;
}

int main(void)
{
    const struct CMUnitTest simulated[] = {CLAIMS(sim_setup)};
    const struct CMUnitTest threads[] = {CLAIMS(threads_setup)};
    const struct CMUnitTest uring[] = {CLAIMS(uring_setup)};
    const struct CMUnitTest small_ring[] = {CLAIMS(small_ring_setup)};
    int failed = cmocka_run_group_tests_name("disk, simulated", simulated, NULL, NULL);
    failed += cmocka_run_group_tests_name("disk, threads", threads, NULL, NULL);
    if (has_io_uring()) {
        failed += cmocka_run_group_tests_name("disk, io_uring", uring, NULL, NULL);
        failed += cmocka_run_group_tests_name("disk, a ring of two", small_ring, NULL, NULL);
    }
    return failed;
}
