/*
 * One read of a database that another process may have open: no lock, no writer.
 */
#include "coordinator/meta/meta_peek.h"

#include "coordinator/meta/meta_connection.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static enum hearth_code read_once(struct meta_connection *connection, struct env *env, meta_fn *fn,
    void *arg, struct hearth_err *err)
{
    struct hearth_err ignored;
    struct meta_tx tx = {.connection = connection, .now_ms = env_unix_ms(env), .env = env};
    enum hearth_code code = meta_connection_control(connection, CONTROL_BEGIN_READ, err);
    if (code == HEARTH_OK) {
        code = meta_connection_call(connection, &tx, fn, arg, err);
        meta_connection_control(connection, CONTROL_ROLLBACK, &ignored);
    }
    return code;
}

enum hearth_code meta_peek(
    const char *directory, struct env *env, meta_fn *fn, void *arg, struct hearth_err *err)
{
    char path[PATH_MAX];
    struct meta_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "metadata: connection");
    }
    snprintf(path, sizeof(path), "%s/meta.db", directory);
    enum hearth_code code = access(path, F_OK) == 0
        ? meta_connection_open(connection, path, META_CONNECTION_READER, env, err)
        : hearth_fail(err, HEARTH_NOT_FOUND, "metadata: there is no %s", path);
    if (code == HEARTH_OK) {
        code = read_once(connection, env, fn, arg, err);
        meta_connection_close(connection);
    }
    free(connection);
    return code;
}
