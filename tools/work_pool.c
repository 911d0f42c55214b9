#include "tools/work_pool.h"

enum { QUEUE_MAX = 2 * WORK_POOL_THREADS_MAX };

struct work_pool {
    /* Set once. */
    work_pool_run_fn *run;
    void *context;
    unsigned waiting_max;

    /* The creating thread only. */
    unsigned thread_count;
    pthread_t threads[WORK_POOL_THREADS_MAX];

    struct {
        pthread_mutex_t mutex; /* a leaf */
        pthread_cond_t changed;
        void *jobs[QUEUE_MAX]; /* a ring */
        unsigned first;
        unsigned count;
        bool ending;
    } shared;
};

/* NULL: the pool is ending and nothing is left. */
static void *take_job(struct work_pool *pool)
{
    UNLOCKS pthread_mutex_t *held = lock(&pool->shared.mutex);
    while (pool->shared.count == 0) {
        if (pool->shared.ending) {
            return NULL;
        }
        pthread_cond_wait(&pool->shared.changed, held);
    }
    void *job = pool->shared.jobs[pool->shared.first];
    pool->shared.first = (pool->shared.first + 1) % QUEUE_MAX;
    pool->shared.count--;
    pthread_cond_broadcast(&pool->shared.changed);
    return job;
}

static void *thread_main(void *argument)
{
    struct work_pool *pool = argument;
    void *job;
    while ((job = take_job(pool)) != NULL) {
        pool->run(pool->context, job);
    }
    return NULL;
}

void work_pool_submit(struct work_pool *pool, void *job)
{
    assert(job != NULL);
    UNLOCKS pthread_mutex_t *held = lock(&pool->shared.mutex);
    while (pool->shared.count == pool->waiting_max) {
        pthread_cond_wait(&pool->shared.changed, held);
    }
    pool->shared.jobs[(pool->shared.first + pool->shared.count) % QUEUE_MAX] = job;
    pool->shared.count++;
    pthread_cond_broadcast(&pool->shared.changed);
}

static void end_threads(struct work_pool *pool)
{
    {
        UNLOCKS pthread_mutex_t *held = lock(&pool->shared.mutex);
        pool->shared.ending = true;
        pthread_cond_broadcast(&pool->shared.changed);
    }
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
}

void work_pool_finish(struct work_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    end_threads(pool);
    assert(pool->shared.count == 0 || pool->thread_count == 0);
    pthread_cond_destroy(&pool->shared.changed);
    pthread_mutex_destroy(&pool->shared.mutex);
    free(pool);
}

enum hearth_code work_pool_create(unsigned threads, work_pool_run_fn *run, void *context,
    struct work_pool **out, struct hearth_err *err)
{
    assert(threads > 0 && threads <= WORK_POOL_THREADS_MAX);
    struct work_pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "start %u transfers", threads);
    }
    pool->run = run;
    pool->context = context;
    pool->waiting_max = 2 * threads;
    pthread_mutex_init(&pool->shared.mutex, NULL);
    pthread_cond_init(&pool->shared.changed, NULL);
    for (; pool->thread_count < threads; pool->thread_count++) {
        int rc = pthread_create(&pool->threads[pool->thread_count], NULL, thread_main, pool);
        if (rc != 0) {
            work_pool_finish(pool);
            return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start %u transfers", threads);
        }
    }
    *out = pool;
    return HEARTH_OK;
}
