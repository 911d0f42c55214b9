#include "coordinator/meta/meta_backup.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "coordinator/meta/meta_connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

/* 1 MiB: a few milliseconds of the writer's time. */
enum { STEP_PAGES = 256, TEXT_SIZE = 200 };

struct meta_backup {
    char *path;
    char *partial; /* path.tmp */
    sqlite3 *to;
    sqlite3_backup *copy; /* NULL before the first step and after the last */
    int result;           /* of SQLite: OK while under way, DONE, or an error */
};

static enum hearth_code fail(struct meta_backup *backup, const char *what, struct hearth_err *err)
{
    return hearth_fail(
        err, HEARTH_IO, "backup %s: %s: %s", backup->path, what, sqlite3_errmsg(backup->to));
}

/* The copy needs no journal: it is synced as a whole, and removed when it did not get that far. */
static enum hearth_code open_partial(struct meta_backup *backup, struct hearth_err *err)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (access(backup->path, F_OK) == 0) {
        return hearth_fail(err, HEARTH_EXISTS, "backup %s: the file exists", backup->path);
    }
    if (unlink(backup->partial) != 0 && errno != ENOENT) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "backup: remove %s", backup->partial);
    }
    CLOSES_FD int fd = open(backup->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "backup: create %s", backup->partial);
    }
    if (sqlite3_open_v2(backup->partial, &backup->to, flags, NULL) != SQLITE_OK ||
        sqlite3_exec(backup->to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL,
            NULL) != SQLITE_OK) {
        return fail(backup, "open", err);
    }
    return HEARTH_OK;
}

enum hearth_code meta_backup_create(
    const char *path, struct meta_backup **out, struct hearth_err *err)
{
    struct meta_backup *backup = calloc(1, sizeof(*backup));
    if (backup == NULL || (backup->path = strdup(path)) == NULL ||
        asprintf(&backup->partial, "%s.tmp", path) < 0) {
        hearth_fail(err, HEARTH_NO_MEMORY, "backup %s", path);
        goto undo_alloc;
    }
    if (open_partial(backup, err) != HEARTH_OK) {
        goto undo_alloc;
    }
    *out = backup;
    return HEARTH_OK;

undo_alloc:
    meta_backup_destroy(backup);
    return err->code;
}

bool meta_backup_step(struct meta_backup *backup, struct meta_connection *writer)
{
    if (backup->copy == NULL) {
        backup->copy = sqlite3_backup_init(backup->to, "main", writer->db, "main");
        backup->result = backup->copy == NULL ? SQLITE_ERROR : SQLITE_OK;
    }
    if (backup->result == SQLITE_OK) {
        backup->result = sqlite3_backup_step(backup->copy, STEP_PAGES);
    }
    if (backup->result == SQLITE_OK) {
        return false;
    }
    sqlite3_backup_finish(backup->copy);
    backup->copy = NULL;
    return true;
}

/* The copy says of itself that it is one, and how far it knows: who opens it goes on with the clock
 * before he can ask.  And it is a plain file, without a WAL beside it. */
static enum hearth_code mark(struct meta_backup *backup, struct hearth_err *err)
{
    static const char text[] =
        "PRAGMA journal_mode = DELETE;"
        "UPDATE cluster_state SET is_backup = 1, " META_BACKUP_MS_NOW " WHERE one = 1";
    sqlite3_close(backup->to);
    backup->to = NULL;
    if (sqlite3_open_v2(backup->partial, &backup->to, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(backup->to, text, NULL, NULL, NULL) != SQLITE_OK) {
        return fail(backup, "mark", err);
    }
    sqlite3_close(backup->to);
    backup->to = NULL;
    return HEARTH_OK;
}

static enum hearth_code sync_path(const char *path, int flags, struct hearth_err *err)
{
    CLOSES_FD int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "backup: sync %s", path);
    }
    return HEARTH_OK;
}

static enum hearth_code sync_directory_of(const char *path, struct hearth_err *err)
{
    FREES char *directory = strdup(path);
    if (directory == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "backup %s", path);
    }
    char *slash = strrchr(directory, '/');
    if (slash == NULL) {
        return sync_path(".", O_RDONLY | O_DIRECTORY, err);
    }
    slash[slash == directory ? 1 : 0] = '\0';
    return sync_path(directory, O_RDONLY | O_DIRECTORY, err);
}

enum hearth_code meta_backup_finish(struct meta_backup *backup, struct hearth_err *err)
{
    assert(backup->copy == NULL);
    if (backup->result != SQLITE_DONE) {
        return hearth_fail(
            err, HEARTH_IO, "backup %s: copy: %s", backup->path, sqlite3_errstr(backup->result));
    }
    if (mark(backup, err) != HEARTH_OK || sync_path(backup->partial, O_RDWR, err) != HEARTH_OK) {
        return err->code;
    }
    if (link(backup->partial, backup->path) != 0) { /* unlike rename, replaces nothing */
        return hearth_fail_sys(err, errno == EEXIST ? HEARTH_EXISTS : HEARTH_IO, errno,
            "backup: name %s", backup->path);
    }
    return sync_directory_of(backup->path, err);
}

void meta_backup_destroy(struct meta_backup *backup)
{
    if (backup == NULL) {
        return;
    }
    assert(backup->copy == NULL);
    sqlite3_close(backup->to);
    if (backup->partial != NULL) {
        unlink(backup->partial);
    }
    free(backup->partial);
    free(backup->path);
    free(backup);
}

/* ---- a copy that is to be used ---- */

static int take_text(void *context, int count, char **values, char **names)
{
    (void)names;
    snprintf(context, TEXT_SIZE, "%s", count > 0 && values[0] != NULL ? values[0] : "");
    return 0;
}

/* The first column of the last row; "": none, or it cannot be read. */
static bool ask(sqlite3 *db, const char *question, char answer[TEXT_SIZE])
{
    answer[0] = '\0';
    return sqlite3_exec(db, question, take_text, answer, NULL) == SQLITE_OK;
}

static enum hearth_code check_whole(sqlite3 *db, const char *path, struct hearth_err *err)
{
    char answer[TEXT_SIZE];
    if (!ask(db, "PRAGMA integrity_check(1)", answer) || strcmp(answer, "ok") != 0) {
        return hearth_fail(err, HEARTH_CHECKSUM, "%s was cut short or is damaged: %s", path,
            answer[0] != '\0' ? answer : sqlite3_errmsg(db));
    }
    if (!ask(db, "SELECT MAX(version) FROM schema_version", answer) || answer[0] == '\0') {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "%s is no metadata of a cluster", path);
    }
    return meta_schema_check((unsigned)strtoul(answer, NULL, 10), err) == HEARTH_OK
        ? HEARTH_OK
        : hearth_err_prefix(err, "%s", path);
}

static enum hearth_code check_cluster(
    sqlite3 *db, const char *path, const uint8_t cluster[META_ID_SIZE], struct hearth_err *err)
{
    char answer[TEXT_SIZE];
    char expected[2 * META_ID_SIZE + 1];
    hex_encode(cluster, META_ID_SIZE, expected);
    return ask(db, "SELECT lower(hex(cluster)) FROM cluster_state", answer) &&
            strcmp(answer, expected) == 0
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_CONFLICT, "%s is of cluster %s, the keys here of %s", path,
              answer, expected);
}

/* 0: there is none, or it cannot be read. */
static uint64_t ask_number(sqlite3 *db, const char *question)
{
    char answer[TEXT_SIZE];
    return ask(db, question, answer) ? strtoull(answer, NULL, 10) : 0;
}

static void take_facts(sqlite3 *db, uint64_t epoch, struct meta_backup_facts *out)
{
    const uint64_t known = ask_number(db, "SELECT recovery_epoch FROM cluster_state");
    *out = (struct meta_backup_facts){
        .recovery_epoch = (known > epoch ? known : epoch) + 1,
        .clock_ms = ask_number(db, "SELECT clock_ms FROM cluster_state"),
        .versions = ask_number(db, "SELECT COUNT(*) FROM object_version"),
        .was_marked = ask_number(db, "SELECT is_backup FROM cluster_state") != 0,
    };
}

/* The first that opens it raises the epoch by one. */
static enum hearth_code mark_adopted(
    sqlite3 *db, const char *path, uint64_t epoch, struct hearth_err *err)
{
    char text[TEXT_SIZE];
    snprintf(text, sizeof(text),
        "PRAGMA journal_mode = DELETE; UPDATE cluster_state SET is_backup = 1, " META_BACKUP_MS_NOW
        ", recovery_epoch = %" PRIu64 " WHERE one = 1",
        epoch);
    return sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_IO, "mark %s: %s", path, sqlite3_errmsg(db));
}

enum hearth_code meta_backup_adopt(const char *path, const uint8_t cluster[META_ID_SIZE],
    uint64_t epoch, struct meta_backup_facts *out, struct hearth_err *err)
{
    sqlite3 *db = NULL;
    struct meta_backup_facts facts;
    enum hearth_code code = HEARTH_OK;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) {
        code = hearth_fail(err, HEARTH_IO, "open %s: %s", path, sqlite3_errmsg(db));
    }
    if (code == HEARTH_OK) {
        code = check_whole(db, path, err);
    }
    if (code == HEARTH_OK) {
        code = check_cluster(db, path, cluster, err);
    }
    if (code == HEARTH_OK) {
        take_facts(db, epoch, &facts);
        code = mark_adopted(db, path, facts.recovery_epoch - 1, err);
    }
    sqlite3_close(db);
    if (code == HEARTH_OK) {
        code = sync_path(path, O_RDWR, err);
    }
    if (code == HEARTH_OK) {
        *out = facts;
    }
    return code;
}

uint64_t meta_backup_epoch(const char *path)
{
    sqlite3 *db = NULL;
    uint64_t epoch = 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
        epoch = ask_number(db, "SELECT recovery_epoch FROM cluster_state");
    }
    sqlite3_close(db);
    return epoch;
}

enum hearth_code meta_backup_settle(const char *path, struct hearth_err *err)
{
    sqlite3 *db = NULL;
    enum hearth_code code = HEARTH_OK;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
        sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL) != SQLITE_OK) {
        code = hearth_fail(err, HEARTH_CHECKSUM, "%s: %s", path, sqlite3_errmsg(db));
    }
    sqlite3_close(db);
    return code;
}
