/*
 * disk_direct: which transfers go round the page cache, how many at once, and that the cache does
 * not notice.  That what is written so can be read is shown in test_disk.c.
 *
 * /tmp may be a file system without O_DIRECT; then the claims about the cache say so and end.
 */
#include "storaged/disk_direct.h"

#include "storaged/disk_file.h"
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FILES = 20, PAGE = DISK_PAGE_SIZE };

struct world {
    struct disk_direct *direct;
    struct disk_file files[FILES];
};

static int open_unnamed(void)
{
    char path[] = "/tmp/hearth-test-direct-XXXXXX";
    int fd = mkostemp(path, O_CLOEXEC);
    assert_true(fd >= 0);
    unlink(path);
    return fd;
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    world->direct = disk_direct_create();
    assert_non_null(world->direct);
    for (unsigned i = 0; i < FILES; i++) {
        world->files[i] = (struct disk_file){.fd = open_unnamed(), .direct_fd = -1};
    }
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    for (unsigned i = 0; i < FILES; i++) {
        disk_direct_forget(world->direct, &world->files[i]);
        assert_int_equal(world->files[i].direct_fd, -1);
        close(world->files[i].fd);
    }
    disk_direct_destroy(world->direct);
    free(world);
    return 0;
}

static uint8_t bytes[DIRECT_WRITE_MAX + PAGE];

static struct disk_io io_of(
    struct disk_file *file, enum disk_request request, uint64_t offset, struct iovec *iov)
{
    return (struct disk_io){
        .request = request, .file = file, .offset = offset, .iov = iov, .iov_count = 1};
}

static enum direct_way way_of(
    struct world *world, enum disk_request request, uint64_t offset, size_t size)
{
    struct iovec iov = {bytes, size};
    struct disk_io io = io_of(&world->files[0], request, offset, &iov);
    struct direct_transfer at;
    enum direct_way way = disk_direct_begin(world->direct, &io, &at);
    if (way == DIRECT_NOW) {
        disk_direct_end(world->direct, &io, 0);
    }
    return way;
}

static bool has_direct(struct world *world)
{
    if (way_of(world, DISK_WRITE, 0, PAGE) == DIRECT_NOW) {
        return true;
    }
    print_message("O_DIRECT: not shown, the file system of /tmp has none\n");
    return false;
}

static void whole_pages_are_written_and_large_runs_read_directly(void **state)
{
    static const struct {
        enum disk_request request;
        uint64_t offset;
        size_t size;
        enum direct_way way;
    } cases[] = {
        {DISK_WRITE, 0, PAGE, DIRECT_NOW}, {DISK_WRITE, 7 * PAGE, DIRECT_WRITE_MAX, DIRECT_NOW},
        {DISK_WRITE, 0, DIRECT_WRITE_MAX + PAGE, DIRECT_NOT}, {DISK_WRITE, 0, 0, DIRECT_NOT},
        {DISK_WRITE, 64, PAGE, DIRECT_NOT}, {DISK_WRITE, 0, PAGE + 64, DIRECT_NOT},
        {DISK_READ, 64, DIRECT_READ_MIN, DIRECT_NOW},
        {DISK_READ, 0, DIRECT_READ_MIN - 1, DIRECT_NOT},
        {DISK_READ, 0, DIRECT_READ_MAX, DIRECT_NOW},
        {DISK_READ, 64, DIRECT_READ_MAX, DIRECT_NOT}, /* one page more than a slot has */
    };
    struct world *world = *state;
    if (!has_direct(world)) {
        return;
    }
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(
            way_of(world, cases[i].request, cases[i].offset, cases[i].size), cases[i].way);
    }
}

static void one_write_and_a_few_reads_at_a_time_have_slots(void **state)
{
    enum { REQUESTS = 1 + DIRECT_READS_MAX };
    struct world *world = *state;
    struct iovec iov = {bytes, DIRECT_READ_MIN};
    struct disk_io ios[REQUESTS];
    struct direct_transfer at[REQUESTS];
    if (!has_direct(world)) {
        return;
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        ios[i] = io_of(&world->files[i], i == 0 ? DISK_WRITE : DISK_READ, 0, &iov);
        assert_int_equal(disk_direct_begin(world->direct, &ios[i], &at[i]), DIRECT_NOW);
        for (unsigned k = 0; k < i; k++) {
            assert_ptr_not_equal(at[i].bytes, at[k].bytes);
        }
    }
    assert_int_equal(way_of(world, DISK_WRITE, 0, PAGE), DIRECT_LATER);
    assert_int_equal(way_of(world, DISK_READ, 0, DIRECT_READ_MIN), DIRECT_LATER);
    for (unsigned i = 0; i < REQUESTS; i++) {
        disk_direct_end(world->direct, &ios[i], 0);
    }
    assert_int_equal(way_of(world, DISK_WRITE, 0, PAGE), DIRECT_NOW);
}

static unsigned second_descriptors(const struct world *world)
{
    unsigned count = 0;
    for (unsigned i = 0; i < FILES; i++) {
        count += world->files[i].direct_fd >= 0;
    }
    return count;
}

static void many_files_share_few_second_descriptors(void **state)
{
    struct world *world = *state;
    struct iovec iov = {bytes, PAGE};
    struct direct_transfer at;
    if (!has_direct(world)) {
        return;
    }
    struct disk_io busy = io_of(&world->files[0], DISK_WRITE, 0, &iov);
    assert_int_equal(disk_direct_begin(world->direct, &busy, &at), DIRECT_NOW);
    iov.iov_len = DIRECT_READ_MIN;
    for (unsigned i = 1; i < FILES; i++) {
        struct disk_io io = io_of(&world->files[i], DISK_READ, 0, &iov);
        assert_int_equal(disk_direct_begin(world->direct, &io, &at), DIRECT_NOW);
        disk_direct_end(world->direct, &io, 0);
        assert_true(world->files[0].direct_fd >= 0); /* in use: it is not taken away */
    }
    assert_true(second_descriptors(world) <= 1 + DIRECT_READS_MAX);
    disk_direct_end(world->direct, &busy, 0);
}

static void a_file_that_refuses_once_is_not_asked_again(void **state)
{
    struct world *world = *state;
    struct iovec iov = {bytes, PAGE};
    struct direct_transfer at;
    struct disk_io io = io_of(&world->files[0], DISK_WRITE, 0, &iov);
    if (!has_direct(world)) {
        return;
    }
    assert_int_equal(disk_direct_begin(world->direct, &io, &at), DIRECT_NOW);
    assert_false(disk_direct_end(world->direct, &io, -EINVAL));
    assert_int_equal(way_of(world, DISK_WRITE, 0, PAGE), DIRECT_NOT);
}

static void errors_and_short_answers_are_passed_on(void **state)
{
    struct world *world = *state;
    struct iovec iov = {bytes, DIRECT_READ_MIN};
    struct direct_transfer at;
    struct disk_io io = io_of(&world->files[0], DISK_READ, 100, &iov);
    if (!has_direct(world)) {
        return;
    }
    static const struct {
        ssize_t result;
        int error;
        uint64_t size;
    } cases[] = {{-EIO, EIO, 0}, {0, 0, 0}, {50, 0, 0}, {PAGE, 0, PAGE - 100},
        {DIRECT_READ_MIN + PAGE, 0, DIRECT_READ_MIN}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        io.size = 0;
        assert_int_equal(disk_direct_begin(world->direct, &io, &at), DIRECT_NOW);
        assert_int_equal(at.offset, 0);
        assert_true(disk_direct_end(world->direct, &io, cases[i].result));
        assert_int_equal(io.error, cases[i].error);
        assert_int_equal(io.size, cases[i].size);
    }
}

static unsigned resident_pages(int fd, size_t size)
{
    unsigned char resident[DIRECT_WRITE_MAX / PAGE];
    unsigned count = 0;
    void *map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mincore(map, size, resident), 0);
    for (size_t i = 0; i < size / PAGE; i++) {
        count += resident[i] & 1;
    }
    munmap(map, size);
    return count;
}

static void what_is_written_and_read_directly_is_not_in_the_cache(void **state)
{
    struct world *world = *state;
    struct disk_file *file = &world->files[0];
    struct iovec iov = {bytes, DIRECT_READ_MAX};
    struct direct_transfer at;
    struct disk_io io = io_of(file, DISK_WRITE, 0, &iov);
    if (!has_direct(world)) {
        return;
    }
    memset(bytes, 'x', DIRECT_READ_MAX);
    assert_int_equal(disk_direct_begin(world->direct, &io, &at), DIRECT_NOW);
    memset(bytes, 0, DIRECT_READ_MAX); /* it was gathered: the caller's bytes are free */
    ssize_t written = pwrite(at.fd, at.bytes, at.size, (off_t)at.offset);
    assert_int_equal(written, DIRECT_READ_MAX);
    disk_direct_end(world->direct, &io, written);

    io = io_of(file, DISK_READ, 0, &iov);
    assert_int_equal(disk_direct_begin(world->direct, &io, &at), DIRECT_NOW);
    disk_direct_end(world->direct, &io, pread(at.fd, at.bytes, at.size, (off_t)at.offset));
    assert_int_equal(bytes[DIRECT_READ_MAX - 1], 'x');
    assert_int_equal(resident_pages(file->fd, DIRECT_READ_MAX), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(whole_pages_are_written_and_large_runs_read_directly),
        CASE(one_write_and_a_few_reads_at_a_time_have_slots),
        CASE(many_files_share_few_second_descriptors),
        CASE(a_file_that_refuses_once_is_not_asked_again),
        CASE(errors_and_short_answers_are_passed_on),
        CASE(what_is_written_and_read_directly_is_not_in_the_cache),
    };
    return cmocka_run_group_tests_name("disk_direct", tests, NULL, NULL);
}
