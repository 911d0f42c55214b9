#include "coordinator/meta/meta_writer.h"

#include "common/cleanup.h"
#include "common/failpoint.h"

#include <assert.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>

enum {
    CLOCK_RECORD_MS = 60 * 1000, /* the high-water mark is at most this far behind */
    CHECKPOINT_PAGES = 4096,     /* 16 MiB of WAL: worth moving to the database */
    /* 64 MiB of WAL: readers have kept it from being moved; now wait for them. */
    CHECKPOINT_WAIT_PAGES = 16384,
};

/* One call of meta_writer_run, on its caller's stack. */
struct visit {
    atomic_size_t left; /* jobs that are not done; the last wakes the caller */
    sem_t is_done;
};

/* One closure of it. */
struct job {
    struct meta_work *work;
    struct visit *visit;
    struct job *next;
};

struct meta_writer {
    /* Set once. */
    struct meta_writer_options options;
    pthread_t thread;

    /* The thread only. */
    uint64_t clock_recorded_ms; /* 0: not known to be recorded */
    bool changes_access;        /* the group being run */
    struct meta_changes changes;

    struct {
        pthread_mutex_t mutex; /* never held while SQLite works */
        pthread_cond_t work;
        struct job *oldest;
        struct job *newest;
        unsigned queued;
        bool stopping;
        struct meta_writer_task *task; /* being done */
        pthread_cond_t task_over;
    } shared;
};

/* ---- one group ---- */

static bool step_fails(struct meta_writer *writer, enum meta_step step)
{
    bool armed = false;
    switch (step) {
    case META_STEP_BEGIN: armed = FAILPOINT(COORDINATOR_META_BEGIN); break;
    case META_STEP_CLOSURES_DONE: armed = FAILPOINT(COORDINATOR_META_CLOSURES_DONE); break;
    case META_STEP_COMMITTED: armed = FAILPOINT(COORDINATOR_META_COMMITTED); break;
    }
    return armed ||
        (writer->options.fails_at != NULL &&
            writer->options.fails_at(writer->options.fails_context, step));
}

static void answer_all(struct job *jobs, enum hearth_code code, const char *message)
{
    for (struct job *job = jobs; job != NULL; job = job->next) {
        job->work->code = hearth_fail(job->work->err, code, "%s", message);
    }
}

static enum hearth_code record_clock(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)arg;
    (void)err;
    struct sql *sql = sql_use(tx, SQL_CLUSTER_SET_CLOCK);
    sql_set_u64(sql, ":clock", tx->now_ms);
    sql_run(sql);
    return HEARTH_OK;
}

/* Keeps the high-water mark of the clock close behind it, in the same transaction. */
static enum hearth_code record_clock_when_due(
    struct meta_writer *writer, struct meta_tx *tx, struct hearth_err *err)
{
    if (tx->now_ms < writer->clock_recorded_ms + CLOCK_RECORD_MS) {
        return HEARTH_OK;
    }
    writer->clock_recorded_ms = tx->now_ms;
    return meta_connection_call(writer->options.connection, tx, record_clock, NULL, err);
}

static enum hearth_code run_one(
    struct meta_connection *connection, struct meta_tx *tx, struct job *job, struct hearth_err *err)
{
    if (meta_connection_control(connection, CONTROL_SAVE, err) != HEARTH_OK) {
        return err->code;
    }
    struct meta_work *work = job->work;
    work->code = meta_connection_call(connection, tx, work->fn, work->arg, work->err);
    if (!meta_connection_in_transaction(connection)) {
        *err = *work->err; /* so bad that SQLite has undone all of it */
        return err->code;
    }
    if (work->code != HEARTH_OK &&
        meta_connection_control(connection, CONTROL_UNDO, err) != HEARTH_OK) {
        return err->code;
    }
    return meta_connection_control(connection, CONTROL_KEEP, err);
}

/* Each closure in a savepoint: one that fails leaves the others alone. */
static enum hearth_code run_closures(
    struct meta_writer *writer, struct job *jobs, struct hearth_err *err)
{
    struct meta_connection *connection = writer->options.connection;
    struct meta_tx tx = writer->options.make_tx(writer->options.context, connection);
    enum hearth_code code = record_clock_when_due(writer, &tx, err);
    for (struct job *job = jobs; job != NULL && code == HEARTH_OK; job = job->next) {
        code = run_one(connection, &tx, job, err);
    }
    writer->changes_access = tx.changes_access;
    return code;
}

/*
 * What fails before COMMIT has certainly changed nothing.  From COMMIT on nobody can tell, and
 * that goes for refusals too: each closure may have decided on what another one changed.  Except on
 * a full disk: SQLite says so (a failed sync is another error) when a page could not be written to
 * the log, and what has no last page with its checksum is no transaction, now or at a start.
 */
static void run_transaction(struct meta_writer *writer, struct job *jobs)
{
    struct meta_connection *connection = writer->options.connection;
    struct hearth_err err;
    if (meta_connection_control(connection, CONTROL_BEGIN_WRITE, &err) != HEARTH_OK ||
        run_closures(writer, jobs, &err) != HEARTH_OK) {
        answer_all(jobs, err.code, err.message);
    } else if (step_fails(writer, META_STEP_CLOSURES_DONE)) {
        answer_all(jobs, HEARTH_UNKNOWN, "metadata: stopped before the commit");
    } else if (meta_connection_control(connection, CONTROL_COMMIT, &err) != HEARTH_OK) {
        answer_all(jobs, err.code == HEARTH_NO_SPACE ? err.code : HEARTH_UNKNOWN, err.message);
    } else if (step_fails(writer, META_STEP_COMMITTED)) {
        answer_all(jobs, HEARTH_UNKNOWN, "metadata: stopped after the commit");
    } else {
        return;
    }
    if (meta_connection_in_transaction(connection)) {
        meta_connection_control(connection, CONTROL_ROLLBACK, &err);
    }
    writer->clock_recorded_ms = 0;
}

static void run_group(struct meta_writer *writer, struct job *jobs)
{
    if (step_fails(writer, META_STEP_BEGIN)) {
        answer_all(jobs, HEARTH_UNKNOWN, "metadata: stopped before the transaction");
    } else {
        run_transaction(writer, jobs);
    }
    if (writer->changes_access) { /* perhaps not, but nobody may rely on that */
        writer->options.access_changed(writer->options.context);
        writer->changes_access = false;
    }
}

/* A checkpoint that fails leaves everything in the WAL, and a later one tries again. */
static void checkpoint_when_due(struct meta_connection *connection)
{
    int pages = connection->wal_pages;
    if (pages >= CHECKPOINT_PAGES) {
        int mode =
            pages < CHECKPOINT_WAIT_PAGES ? SQLITE_CHECKPOINT_PASSIVE : SQLITE_CHECKPOINT_RESTART;
        sqlite3_wal_checkpoint_v2(connection->db, NULL, mode, NULL, NULL);
        connection->wal_pages = 0; /* the next commit says how many there are */
    }
}

/* ---- the thread ---- */

static struct job *take_jobs(struct meta_writer *writer)
{
    struct job *jobs = writer->shared.oldest;
    struct job *last = NULL;
    struct job *next = jobs;
    for (unsigned i = 0; i < META_GROUP_MAX && next != NULL; i++) {
        last = next;
        next = next->next;
        writer->shared.queued--;
    }
    if (last != NULL) {
        last->next = NULL;
    }
    writer->shared.oldest = next;
    return jobs;
}

/* Each caller wakes by itself: with a lock to take they would queue for it, and for the writer. */
static void finish_jobs(struct job *jobs)
{
    while (jobs != NULL) {
        struct job *next = jobs->next; /* the job is gone once its caller wakes up */
        struct visit *visit = jobs->visit;
        if (atomic_fetch_sub(&visit->left, 1) == 1) {
            sem_post(&visit->is_done);
        }
        jobs = next;
    }
}

static void finish_task(struct meta_writer *writer)
{
    UNLOCKS pthread_mutex_t *held = lock(&writer->shared.mutex);
    writer->shared.task = NULL;
    pthread_cond_broadcast(&writer->shared.task_over);
}

/* False: it is time to stop. */
static bool wait_for_work(
    struct meta_writer *writer, struct job **jobs, struct meta_writer_task **task)
{
    UNLOCKS pthread_mutex_t *held = lock(&writer->shared.mutex);
    while (writer->shared.oldest == NULL && writer->shared.task == NULL) {
        if (writer->shared.stopping) {
            return false;
        }
        pthread_cond_wait(&writer->shared.work, held);
    }
    *jobs = take_jobs(writer);
    *task = writer->shared.task;
    return true;
}

static void *writer_main(void *context)
{
    struct meta_writer *writer = context;
    struct job *jobs;
    struct meta_writer_task *task;
    while (wait_for_work(writer, &jobs, &task)) {
        if (jobs != NULL) {
            run_group(writer, jobs);
            finish_jobs(jobs);
            meta_changes_watch(&writer->changes);
            checkpoint_when_due(writer->options.connection);
        }
        if (task != NULL && task->step(task, writer->options.connection, &writer->changes)) {
            finish_task(writer);
        }
    }
    meta_changes_stop(&writer->changes);
    return NULL;
}

enum hearth_code meta_writer_start(
    const struct meta_writer_options *options, struct meta_writer **out, struct hearth_err *err)
{
    struct meta_writer *writer = calloc(1, sizeof(*writer));
    if (writer == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata: writer");
    }
    writer->options = *options;
    pthread_mutex_init(&writer->shared.mutex, NULL);
    pthread_cond_init(&writer->shared.work, NULL);
    pthread_cond_init(&writer->shared.task_over, NULL);
    int rc = pthread_create(&writer->thread, NULL, writer_main, writer);
    if (rc != 0) {
        free(writer);
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "metadata: start the writer");
    }
    *out = writer;
    return HEARTH_OK;
}

void meta_writer_stop(struct meta_writer *writer)
{
    if (writer == NULL) {
        return;
    }
    pthread_mutex_lock(&writer->shared.mutex);
    assert(writer->shared.oldest == NULL && writer->shared.task == NULL);
    writer->shared.stopping = true;
    pthread_cond_signal(&writer->shared.work);
    pthread_mutex_unlock(&writer->shared.mutex);
    pthread_join(writer->thread, NULL);
    pthread_cond_destroy(&writer->shared.task_over);
    pthread_cond_destroy(&writer->shared.work);
    pthread_mutex_destroy(&writer->shared.mutex);
    free(writer);
}

/* ---- callers ---- */

/* False: there is no room for them. */
static bool queue_jobs(struct meta_writer *writer, struct job *jobs, size_t count)
{
    UNLOCKS pthread_mutex_t *held = lock(&writer->shared.mutex);
    if (count > META_QUEUE_MAX - writer->shared.queued) {
        return false;
    }
    if (writer->shared.oldest == NULL) {
        writer->shared.oldest = jobs;
        pthread_cond_signal(&writer->shared.work);
    } else { /* the writer is awake, or has been woken for the oldest */
        writer->shared.newest->next = jobs;
    }
    writer->shared.newest = &jobs[count - 1];
    writer->shared.queued += (unsigned)count;
    return true;
}

static void wait_for_jobs(struct visit *visit)
{
    while (sem_wait(&visit->is_done) != 0) {
        assert(errno == EINTR);
    }
}

void meta_writer_run(struct meta_writer *writer, struct meta_work *works, size_t count)
{
    struct job jobs[META_TOGETHER_MAX];
    struct visit visit;
    assert(count > 0 && count <= META_TOGETHER_MAX);
    atomic_init(&visit.left, count);
    sem_init(&visit.is_done, 0, 0);
    for (size_t i = 0; i < count; i++) {
        jobs[i] = (struct job){&works[i], &visit, i + 1 < count ? &jobs[i + 1] : NULL};
    }
    if (queue_jobs(writer, jobs, count)) {
        wait_for_jobs(&visit);
    } else {
        for (size_t i = 0; i < count; i++) {
            works[i].code = hearth_fail(
                works[i].err, HEARTH_BUSY, "metadata: %d writes are waiting", META_QUEUE_MAX);
        }
    }
    sem_destroy(&visit.is_done);
}

unsigned meta_writer_queued(struct meta_writer *writer)
{
    UNLOCKS pthread_mutex_t *held = lock(&writer->shared.mutex);
    return writer->shared.queued;
}

enum hearth_code meta_writer_do(
    struct meta_writer *writer, struct meta_writer_task *task, bool waits, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&writer->shared.mutex);
    while (waits && writer->shared.task != NULL) {
        pthread_cond_wait(&writer->shared.task_over, held);
    }
    if (writer->shared.task != NULL) {
        return hearth_fail(err, HEARTH_BUSY, "another copy of the metadata is being made");
    }
    writer->shared.task = task;
    pthread_cond_signal(&writer->shared.work);
    while (writer->shared.task == task) {
        pthread_cond_wait(&writer->shared.task_over, held);
    }
    return HEARTH_OK;
}
