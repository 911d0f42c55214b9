/* Sessions are declared only for who says that the library was built with them, as Debian's is. */
#define SQLITE_ENABLE_SESSION
#define SQLITE_ENABLE_PREUPDATE_HOOK

#include "coordinator/meta/meta_changes.h"

#include "coordinator/meta/meta_connection.h"

#include <limits.h>
#include <stdlib.h>

enum hearth_code meta_changes_start(
    struct meta_changes *changes, struct meta_connection *writer, struct hearth_err *err)
{
    meta_changes_stop(changes);
    if (sqlite3session_create(writer->db, "main", &changes->session) != SQLITE_OK ||
        sqlite3session_attach(changes->session, NULL) != SQLITE_OK) {
        meta_changes_stop(changes);
        return meta_connection_fail(writer, "gather changes", err);
    }
    return HEARTH_OK;
}

void meta_changes_watch(struct meta_changes *changes)
{
    if (changes->session != NULL &&
        sqlite3session_memory_used(changes->session) > META_CHANGES_BYTES_MAX) {
        meta_changes_stop(changes);
    }
}

/* Patches hold no old values: that each follows on the one before is for their numbers to say. */
static enum hearth_code copy_patches(struct meta_changes *changes, struct meta_connection *writer,
    uint8_t **bytes, size_t *size, struct hearth_err *err)
{
    int count = 0;
    void *patches = NULL;
    if (sqlite3session_patchset(changes->session, &count, &patches) != SQLITE_OK) {
        return meta_connection_fail(writer, "cut changes", err);
    }
    *size = (size_t)count;
    *bytes = malloc(*size + 1);
    if (*bytes != NULL) {
        memcpy(*bytes, count > 0 ? patches : "", *size);
    }
    sqlite3_free(patches);
    return *bytes != NULL ? HEARTH_OK
                          : hearth_fail(err, HEARTH_NO_MEMORY, "changes: %d bytes", count);
}

enum hearth_code meta_changes_cut(struct meta_changes *changes, struct meta_connection *writer,
    uint8_t **bytes, size_t *size, struct hearth_err *err)
{
    if (changes->session == NULL) {
        return hearth_fail(err, HEARTH_NOT_READY, "changes were not gathered: a copy comes first");
    }
    if (copy_patches(changes, writer, bytes, size, err) != HEARTH_OK) {
        meta_changes_stop(changes);
        return err->code;
    }
    if (meta_changes_start(changes, writer, err) != HEARTH_OK) {
        free(*bytes);
        return err->code;
    }
    return HEARTH_OK;
}

void meta_changes_stop(struct meta_changes *changes)
{
    if (changes->session != NULL) {
        sqlite3session_delete(changes->session);
        changes->session = NULL;
    }
}

/* ---- applying ---- */

static int refuse(void *context, int reason, sqlite3_changeset_iter *change)
{
    (void)context;
    (void)reason;
    (void)change;
    return SQLITE_CHANGESET_ABORT;
}

enum hearth_code meta_changes_apply(const char *path, struct view changes, struct hearth_err *err)
{
    sqlite3 *db = NULL;
    int result = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    if (result == SQLITE_OK && changes.size > INT_MAX) {
        result = SQLITE_TOOBIG;
    }
    if (result == SQLITE_OK) {
        result = sqlite3changeset_apply(
            db, (int)changes.size, (void *)(uintptr_t)changes.bytes, NULL, refuse, NULL);
    }
    sqlite3_close(db);
    return result == SQLITE_OK ? HEARTH_OK
                               : hearth_fail(err, HEARTH_CHECKSUM, "apply changes to %s: %s", path,
                                     sqlite3_errstr(result));
}
