/*
 * meta_store: closures commit together and fail apart; what cannot be known is said to be unknown;
 * the clock never goes back; a backup is whole and knows what it is.
 */
#include "coordinator/meta/meta_store.h"

#include "coordinator/meta/meta_settings.h"
#include "coordinator/meta/meta_sql.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>

/* ---- closures of these tests: owners are counted by number ---- */

struct insert {
    uint32_t owner;
    enum hearth_code code; /* what the closure says after it has inserted */
};

static enum hearth_code insert_owner(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct insert *insert = arg;
    char name[16];
    snprintf(name, sizeof(name), "%u", insert->owner);
    struct sql *sql = sql_use(tx, SQL_OWNER_INSERT);
    sql_set_u64(sql, ":owner", insert->owner);
    sql_set_blob(sql, ":name", view_text(name));
    sql_run(sql);
    return insert->code == HEARTH_OK ? HEARTH_OK : hearth_fail(err, insert->code, "as asked");
}

static enum hearth_code read_last_owner(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    *(uint64_t *)arg = sql_value(sql_use(tx, SQL_OWNER_NEXT)) - 1;
    return HEARTH_OK;
}

static uint64_t last_owner(struct test_meta *meta)
{
    uint64_t last;
    assert_ok(meta_read(meta->store, read_last_owner, &last, &meta->err), &meta->err);
    return last;
}

/* ---- several callers, one group ---- */

struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool entered;
    bool open;
};

static void gate_set(struct gate *gate, bool *flag)
{
    pthread_mutex_lock(&gate->mutex);
    *flag = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->mutex);
}

static void gate_wait(struct gate *gate, const bool *flag)
{
    pthread_mutex_lock(&gate->mutex);
    while (!*flag) {
        pthread_cond_wait(&gate->changed, &gate->mutex);
    }
    pthread_mutex_unlock(&gate->mutex);
}

/* Holds the writer until the gate opens, so that others gather behind it. */
static enum hearth_code wait_at_gate(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)tx;
    (void)err;
    struct gate *gate = arg;
    gate_set(gate, &gate->entered);
    gate_wait(gate, &gate->open);
    return HEARTH_OK;
}

struct caller {
    struct test_meta *meta;
    meta_fn *fn;
    void *arg;
    struct hearth_err err;
    enum hearth_code code;
    pthread_t thread;
};

static void *call(void *arg)
{
    struct caller *caller = arg;
    caller->code = meta_run(caller->meta->store, caller->fn, caller->arg, &caller->err);
    return NULL;
}

enum { CALLERS = 8 };

/* `inserts` are in the queue together when the writer comes to them. */
static void run_as_one_group(
    struct test_meta *meta, struct insert *inserts, struct caller callers[CALLERS])
{
    struct gate gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false};
    struct caller first = {.meta = meta, .fn = wait_at_gate, .arg = &gate};
    pthread_create(&first.thread, NULL, call, &first);
    gate_wait(&gate, &gate.entered);
    for (unsigned i = 0; i < CALLERS; i++) {
        callers[i] = (struct caller){.meta = meta, .fn = insert_owner, .arg = &inserts[i]};
        pthread_create(&callers[i].thread, NULL, call, &callers[i]);
    }
    while (meta_store_queued(meta->store) < CALLERS) {
        sched_yield();
    }
    gate_set(&gate, &gate.open);
    pthread_join(first.thread, NULL);
    for (unsigned i = 0; i < CALLERS; i++) {
        pthread_join(callers[i].thread, NULL);
    }
}

static void make_inserts(struct insert inserts[CALLERS])
{
    for (uint32_t i = 0; i < CALLERS; i++) {
        inserts[i] = (struct insert){.owner = i + 1};
    }
}

static bool count_commits(void *context, enum meta_step step)
{
    *(unsigned *)context += step == META_STEP_COMMITTED;
    return false;
}

static void closures_that_wait_share_one_commit(void **state)
{
    struct test_meta *meta = *state;
    struct insert inserts[CALLERS];
    struct caller callers[CALLERS];
    unsigned commits = 0;
    make_inserts(inserts);
    meta->fails_context = &commits;
    meta->fails_at = count_commits;
    run_as_one_group(meta, inserts, callers);
    assert_int_equal(commits, 2); /* the one at the gate, and all others */
    assert_int_equal(last_owner(meta), CALLERS);
}

static void a_closure_that_fails_leaves_its_group_alone(void **state)
{
    struct test_meta *meta = *state;
    struct insert inserts[CALLERS];
    struct caller callers[CALLERS];
    make_inserts(inserts);
    inserts[CALLERS - 1].code = HEARTH_PRECONDITION;
    inserts[3].owner = 3; /* a second owner 3: the statement fails, whatever the closure says */
    run_as_one_group(meta, inserts, callers);
    unsigned conflicts = 0;
    for (unsigned i = 0; i < CALLERS - 1; i++) {
        conflicts += callers[i].code == HEARTH_CONFLICT;
        assert_true(callers[i].code == HEARTH_OK || i == 2 || i == 3);
    }
    assert_int_equal(conflicts, 1);
    assert_int_equal(callers[CALLERS - 1].code, HEARTH_PRECONDITION);
    assert_string_equal(callers[CALLERS - 1].err.message, "as asked");
    assert_int_equal(last_owner(meta), CALLERS - 1);
}

struct fault {
    enum meta_step step;
    unsigned skip; /* passes before it strikes */
};

static bool strike(void *context, enum meta_step step)
{
    struct fault *fault = context;
    return step == fault->step && fault->skip-- == 0;
}

static void a_commit_that_fails_makes_all_unknown(void **state)
{
    struct test_meta *meta = *state;
    static const struct {
        enum meta_step step;
        uint64_t stored;
    } cases[] = {{META_STEP_BEGIN, 0}, {META_STEP_CLOSURES_DONE, 0}, {META_STEP_COMMITTED, 7}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct insert inserts[CALLERS];
        struct caller callers[CALLERS];
        struct fault fault = {cases[i].step, 1}; /* the one at the gate passes */
        make_inserts(inserts);
        inserts[CALLERS - 1].code = HEARTH_PRECONDITION;
        meta->fails_context = &fault;
        meta->fails_at = strike;
        run_as_one_group(meta, inserts, callers);
        meta->fails_at = NULL;
        for (unsigned c = 0; c < CALLERS; c++) {
            assert_int_equal(callers[c].code, HEARTH_UNKNOWN);
        }
        assert_int_equal(last_owner(meta), cases[i].stored);
    }
    struct insert after = {.owner = 99};
    assert_ok(meta_run(meta->store, insert_owner, &after, &meta->err), &meta->err);
}

/* ---- reading ---- */

static void a_read_cannot_change_anything(void **state)
{
    struct test_meta *meta = *state;
    struct insert insert = {.owner = 1};
    assert_int_not_equal(meta_read(meta->store, insert_owner, &insert, &meta->err), HEARTH_OK);
    assert_int_equal(last_owner(meta), 0);
}

static enum hearth_code read_slowly(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    struct test_meta *meta = arg;
    test_env_step_ms(&meta->env, META_READ_MS_MAX + 1);
    for (unsigned i = 0; i < 2000; i++) {
        sql_value(sql_use(tx, SQL_OWNER_NEXT));
    }
    return HEARTH_OK;
}

static void a_read_that_takes_too_long_is_interrupted(void **state)
{
    struct test_meta *meta = *state;
    assert_int_equal(meta_read(meta->store, read_slowly, meta, &meta->err), HEARTH_BUSY);
    assert_int_equal(last_owner(meta), 0); /* the connection is fit for use */
}

/* ---- the directory ---- */

static struct meta_store_options options_of(struct test_meta *meta)
{
    return (struct meta_store_options){
        .directory = meta->directory, .env = &meta->env.env, .names = &meta->names};
}

static void a_second_process_is_kept_out(void **state)
{
    struct test_meta *meta = *state;
    struct meta_store_options options = options_of(meta);
    struct meta_store *store;
    assert_int_equal(meta_store_open(&options, &store, &meta->err), HEARTH_BUSY);
}

static void change_file(const char *path, const char *text)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Says that the schema is another. */
static void open_fails_after(struct test_meta *meta, const char *change)
{
    struct meta_store_options options = options_of(meta);
    struct meta_store *store;
    char path[128];
    snprintf(path, sizeof(path), "%s/meta.db", meta->directory);
    meta_store_close(meta->store);
    meta->store = NULL;
    change_file(path, change);
    assert_int_equal(meta_store_open(&options, &store, &meta->err), HEARTH_UNKNOWN_FORMAT);
}

static void a_newer_schema_is_refused(void **state)
{
    open_fails_after(*state, "INSERT INTO schema_version VALUES (1000)");
}

static void a_schema_from_before_the_first_release_is_refused(void **state)
{
    open_fails_after(*state, "UPDATE schema_version SET version = 3");
}

/* ---- the clock ---- */

static void time_does_not_go_back(void **state)
{
    struct test_meta *meta = *state;
    uint64_t before = meta_now_ms(meta->store);
    meta->env.unix_ms -= 5000;
    assert_int_equal(meta_now_ms(meta->store), before);
    meta->env.unix_ms += 6000;
    assert_int_equal(meta_now_ms(meta->store), before + 1000);
}

static void a_clock_far_behind_is_refused_and_one_a_little_behind_is_not_believed(void **state)
{
    struct test_meta *meta = *state;
    struct meta_store_options options = options_of(meta);
    struct meta_store *store;
    struct insert insert = {.owner = 1};
    test_env_step_ms(&meta->env, 3600 * 1000);
    assert_ok(meta_run(meta->store, insert_owner, &insert, &meta->err), &meta->err);
    uint64_t recorded = meta_now_ms(meta->store);
    meta_store_close(meta->store);
    meta->store = NULL;

    meta->env.unix_ms -= META_CLOCK_BEHIND_MS_MAX + 1;
    assert_int_equal(meta_store_open(&options, &store, &meta->err), HEARTH_NOT_READY);
    assert_int_equal(meta_store_open(&options, &store, &meta->err), HEARTH_NOT_READY);
    meta->env.unix_ms += 1;
    assert_ok(meta_store_open(&options, &meta->store, &meta->err), &meta->err);
    assert_int_equal(meta_now_ms(meta->store), recorded);
}

/* ---- settings, backup ---- */

static void the_cluster_id_is_set_once(void **state)
{
    struct test_meta *meta = *state;
    struct meta_id cluster = {{1}};
    struct meta_settings settings;
    assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
    assert_true(meta_id_is_zero(settings.cluster));
    assert_ok(meta_cluster_set(meta->store, cluster, &meta->err), &meta->err);
    assert_ok(meta_cluster_set(meta->store, cluster, &meta->err), &meta->err);
    cluster.bytes[0] = 2;
    assert_int_equal(meta_cluster_set(meta->store, cluster, &meta->err), HEARTH_EXISTS);
}

/* Whatever was stored after that is kept, however much later the backup is restored. */
static void a_restored_backup_says_how_far_it_knows(void **state)
{
    struct test_meta *meta = *state;
    struct meta_settings settings;
    char path[128];
    snprintf(path, sizeof(path), "%s/backup", meta->directory);
    assert_ok(meta_backup(meta->store, path, &meta->err), &meta->err);
    const uint64_t made_ms = env_unix_ms(&meta->env.env);
    test_env_step_ms(&meta->env, UINT64_C(10) * 24 * 60 * 60 * 1000);
    test_meta_restore(meta, path);
    assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
    assert_true(settings.backup_ms > 0);
    assert_true(settings.backup_ms <= made_ms);
    assert_int_equal(settings.restored_ms, env_unix_ms(&meta->env.env));
}

static void a_restored_backup_holds_garbage_and_starts_a_new_epoch(void **state)
{
    struct test_meta *meta = *state;
    struct insert before = {.owner = 7};
    struct insert after = {.owner = 8};
    struct meta_settings settings;
    char path[128];
    snprintf(path, sizeof(path), "%s/backup", meta->directory);
    assert_ok(meta_run(meta->store, insert_owner, &before, &meta->err), &meta->err);
    assert_ok(meta_backup(meta->store, path, &meta->err), &meta->err);
    assert_int_equal(meta_backup(meta->store, path, &meta->err), HEARTH_EXISTS);
    assert_ok(meta_run(meta->store, insert_owner, &after, &meta->err), &meta->err);
    assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
    assert_int_equal(settings.recovery_epoch, 0);
    assert_false(settings.garbage_held);

    test_meta_restore(meta, path);
    assert_int_equal(last_owner(meta), 7);
    for (int opened = 0; opened < 2; opened++) { /* once, not at every start */
        assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
        assert_int_equal(settings.recovery_epoch, 1);
        assert_true(settings.garbage_held);
        test_meta_reopen(meta);
    }
    assert_ok(meta_garbage_unhold(meta->store, &meta->err), &meta->err);
    assert_ok(meta_settings_get(meta->store, &settings, &meta->err), &meta->err);
    assert_false(settings.garbage_held);
}

struct writing {
    struct test_meta *meta;
    atomic_bool stop;
    uint32_t written;
};

static void *keep_writing(void *arg)
{
    struct writing *writing = arg;
    struct hearth_err err;
    while (!writing->stop) {
        struct insert insert = {.owner = writing->written + 1};
        assert_ok(meta_run(writing->meta->store, insert_owner, &insert, &err), &err);
        writing->written++;
    }
    return NULL;
}

static void a_backup_made_while_others_write_is_one_state(void **state)
{
    struct test_meta *meta = *state;
    struct writing writing = {.meta = meta};
    pthread_t thread;
    char path[128];
    snprintf(path, sizeof(path), "%s/backup", meta->directory);
    for (unsigned i = 0; i < 1500; i++) { /* several steps of pages */
        char key[16];
        snprintf(key, sizeof(key), "%u", i);
        test_meta_put_now(meta, key, 1);
    }
    pthread_create(&thread, NULL, keep_writing, &writing);
    assert_ok(meta_backup(meta->store, path, &meta->err), &meta->err);
    writing.stop = true;
    pthread_join(thread, NULL);
    test_meta_restore(meta, path);
    assert_true(last_owner(meta) <= writing.written);
    struct meta_counts counts;
    assert_ok(meta_counts_get(meta->store, &counts, &meta->err), &meta->err);
    assert_int_equal(counts.objects, 1500);
    assert_int_equal(counts.buckets, 1);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_STORE(closures_that_wait_share_one_commit),
        IN_A_STORE(a_closure_that_fails_leaves_its_group_alone),
        IN_A_STORE(a_commit_that_fails_makes_all_unknown),
        IN_A_STORE(a_read_cannot_change_anything),
        IN_A_STORE(a_read_that_takes_too_long_is_interrupted),
        IN_A_STORE(a_second_process_is_kept_out),
        IN_A_STORE(a_newer_schema_is_refused),
        IN_A_STORE(a_schema_from_before_the_first_release_is_refused),
        IN_A_STORE(time_does_not_go_back),
        IN_A_STORE(a_clock_far_behind_is_refused_and_one_a_little_behind_is_not_believed),
        IN_A_STORE(the_cluster_id_is_set_once),
        IN_A_STORE(a_restored_backup_says_how_far_it_knows),
        IN_A_STORE(a_restored_backup_holds_garbage_and_starts_a_new_epoch),
        IN_A_STORE(a_backup_made_while_others_write_is_one_state),
    };
    return cmocka_run_group_tests_name("meta_store", tests, NULL, NULL);
}
