#include "coordinator/meta/meta_tenant.h"

#include "coordinator/meta/meta_arena.h"
#include "coordinator/meta/meta_inside.h"

#include <assert.h>

/* ---- tenants ---- */

struct tenant_call {
    struct view name;
    struct meta_id id;
    struct arena *arena;
    struct meta_tenant tenant; /* found or made */
};

static bool read_tenant(struct meta_tx *tx, struct sql *sql, struct tenant_call *call)
{
    if (!sql_step(sql)) {
        return false;
    }
    struct meta_tenant *out = &call->tenant;
    sql_id(sql, &out->id);
    out->name = meta_keep(tx, call->arena, sql_blob(sql));
    out->root_key_id = meta_keep(tx, call->arena, sql_blob(sql));
    out->created_ms = sql_u64(sql);
    return true;
}

static bool find_named(struct meta_tx *tx, struct tenant_call *call)
{
    struct sql *find = sql_use(tx, SQL_TENANT_BY_NAME);
    sql_set_blob(find, ":name", call->name);
    return read_tenant(tx, find, call);
}

static void make_tenant(struct meta_tx *tx, struct tenant_call *call)
{
    struct meta_tenant *made = &call->tenant;
    *made = (struct meta_tenant){.created_ms = tx->now_ms};
    made->name = meta_keep(tx, call->arena, call->name);
    env_random(tx->env, made->id.bytes, sizeof(made->id.bytes));
    struct sql *insert = sql_use(tx, SQL_TENANT_INSERT);
    sql_set_id(insert, ":tenant", &made->id);
    sql_set_blob(insert, ":name", made->name);
    sql_set_blob(insert, ":root_key_id", made->root_key_id);
    sql_set_u64(insert, ":now", tx->now_ms);
    sql_run(insert);
}

static enum hearth_code tenant_ensure(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    if (!find_named(tx, arg)) {
        make_tenant(tx, arg);
    }
    return HEARTH_OK;
}

static enum hearth_code tenant_create(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    if (find_named(tx, arg)) {
        return hearth_fail(err, HEARTH_EXISTS, "a tenant is called so already");
    }
    make_tenant(tx, arg);
    return HEARTH_OK;
}

static enum hearth_code run_named(struct meta_store *store, meta_fn *fn, struct view name,
    struct arena *arena, struct meta_tenant *out, struct hearth_err *err)
{
    if (name.size == 0 || name.size > META_NAME_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "tenant name: 1 to %d bytes", META_NAME_MAX);
    }
    struct tenant_call call = {.name = name, .arena = arena};
    enum hearth_code code = meta_run(store, fn, &call, err);
    if (code == HEARTH_OK) {
        *out = call.tenant;
    }
    return code;
}

enum hearth_code meta_tenant_ensure(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err)
{
    return run_named(store, tenant_ensure, name, arena, out, err);
}

enum hearth_code meta_tenant_create(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err)
{
    return run_named(store, tenant_create, name, arena, out, err);
}

static enum hearth_code tenant_named(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct tenant_call *call = arg;
    return find_named(tx, arg)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "no tenant is called \"%.*s\"", VIEW_ARGS(call->name));
}

enum hearth_code meta_tenant_named(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err)
{
    struct tenant_call call = {.name = name, .arena = arena};
    enum hearth_code code = meta_read(store, tenant_named, &call, err);
    if (code == HEARTH_OK) {
        *out = call.tenant;
    }
    return code;
}

static enum hearth_code tenant_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct tenant_call *call = arg;
    struct sql *find = sql_use(tx, SQL_TENANT_BY_ID);
    sql_set_id(find, ":tenant", &call->id);
    return read_tenant(tx, find, call) ? HEARTH_OK
                                       : hearth_fail(err, HEARTH_NOT_FOUND, "no such tenant");
}

enum hearth_code meta_tenant_get(struct meta_store *store, struct meta_id id, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err)
{
    struct tenant_call call = {.id = id, .arena = arena};
    enum hearth_code code = meta_read(store, tenant_get, &call, err);
    if (code == HEARTH_OK) {
        *out = call.tenant;
    }
    return code;
}

/* ---- grants ---- */

static struct view principal_view(const struct meta_principal *principal)
{
    return view_of(principal->bytes, sizeof(principal->bytes));
}

void meta_grant_put_in(struct meta_tx *tx, const struct meta_grant *grant)
{
    tx->changes_access = true;
    struct sql *sql = sql_use(tx, SQL_GRANT_PUT);
    sql_set_blob(sql, ":principal", principal_view(&grant->principal));
    sql_set_id(sql, ":tenant", &grant->tenant);
    sql_set_u64(sql, ":class", grant->class);
    sql_set_u64(sql, ":rights", grant->rights);
    sql_set_u64(sql, ":now", tx->now_ms);
    sql_run(sql);
}

bool meta_grant_get_in(struct meta_tx *tx, struct meta_principal principal, struct meta_grant *out)
{
    struct sql *sql = sql_use(tx, SQL_GRANT_GET);
    sql_set_blob(sql, ":principal", principal_view(&principal));
    if (!sql_step(sql)) {
        return false;
    }
    out->principal = principal;
    out->class = (enum meta_class)sql_u64(sql);
    sql_id(sql, &out->tenant);
    out->rights = sql_u64(sql);
    out->created_ms = sql_u64(sql);
    return true;
}

static enum hearth_code grant_put(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    (void)err;
    meta_grant_put_in(tx, arg);
    return HEARTH_OK;
}

enum hearth_code meta_grant_put(
    struct meta_store *store, const struct meta_grant *grant, struct hearth_err *err)
{
    struct meta_grant copy = *grant;
    return meta_run(store, grant_put, &copy, err);
}

static enum hearth_code grant_get(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    struct meta_grant *grant = arg;
    return meta_grant_get_in(tx, grant->principal, grant)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_NOT_FOUND, "no grant for this certificate");
}

enum hearth_code meta_grant_get(struct meta_store *store, struct meta_principal principal,
    struct meta_grant *out, struct hearth_err *err)
{
    struct meta_grant grant = {.principal = principal};
    enum hearth_code code = meta_read(store, grant_get, &grant, err);
    if (code == HEARTH_OK) {
        *out = grant;
    }
    return code;
}

static enum hearth_code grant_delete(struct meta_tx *tx, void *arg, struct hearth_err *err)
{
    const struct meta_grant *grant = arg;
    tx->changes_access = true;
    struct sql *sql = sql_use(tx, SQL_GRANT_DELETE);
    sql_set_blob(sql, ":principal", principal_view(&grant->principal));
    sql_set_id(sql, ":tenant", &grant->tenant);
    return sql_run(sql) > 0 ? HEARTH_OK
                            : hearth_fail(err, HEARTH_NOT_FOUND, "no grant for this certificate");
}

enum hearth_code meta_grant_delete(struct meta_store *store, struct meta_principal principal,
    struct meta_id tenant, struct hearth_err *err)
{
    struct meta_grant grant = {.principal = principal, .tenant = tenant};
    return meta_run(store, grant_delete, &grant, err);
}
