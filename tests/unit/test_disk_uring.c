/*
 * disk_uring: whatever the kernel says, every request is answered once, nothing hangs, and no
 * failed sync is tried again.
 *
 * A kernel of ours stands before the real one: it refuses, takes one submission at a time and
 * changes answers, as the test tells it.  That the ring keeps the promises of a disk is shown in
 * test_disk.c.
 */
#include "storaged/disk_direct.h"
#include "storaged/disk_open.h"
#include "storaged/disk_uring.h"
#include "tests/lib/test.h"
#include "tests/lib/test_env.h"

#include <errno.h>
#include <liburing.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ENTRIES = 16, ALWAYS = 1000000 };

struct odd_kernel {
    struct disk_uring_kernel kernel; /* first */
    struct io_uring *ring;

    int setup_error;
    int refusal; /* errno of the next `refusals` submissions; 0: it takes none of them */
    unsigned refusals;
    bool one_at_a_time;
    enum disk_request changed; /* answers to these become `answer`, `changes` times */
    int answer;
    unsigned changes;

    unsigned submissions;
    unsigned syncs; /* answered by the kernel */
};

static int odd_setup(struct disk_uring_kernel *kernel, unsigned entries, struct io_uring *ring)
{
    struct odd_kernel *odd = (struct odd_kernel *)kernel;
    odd->ring = ring;
    if (odd->setup_error != 0) {
        return -odd->setup_error;
    }
    return disk_uring_kernel_real()->setup(kernel, entries, ring);
}

/* As when memory runs out in the middle: the rest stays in the ring. */
static int submit_one(struct io_uring *ring)
{
    ring->sq.sqe_head = ring->sq.sqe_tail;
    io_uring_smp_store_release(ring->sq.ktail, ring->sq.sqe_tail);
    return io_uring_enter((unsigned)ring->ring_fd, 1, 0, 0, NULL);
}

static int odd_submit(struct disk_uring_kernel *kernel, struct io_uring *ring)
{
    struct odd_kernel *odd = (struct odd_kernel *)kernel;
    odd->submissions++;
    if (odd->refusals > 0) {
        odd->refusals--;
        return -odd->refusal;
    }
    return odd->one_at_a_time ? submit_one(ring) : disk_uring_kernel_real()->submit(kernel, ring);
}

static int odd_result(struct disk_uring_kernel *kernel, const struct disk_io *io, int result)
{
    struct odd_kernel *odd = (struct odd_kernel *)kernel;
    odd->syncs += io->request == DISK_SYNC;
    if (odd->changes > 0 && io->request == odd->changed) {
        odd->changes--;
        return odd->answer;
    }
    return result;
}

struct world {
    struct test_env env;
    struct loop *loop;
    struct disk *disk;
    struct disk_file *file; /* "a" */
    struct odd_kernel odd;
    char directory[64];
    unsigned given_up;
    int given_up_error;
};

static void count_given_up(void *context, int error)
{
    struct world *world = context;
    world->given_up++;
    world->given_up_error = error;
}

static struct disk_uring_options options_of(struct world *world)
{
    return (struct disk_uring_options){.directory = world->directory,
        .loop = world->loop,
        .kernel = &world->odd.kernel,
        .entries = ENTRIES,
        .on_given_up = count_given_up,
        .context = world};
}

static struct world *world_without_disk(void)
{
    struct hearth_err err;
    struct world *world = calloc(1, sizeof(*world));
    assert_non_null(world);
    test_env_init(&world->env, 1);
    assert_ok(loop_create(&world->env.env, &world->loop, &err), &err);
    strcpy(world->directory, "/tmp/hearth-test-uring-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    world->odd.kernel = (struct disk_uring_kernel){odd_setup, odd_submit, odd_result};
    return world;
}

static int setup_without_disk(void **state)
{
    *state = world_without_disk();
    return 0;
}

static int setup(void **state)
{
    struct hearth_err err;
    struct world *world = world_without_disk();
    struct disk_uring_options options = options_of(world);
    assert_ok(disk_uring_create(&options, &world->disk, &err), &err);
    struct disk_io io = {.request = DISK_CREATE, .name = "a"};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.error, 0);
    world->file = io.file;
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->disk != NULL) {
        struct disk_io io = {.request = DISK_UNLINK, .name = "a"};
        disk_run_blocking(world->disk, &io);
        disk_close(world->disk, world->file);
    }
    disk_destroy(world->disk);
    loop_destroy(world->loop);
    rmdir(world->directory);
    free(world);
    return 0;
}

/* ---- requests ---- */

struct request {
    struct disk_io io; /* first */
    struct iovec iov;
    char bytes[8];
    unsigned answers;
    sem_t *answered; /* NULL: nobody waits */
};

static void note_answer(struct disk_io *io)
{
    struct request *request = (struct request *)io;
    request->answers++;
    if (request->answered != NULL) {
        sem_post(request->answered);
    }
}

static void submit(struct world *world, struct request *request, enum disk_request kind, unsigned i)
{
    snprintf(request->bytes, sizeof(request->bytes), "%07u", i);
    request->iov = (struct iovec){request->bytes, sizeof(request->bytes)};
    request->io = (struct disk_io){.request = kind,
        .file = world->file,
        .offset = i * sizeof(request->bytes),
        .iov = &request->iov,
        .iov_count = 1,
        .done = note_answer};
    disk_submit(world->disk, &request->io);
}

static void turn_until_answered(struct world *world, const struct request *request)
{
    while (request->answers == 0) {
        loop_run_once(world->loop);
    }
}

static struct request run(struct world *world, enum disk_request kind)
{
    struct request request = {.answers = 0};
    submit(world, &request, kind, 0);
    turn_until_answered(world, &request);
    loop_run_once(world->loop);
    assert_int_equal(request.answers, 1);
    return request;
}

enum { MANY = 200 };

static void write_many(struct world *world)
{
    static struct request writes[MANY];
    memset(writes, 0, sizeof(writes));
    for (unsigned i = 0; i < MANY; i++) {
        submit(world, &writes[i], DISK_WRITE, i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        turn_until_answered(world, &writes[i]);
    }
    loop_run_once(world->loop);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(writes[i].answers, 1);
        assert_int_equal(writes[i].io.error, 0);
        assert_int_equal(writes[i].io.size, sizeof(writes[i].bytes));
    }
}

static void expect_many(struct world *world)
{
    char back[MANY][8];
    struct iovec iov = {back, sizeof(back)};
    struct disk_io io = {.request = DISK_READ, .file = world->file, .iov = &iov, .iov_count = 1};
    disk_run_blocking(world->disk, &io);
    assert_int_equal(io.size, sizeof(back));
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(strtoul(back[i], NULL, 10), i);
    }
}

/* ---- the kernel takes nothing, for a while or for good ---- */

static void what_is_refused_for_a_while_is_submitted_again(void **state)
{
    static const int refusals[] = {EINTR, EAGAIN, EBUSY, ENOMEM, 0};
    struct world *world = *state;
    for (unsigned i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        world->odd.refusal = refusals[i];
        world->odd.refusals = 5;
        write_many(world);
        assert_int_equal(world->odd.refusals, 0);
    }
    expect_many(world);
    assert_int_equal(world->given_up, 0);
}

static void what_is_taken_in_part_is_submitted_to_the_end(void **state)
{
    struct world *world = *state;
    world->odd.one_at_a_time = true;
    write_many(world);
    expect_many(world);
    assert_true(world->odd.submissions >= MANY);
}

static void more_than_the_ring_holds_never_overflows_its_answers(void **state)
{
    struct world *world = *state;
    write_many(world);
    expect_many(world);
    assert_int_equal(*world->odd.ring->cq.koverflow, 0);
    assert_int_equal(*world->odd.ring->sq.kdropped, 0);
}

static void what_is_submitted_in_one_turn_is_one_call(void **state)
{
    struct world *world = *state;
    struct request writes[ENTRIES] = {{.answers = 0}};
    for (unsigned i = 0; i < ENTRIES; i++) {
        submit(world, &writes[i], DISK_WRITE, i);
    }
    for (unsigned i = 0; i < ENTRIES; i++) {
        turn_until_answered(world, &writes[i]);
    }
    assert_int_equal(world->odd.submissions, 1);
}

static void a_ring_that_takes_nothing_is_given_up_and_nothing_is_lost(void **state)
{
    struct world *world = *state;
    struct request taken = {.answers = 0};
    submit(world, &taken, DISK_WRITE, 0);
    loop_run_once(world->loop);
    world->odd.refusal = EIO;
    world->odd.refusals = ALWAYS;
    write_many(world);
    turn_until_answered(world, &taken);
    assert_int_equal(taken.answers, 1);
    assert_int_equal(world->given_up, 1);
    assert_int_equal(world->given_up_error, EIO);
    assert_int_equal(world->odd.submissions, 1 + DISK_URING_REFUSALS_MAX);
    expect_many(world);

    world->odd.refusals = 0; /* too late: it stays as it is */
    write_many(world);
    assert_int_equal(world->odd.submissions, 1 + DISK_URING_REFUSALS_MAX);
}

/* ---- what an answer says is passed on ---- */

static void change_answer(struct world *world, enum disk_request request, int answer)
{
    world->odd.changed = request;
    world->odd.answer = answer;
    world->odd.changes = 1;
}

static void a_short_answer_is_passed_on_as_it_is(void **state)
{
    struct world *world = *state;
    change_answer(world, DISK_WRITE, 3);
    struct request write = run(world, DISK_WRITE);
    assert_int_equal(write.io.error, 0);
    assert_int_equal(write.io.size, 3);
    change_answer(world, DISK_READ, 0);
    assert_int_equal(run(world, DISK_READ).io.size, 0);
    assert_int_equal(world->odd.submissions, 2);
}

static void a_sync_that_fails_is_never_tried_again(void **state)
{
    static const int answers[] = {EIO, ENOSPC, ECANCELED, EINTR, EAGAIN};
    struct world *world = *state;
    for (unsigned i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        change_answer(world, DISK_SYNC, -answers[i]);
        assert_int_equal(run(world, DISK_SYNC).io.error, answers[i]);
        assert_int_equal(world->odd.syncs, i + 1);
    }
    assert_int_equal(run(world, DISK_SYNC).io.error, 0);
}

static void a_failed_write_is_passed_on_and_an_undone_one_is_done(void **state)
{
    static const struct {
        int answer;
        int error;
    } cases[] = {{EIO, EIO}, {ENOSPC, ENOSPC}, {ECANCELED, ECANCELED}, {EAGAIN, 0}, {EINTR, 0}};
    struct world *world = *state;
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        change_answer(world, DISK_WRITE, -cases[i].answer);
        struct request write = run(world, DISK_WRITE);
        assert_int_equal(write.io.error, cases[i].error);
        assert_int_equal(write.io.size, cases[i].error == 0 ? sizeof(write.bytes) : 0);
    }
}

/* ---- round the page cache ---- */

/* Four log batches of whole pages at once: one of them has the slot, the others go the usual way.
 */
struct batches {
    struct disk_io io[4];
    struct iovec iov[4];
    uint8_t bytes[4][4 * DISK_PAGE_SIZE];
    unsigned answers;
};

static void batch_answered(struct disk_io *io)
{
    ((struct batches *)io->context)->answers++;
}

static void write_batches(struct world *world)
{
    struct batches *batches = calloc(1, sizeof(*batches));
    assert_non_null(batches);
    for (unsigned i = 0; i < 4; i++) {
        memset(batches->bytes[i], 'a' + (int)i, sizeof(batches->bytes[i]));
        batches->iov[i] = (struct iovec){batches->bytes[i], sizeof(batches->bytes[i])};
        batches->io[i] = (struct disk_io){.request = DISK_WRITE,
            .file = world->file,
            .offset = i * sizeof(batches->bytes[i]),
            .iov = &batches->iov[i],
            .iov_count = 1,
            .done = batch_answered,
            .context = batches};
        disk_submit(world->disk, &batches->io[i]);
    }
    while (batches->answers < 4) {
        loop_run_once(world->loop);
    }
    for (unsigned i = 0; i < 4; i++) {
        uint8_t back;
        struct iovec iov = {&back, 1};
        struct disk_io io = {.request = DISK_READ,
            .file = world->file,
            .offset = batches->io[i].offset + 100,
            .iov = &iov,
            .iov_count = 1};
        disk_run_blocking(world->disk, &io);
        assert_int_equal(batches->io[i].error, 0);
        assert_int_equal(batches->io[i].size, sizeof(batches->bytes[i]));
        assert_int_equal(back, 'a' + (int)i);
    }
    free(batches);
}

static void what_the_device_refuses_directly_is_written_the_ordinary_way(void **state)
{
    struct world *world = *state;
    change_answer(world, DISK_WRITE, -EINVAL);
    write_batches(world);
    unsigned submissions = world->odd.submissions;
    write_batches(world);
    assert_true(world->odd.submissions > submissions);
}

static void a_direct_write_in_a_ring_that_is_given_up_is_not_lost(void **state)
{
    struct world *world = *state;
    world->odd.refusal = EIO;
    world->odd.refusals = ALWAYS;
    write_batches(world);
    write_batches(world);
    assert_int_equal(world->given_up, 1);
}

/* More than there are slots: the rest waits, and nobody waits for ever. */
static void more_large_reads_than_slots_are_all_answered(void **state)
{
    enum { READS = 3 * DIRECT_READS_MAX, SIZE = DIRECT_READ_MIN };
    struct world *world = *state;
    static struct batches counted;
    static uint8_t bytes[READS][SIZE];
    struct disk_io reads[READS];
    struct iovec iov[READS];
    counted.answers = 0;
    write_batches(world);
    for (unsigned i = 0; i < READS; i++) {
        iov[i] = (struct iovec){bytes[i], SIZE};
        reads[i] = (struct disk_io){.request = DISK_READ,
            .file = world->file,
            .offset = i,
            .iov = &iov[i],
            .iov_count = 1,
            .done = batch_answered,
            .context = &counted};
        disk_submit(world->disk, &reads[i]);
    }
    while (counted.answers < READS) {
        loop_run_once(world->loop);
    }
    for (unsigned i = 0; i < READS; i++) {
        assert_int_equal(reads[i].size, 4 * sizeof(counted.bytes[0]) - i);
        assert_int_equal(bytes[i][0], 'a');
        assert_int_equal(bytes[i][reads[i].size - 1], 'd');
    }
}

/* ---- a loop that sleeps ---- */

static void wait_for(sem_t *answered)
{
    while (sem_wait(answered) != 0) {
        assert_int_equal(errno, EINTR);
    }
}

struct submit_task {
    struct task task; /* first */
    struct world *world;
    struct request requests[3];
};

static void submit_all(struct task *task)
{
    struct submit_task *self = (struct submit_task *)task;
    submit(self->world, &self->requests[0], DISK_WRITE, 0);
    submit(self->world, &self->requests[1], DISK_SYNC, 0);
    submit(self->world, &self->requests[2], DISK_READ, 1);
}

/* Nothing turns the loop but its thread, which nothing wakes but a post, an answer, or a timer. */
static void a_loop_that_sleeps_on_the_ring_is_woken(void **state)
{
    struct world *world = *state;
    struct hearth_err err;
    sem_t answered;
    sem_init(&answered, 0, 0);
    assert_ok(loop_start(world->loop, &err), &err);
    for (unsigned round = 0; round < 50; round++) {
        world->odd.refusal = EAGAIN;
        world->odd.refusals = round % 3;
        struct submit_task task = {.task.run = submit_all, .world = world};
        for (unsigned i = 0; i < 3; i++) {
            task.requests[i].answered = &answered;
        }
        loop_post(world->loop, &task.task);
        for (unsigned i = 0; i < 3; i++) {
            wait_for(&answered);
        }
    }
    loop_stop(world->loop);
    sem_destroy(&answered);
}

/* ---- no ring ---- */

static const struct {
    int error;
    const char *reason;
} refused_setups[] = {
    {ENOSYS, "this kernel has no io_uring"},
    {EPERM, "io_uring is forbidden here"},
    {EACCES, "io_uring is forbidden here"},
    {ENOMEM, "RLIMIT_MEMLOCK"},
    {EMFILE, "no descriptor left"},
    {EOPNOTSUPP, "io_uring is too old"},
    {EINVAL, "the kernel refuses io_uring"},
};

static void without_a_ring_threads_serve_and_the_reason_is_known(void **state)
{
    struct world *world = *state;
    struct disk_uring_options options = options_of(world);
    for (unsigned i = 0; i < sizeof(refused_setups) / sizeof(refused_setups[0]); i++) {
        struct hearth_err err;
        struct disk *disk;
        struct disk_opened opened;
        world->odd.setup_error = refused_setups[i].error;
        assert_ok(disk_open(DISK_AUTO, &options, &disk, &opened, &err), &err);
        assert_int_equal(opened.engine, DISK_THREADS);
        assert_int_equal(opened.refusal.sys_errno, refused_setups[i].error);
        assert_non_null(strstr(opened.refusal.message, refused_setups[i].reason));
        disk_destroy(disk);
        assert_int_equal(
            disk_open(DISK_URING, &options, &disk, &opened, &err), HEARTH_UNIMPLEMENTED);
    }
}

static void the_engine_that_is_asked_for_is_taken(void **state)
{
    struct world *world = *state;
    struct disk_uring_options options = options_of(world);
    static const enum disk_choice cases[][2] = {
        {DISK_AUTO, DISK_URING}, {DISK_URING, DISK_URING}, {DISK_THREADS, DISK_THREADS}};
    for (unsigned i = 0; i < 3; i++) {
        struct hearth_err err;
        struct disk *disk;
        struct disk_opened opened;
        assert_ok(disk_open(cases[i][0], &options, &disk, &opened, &err), &err);
        assert_int_equal(opened.engine, cases[i][1]);
        assert_int_equal(opened.refusal.code, HEARTH_OK);
        disk_destroy(disk);
    }
}

static bool has_io_uring(void)
{
    struct io_uring ring;
    int result = io_uring_queue_init(ENTRIES, &ring, 0);
    if (result != 0) {
        print_message("io_uring: not shown on this machine: %s\n", strerror(-result));
        return false;
    }
    io_uring_queue_exit(&ring);
    return true;
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest refused[] = {
        cmocka_unit_test_setup_teardown(
            without_a_ring_threads_serve_and_the_reason_is_known, setup_without_disk, teardown),
    };
    const struct CMUnitTest allowed[] = {
        cmocka_unit_test_setup_teardown(
            the_engine_that_is_asked_for_is_taken, setup_without_disk, teardown),
        CASE(what_is_refused_for_a_while_is_submitted_again),
        CASE(what_is_taken_in_part_is_submitted_to_the_end),
        CASE(more_than_the_ring_holds_never_overflows_its_answers),
        CASE(what_is_submitted_in_one_turn_is_one_call),
        CASE(a_ring_that_takes_nothing_is_given_up_and_nothing_is_lost),
        CASE(a_short_answer_is_passed_on_as_it_is),
        CASE(a_sync_that_fails_is_never_tried_again),
        CASE(a_failed_write_is_passed_on_and_an_undone_one_is_done),
        CASE(what_the_device_refuses_directly_is_written_the_ordinary_way),
        CASE(a_direct_write_in_a_ring_that_is_given_up_is_not_lost),
        CASE(more_large_reads_than_slots_are_all_answered),
        CASE(a_loop_that_sleeps_on_the_ring_is_woken),
    };
    int failed = cmocka_run_group_tests_name("disk_uring, refused", refused, NULL, NULL);
    if (has_io_uring()) {
        failed += cmocka_run_group_tests_name("disk_uring", allowed, NULL, NULL);
    }
    return failed;
}
