#include "proto/rpc_workers.h"

#include "common/cleanup.h"

struct rpc_workers {
    /* Set once. */
    pthread_t *threads;
    unsigned queue_max;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    pthread_cond_t wake; /* a job was queued, or it is the end */
    struct rpc_job *oldest;
    struct rpc_job *newest;
    unsigned queued;
    unsigned thread_count;
    bool ending;
};

/* The next job; NULL: it is the end and none is left. */
static struct rpc_job *next_job(struct rpc_workers *workers)
{
    UNLOCKS pthread_mutex_t *held = lock(&workers->mutex);
    while (workers->oldest == NULL && !workers->ending) {
        pthread_cond_wait(&workers->wake, held);
    }
    struct rpc_job *job = workers->oldest;
    if (job != NULL) {
        workers->oldest = job->next;
        workers->queued--;
    }
    return job;
}

static void *run_jobs(void *context)
{
    struct rpc_workers *workers = context;
    struct rpc_job *job;
    while ((job = next_job(workers)) != NULL) {
        job->run(job);
    }
    return NULL;
}

enum hearth_code rpc_workers_create(
    unsigned threads, unsigned queue_max, struct rpc_workers **out, struct hearth_err *err)
{
    assert(threads > 0 && queue_max > 0);
    struct rpc_workers *workers = calloc(1, sizeof(*workers));
    pthread_t *ids = calloc(threads, sizeof(*ids));
    assert(workers != NULL && ids != NULL); /* at start, a few bytes */
    workers->threads = ids;
    workers->queue_max = queue_max;
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->wake, NULL);
    for (unsigned i = 0; i < threads; i++) {
        int rc = pthread_create(&ids[i], NULL, run_jobs, workers);
        if (rc != 0) {
            rpc_workers_destroy(workers);
            return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start worker %u of %u", i, threads);
        }
        workers->thread_count++;
    }
    *out = workers;
    return HEARTH_OK;
}

static void tell_the_end(struct rpc_workers *workers)
{
    UNLOCKS pthread_mutex_t *held = lock(&workers->mutex);
    workers->ending = true;
    pthread_cond_broadcast(&workers->wake);
}

void rpc_workers_destroy(struct rpc_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    tell_the_end(workers);
    for (unsigned i = 0; i < workers->thread_count; i++) {
        pthread_join(workers->threads[i], NULL);
    }
    assert(workers->queued == 0);
    pthread_cond_destroy(&workers->wake);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->threads);
    free(workers);
}

bool rpc_workers_post(struct rpc_workers *workers, struct rpc_job *job)
{
    UNLOCKS pthread_mutex_t *held = lock(&workers->mutex);
    assert(!workers->ending);
    if (workers->queued == workers->queue_max) {
        return false;
    }
    job->next = NULL;
    if (workers->oldest == NULL) {
        workers->oldest = job;
    } else {
        workers->newest->next = job;
    }
    workers->newest = job;
    workers->queued++;
    pthread_cond_signal(&workers->wake);
    return true;
}
