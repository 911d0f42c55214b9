#include "proto/rpc_workers.h"

#include "common/cleanup.h"

#include <errno.h>
#include <semaphore.h>

/*
 * An idle worker is handed its job and then woken, without a lock: woken with one it would have to
 * wait for it at once, a switch of threads for each job.  Last idle, first woken: its stack is
 * warm.
 */
struct worker {
    struct rpc_workers *workers;
    pthread_t thread;
    sem_t wake;
    /* While idle the pool's, under its mutex; once woken the worker's. */
    struct worker *next;
    struct rpc_job *job; /* NULL: it is the end */
};

struct rpc_workers {
    /* Set once. */
    struct worker *items;
    unsigned queue_max;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    struct worker *idle; /* the queue is empty then */
    struct rpc_job *oldest;
    struct rpc_job *newest;
    unsigned queued;
    unsigned thread_count;
    bool ending;
};

/* False: nothing is queued, and it counts as idle now. */
static bool take_queued(struct worker *worker)
{
    struct rpc_workers *workers = worker->workers;
    UNLOCKS pthread_mutex_t *held = lock(&workers->mutex);
    worker->job = workers->oldest;
    if (worker->job != NULL) {
        workers->oldest = worker->job->next;
        workers->queued--;
    } else if (!workers->ending) {
        worker->next = workers->idle;
        workers->idle = worker;
        return false;
    }
    return true;
}

static void *run_jobs(void *context)
{
    struct worker *worker = context;
    for (;;) {
        if (!take_queued(worker)) {
            while (sem_wait(&worker->wake) != 0) {
                assert(errno == EINTR);
            }
        }
        if (worker->job == NULL) {
            return NULL;
        }
        worker->job->run(worker->job);
    }
}

enum hearth_code rpc_workers_create(
    unsigned threads, unsigned queue_max, struct rpc_workers **out, struct hearth_err *err)
{
    assert(threads > 0 && queue_max > 0);
    struct rpc_workers *workers = calloc(1, sizeof(*workers));
    struct worker *items = calloc(threads, sizeof(*items));
    assert(workers != NULL && items != NULL); /* at start, a few bytes */
    workers->items = items;
    workers->queue_max = queue_max;
    pthread_mutex_init(&workers->mutex, NULL);
    for (unsigned i = 0; i < threads; i++) {
        items[i].workers = workers;
        sem_init(&items[i].wake, 0, 0);
        int rc = pthread_create(&items[i].thread, NULL, run_jobs, &items[i]);
        if (rc != 0) {
            sem_destroy(&items[i].wake);
            rpc_workers_destroy(workers);
            return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start worker %u of %u", i, threads);
        }
        workers->thread_count++;
    }
    *out = workers;
    return HEARTH_OK;
}

static struct worker *take_idle(struct rpc_workers *workers)
{
    struct worker *worker = workers->idle;
    if (worker != NULL) {
        workers->idle = worker->next;
    }
    return worker;
}

static void tell_the_end(struct rpc_workers *workers)
{
    UNLOCKS pthread_mutex_t *held = lock(&workers->mutex);
    workers->ending = true;
    for (struct worker *worker; (worker = take_idle(workers)) != NULL;) {
        worker->job = NULL;
        sem_post(&worker->wake);
    }
}

void rpc_workers_destroy(struct rpc_workers *workers)
{
    if (workers == NULL) {
        return;
    }
    tell_the_end(workers);
    for (unsigned i = 0; i < workers->thread_count; i++) {
        pthread_join(workers->items[i].thread, NULL);
        sem_destroy(&workers->items[i].wake);
    }
    assert(workers->queued == 0);
    pthread_mutex_destroy(&workers->mutex);
    free(workers->items);
    free(workers);
}

static void queue(struct rpc_workers *workers, struct rpc_job *job)
{
    job->next = NULL;
    *(workers->oldest == NULL ? &workers->oldest : &workers->newest->next) = job;
    workers->newest = job;
    workers->queued++;
}

/* *out: who was idle and has the job now; NULL: it is queued.  False: there is no room. */
static bool hand_over(struct rpc_workers *workers, struct rpc_job *job, struct worker **out)
{
    UNLOCKS pthread_mutex_t *held = lock(&workers->mutex);
    assert(!workers->ending);
    *out = take_idle(workers);
    if (*out != NULL) {
        (*out)->job = job;
        return true;
    }
    if (workers->queued == workers->queue_max) {
        return false;
    }
    queue(workers, job);
    return true;
}

bool rpc_workers_post(struct rpc_workers *workers, struct rpc_job *job)
{
    struct worker *worker;
    bool is_taken = hand_over(workers, job, &worker);
    if (worker != NULL) {
        sem_post(&worker->wake);
    }
    return is_taken;
}
