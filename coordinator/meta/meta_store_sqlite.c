/*
 * The store on SQLite: the directory and its lock, the clock, the reader connections; what is
 * written goes through meta_writer.
 */
#include "coordinator/meta/meta_store.h"

#include "common/cleanup.h"
#include "coordinator/meta/meta_backup.h"
#include "coordinator/meta/meta_connection.h"
#include "coordinator/meta/meta_writer.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>

struct meta_store {
    /* Set once. */
    struct meta_store_options options;
    int lock_fd;
    struct meta_connection writer_connection;
    struct meta_writer *writer;
    struct meta_connection readers[META_READERS];

    _Atomic uint64_t now_ms; /* the highest time told so far */
    _Atomic uint64_t access_generation;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t reader_idle;
        struct meta_connection *idle[META_READERS];
        unsigned idle_count;
        unsigned waiting;
    } shared;
};

uint64_t meta_now_ms(struct meta_store *store)
{
    uint64_t wall = env_unix_ms(store->options.env);
    uint64_t highest = atomic_load(&store->now_ms);
    while (wall > highest && !atomic_compare_exchange_weak(&store->now_ms, &highest, wall)) {
    }
    return wall > highest ? wall : highest;
}

uint64_t meta_order_ms(struct meta_store *store)
{
    return store->options.order_ms > 0 ? store->options.order_ms : META_ORDER_MS;
}

uint64_t meta_access_generation(struct meta_store *store)
{
    return atomic_load(&store->access_generation);
}

static void access_changed(void *context)
{
    struct meta_store *store = context;
    atomic_fetch_add(&store->access_generation, 1);
}

static struct meta_tx make_tx(void *context, struct meta_connection *connection)
{
    struct meta_store *store = context;
    return (struct meta_tx){
        .connection = connection,
        .now_ms = meta_now_ms(store),
        .env = store->options.env,
        .names = store->options.names,
        .allow_colocation = store->options.allow_colocation,
        .keep_deleted_ms = store->options.keep_deleted_ms,
        .order_ms = meta_order_ms(store),
    };
}

enum hearth_code meta_run(struct meta_store *store, meta_fn *fn, void *arg, struct hearth_err *err)
{
    struct meta_work work = {.fn = fn, .arg = arg, .err = err};
    meta_writer_run(store->writer, &work, 1);
    return work.code;
}

void meta_run_many(struct meta_store *store, struct meta_work *works, size_t count)
{
    meta_writer_run(store->writer, works, count);
}

unsigned meta_store_queued(struct meta_store *store)
{
    return meta_writer_queued(store->writer);
}

/* ---- copies, and what changes after one ---- */

struct copy_task {
    struct meta_writer_task task;
    struct meta_backup *backup;
    bool starts_changes;    /* they are gathered from the moment the copy is of */
    struct hearth_err *err; /* of that start */
};

static bool step_copy(
    struct meta_writer_task *task, struct meta_connection *connection, struct meta_changes *changes)
{
    struct copy_task *copy = (struct copy_task *)task;
    if (!meta_backup_step(copy->backup, connection)) {
        return false;
    }
    if (copy->starts_changes) {
        meta_changes_start(changes, connection, copy->err);
    }
    return true;
}

static enum hearth_code copy_to(
    struct meta_store *store, const char *path, bool starts_changes, struct hearth_err *err)
{
    struct meta_backup *backup;
    enum hearth_code code = meta_backup_create(path, &backup, err);
    if (code != HEARTH_OK) {
        return code;
    }
    struct hearth_err start = {.code = HEARTH_OK};
    struct copy_task copy = {
        .task.step = step_copy, .backup = backup, .starts_changes = starts_changes, .err = &start};
    code = meta_writer_do(store->writer, &copy.task, starts_changes, err);
    if (code == HEARTH_OK && start.code != HEARTH_OK) {
        *err = start;
        code = start.code;
    }
    if (code == HEARTH_OK) {
        code = meta_backup_finish(backup, err);
    }
    meta_backup_destroy(backup);
    return code;
}

enum hearth_code meta_backup(struct meta_store *store, const char *path, struct hearth_err *err)
{
    return copy_to(store, path, false, err);
}

enum hearth_code meta_snapshot(struct meta_store *store, const char *path, struct hearth_err *err)
{
    return copy_to(store, path, true, err);
}

struct cut_task {
    struct meta_writer_task task;
    uint8_t *bytes;
    size_t size;
    enum hearth_code code;
    struct hearth_err *err;
};

static bool step_cut(
    struct meta_writer_task *task, struct meta_connection *connection, struct meta_changes *changes)
{
    struct cut_task *cut = (struct cut_task *)task;
    cut->code = meta_changes_cut(changes, connection, &cut->bytes, &cut->size, cut->err);
    return true;
}

enum hearth_code meta_changes_since(
    struct meta_store *store, uint8_t **bytes, size_t *size, struct hearth_err *err)
{
    struct cut_task cut = {.task.step = step_cut, .err = err};
    enum hearth_code code = meta_writer_do(store->writer, &cut.task, true, err);
    if (code == HEARTH_OK && cut.code == HEARTH_OK) {
        *bytes = cut.bytes;
        *size = cut.size;
    }
    return code == HEARTH_OK ? cut.code : code;
}

/* ---- readers ---- */

static struct meta_connection *take_reader(struct meta_store *store)
{
    UNLOCKS pthread_mutex_t *held = lock(&store->shared.mutex);
    if (store->shared.idle_count == 0 && store->shared.waiting == META_READ_QUEUE_MAX) {
        return NULL;
    }
    store->shared.waiting++;
    while (store->shared.idle_count == 0) {
        pthread_cond_wait(&store->shared.reader_idle, held);
    }
    store->shared.waiting--;
    return store->shared.idle[--store->shared.idle_count];
}

static void give_back_reader(struct meta_store *store, struct meta_connection *connection)
{
    UNLOCKS pthread_mutex_t *held = lock(&store->shared.mutex);
    store->shared.idle[store->shared.idle_count++] = connection;
    pthread_cond_signal(&store->shared.reader_idle);
}

static enum hearth_code read_with(struct meta_store *store, struct meta_connection *connection,
    meta_fn *fn, void *arg, struct hearth_err *err)
{
    struct hearth_err ignored;
    uint64_t now_ns = env_now_ns(store->options.env);
    connection->deadline_ns = now_ns + META_READ_MS_MAX * UINT64_C(1000000);
    enum hearth_code code = meta_connection_control(connection, CONTROL_BEGIN_READ, err);
    if (code == HEARTH_OK) {
        struct meta_tx tx = make_tx(store, connection);
        code = meta_connection_call(connection, &tx, fn, arg, err);
        connection->deadline_ns = 0;
        meta_connection_control(connection, CONTROL_ROLLBACK, &ignored);
    }
    return code;
}

enum hearth_code meta_read(struct meta_store *store, meta_fn *fn, void *arg, struct hearth_err *err)
{
    struct meta_connection *connection = take_reader(store);
    if (connection == NULL) {
        return hearth_fail(err, HEARTH_BUSY, "metadata: %d reads are waiting", META_READ_QUEUE_MAX);
    }
    enum hearth_code code = read_with(store, connection, fn, arg, err);
    give_back_reader(store, connection);
    return code;
}

/* ---- opening ---- */

static enum hearth_code take_lock(struct meta_store *store, struct hearth_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/meta.lock", store->options.directory);
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "metadata: open %s", path);
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        int reason = errno;
        close(store->lock_fd);
        return reason == EWOULDBLOCK
            ? hearth_fail(err, HEARTH_BUSY, "metadata: %s is in use by another process",
                  store->options.directory)
            : hearth_fail_sys(err, HEARTH_IO, reason, "metadata: lock %s", path);
    }
    return HEARTH_OK;
}

static enum hearth_code sync_directory(const char *path, struct hearth_err *err)
{
    CLOSES_FD int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "metadata: sync directory %s", path);
    }
    return HEARTH_OK;
}

static void close_connections(struct meta_store *store)
{
    for (unsigned i = 0; i < META_READERS; i++) {
        meta_connection_close(&store->readers[i]);
    }
    meta_connection_close(&store->writer_connection);
}

static enum hearth_code open_connections(struct meta_store *store, struct hearth_err *err)
{
    char path[PATH_MAX];
    struct env *env = store->options.env;
    struct meta_connection *writer = &store->writer_connection;
    snprintf(path, sizeof(path), "%s/meta.db", store->options.directory);
    enum hearth_code code = meta_connection_open(writer, path, META_CONNECTION_WRITER, env, err);
    if (code == HEARTH_OK) {
        code = meta_schema_migrate(writer, err);
    }
    for (unsigned i = 0; i < META_READERS && code == HEARTH_OK; i++) {
        code = meta_connection_open(&store->readers[i], path, META_CONNECTION_READER, env, err);
        store->shared.idle[store->shared.idle_count++] = &store->readers[i];
    }
    if (code == HEARTH_OK) {
        code = sync_directory(store->options.directory, err);
    }
    return code;
}

/* *arg gets the clock's high-water mark.  Whoever leased some of the sweep is no more: the
 * directory's lock is ours. */
static enum hearth_code begin_life(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    const struct meta_id none = {{0}};
    struct sql *insert = sql_use(tx, SQL_CLUSTER_INSERT);
    sql_set_id(insert, ":cluster", &none);
    sql_set_u64(insert, ":clock", tx->now_ms);
    sql_run(insert);
    sql_run(sql_use(tx, SQL_SWEEP_END_LEASES));

    struct sql *sql = sql_use(tx, SQL_CLUSTER_GET);
    if (sql_step(sql)) {
        sql_blob(sql); /* cluster */
        sql_u64(sql);  /* recovery_epoch */
        sql_u64(sql);  /* garbage_held */
        *(uint64_t *)arg = sql_u64(sql);
        if (sql_u64(sql) != 0) {
            struct sql *restored = sql_use(tx, SQL_CLUSTER_RESTORED);
            sql_set_u64(restored, ":now", tx->now_ms);
            sql_run(restored);
        }
    }
    return HEARTH_OK;
}

static enum hearth_code check_clock(struct meta_store *store, struct hearth_err *err)
{
    uint64_t recorded_ms;
    enum hearth_code code = meta_run(store, begin_life, &recorded_ms, err);
    if (code != HEARTH_OK) {
        return code;
    }
    uint64_t wall_ms = env_unix_ms(store->options.env);
    if (wall_ms + META_CLOCK_BEHIND_MS_MAX < recorded_ms) {
        return hearth_fail(err, HEARTH_NOT_READY,
            "metadata: the clock is %llu s behind what was recorded here: set it right",
            (unsigned long long)((recorded_ms - wall_ms) / 1000));
    }
    atomic_store(&store->now_ms, recorded_ms);
    return HEARTH_OK;
}

static enum hearth_code start_writer(struct meta_store *store, struct hearth_err *err)
{
    const struct meta_writer_options options = {
        .connection = &store->writer_connection,
        .make_tx = make_tx,
        .access_changed = access_changed,
        .context = store,
        .fails_at = store->options.fails_at,
        .fails_context = store->options.fails_context,
    };
    return meta_writer_start(&options, &store->writer, err);
}

enum hearth_code meta_store_open(
    const struct meta_store_options *options, struct meta_store **out, struct hearth_err *err)
{
    struct meta_store *store = calloc(1, sizeof(*store));
    if (store == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata: store");
    }
    store->options = *options;
    pthread_mutex_init(&store->shared.mutex, NULL);
    pthread_cond_init(&store->shared.reader_idle, NULL);
    if (take_lock(store, err) != HEARTH_OK) {
        goto undo_alloc;
    }
    if (open_connections(store, err) != HEARTH_OK || start_writer(store, err) != HEARTH_OK) {
        goto undo_connections;
    }
    if (check_clock(store, err) != HEARTH_OK) {
        goto undo_writer;
    }
    *out = store;
    return HEARTH_OK;

undo_writer:
    meta_writer_stop(store->writer);
undo_connections:
    close_connections(store);
    close(store->lock_fd);
undo_alloc:
    free(store);
    return err->code;
}

void meta_store_close(struct meta_store *store)
{
    if (store == NULL) {
        return;
    }
    meta_writer_stop(store->writer);
    assert(store->shared.idle_count == META_READERS);
    close_connections(store);
    pthread_cond_destroy(&store->shared.reader_idle);
    pthread_mutex_destroy(&store->shared.mutex);
    close(store->lock_fd);
    free(store);
}
