/*
 * work_pool: every job runs exactly once, also when far more are submitted than may wait.
 */
#include "tests/lib/test.h"
#include "tools/work_pool.h"

#include <stdatomic.h>

enum { JOBS = 5000 };

struct tally {
    atomic_uint runs[JOBS];
};

static void count_run(void *context, void *job)
{
    struct tally *tally = context;
    atomic_fetch_add(&tally->runs[*(unsigned *)job], 1);
}

static void run_all(unsigned threads)
{
    static unsigned numbers[JOBS];
    struct tally *tally = calloc(1, sizeof(*tally));
    assert_non_null(tally);
    struct hearth_err err;
    struct work_pool *pool;
    assert_ok(work_pool_create(threads, count_run, tally, &pool, &err), &err);
    for (unsigned i = 0; i < JOBS; i++) {
        numbers[i] = i;
        work_pool_submit(pool, &numbers[i]);
    }
    work_pool_finish(pool);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(atomic_load(&tally->runs[i]), 1);
    }
    free(tally);
}

static void each_job_runs_once(void **state)
{
    (void)state;
    run_all(1);
    run_all(3);
    run_all(WORK_POOL_THREADS_MAX);
}

static void a_pool_without_jobs_ends(void **state)
{
    (void)state;
    struct hearth_err err;
    struct work_pool *pool;
    assert_ok(work_pool_create(4, count_run, NULL, &pool, &err), &err);
    work_pool_finish(pool);
    work_pool_finish(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_job_runs_once),
        cmocka_unit_test(a_pool_without_jobs_ends),
    };
    return cmocka_run_group_tests_name("work_pool", tests, NULL, NULL);
}
