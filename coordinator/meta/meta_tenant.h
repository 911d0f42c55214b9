/*
 * meta_tenant.h - customers' accounts, and who may act for them.
 *
 * A grant says that a principal (certificate id) acts for a tenant with some rights.  Admins have
 * a grant too, for the zero tenant.
 */
#ifndef HEARTH_COORDINATOR_META_META_TENANT_H
#define HEARTH_COORDINATOR_META_META_TENANT_H

#include "common/arena.h"
#include "coordinator/meta/meta_store.h"

struct meta_tenant {
    struct meta_id id;
    struct view name;
    struct view root_key_id; /* of the root key that first wrapped a bucket key; empty: none yet */
    uint64_t created_ms;
};

/* The tenant of that name, made when it does not exist. Strings of *out live in the arena. */
enum hearth_code meta_tenant_ensure(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err);

/* HEARTH_EXISTS: a tenant of that name is there. */
enum hearth_code meta_tenant_create(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND. */
enum hearth_code meta_tenant_get(struct meta_store *store, struct meta_id id, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err);
enum hearth_code meta_tenant_named(struct meta_store *store, struct view name, struct arena *arena,
    struct meta_tenant *out, struct hearth_err *err);

enum meta_class { META_CLASS_NODE = 1, META_CLASS_CLIENT, META_CLASS_GATEWAY, META_CLASS_ADMIN };

struct meta_grant {
    struct meta_principal principal;
    enum meta_class class; /* the certificate's class */
    struct meta_id tenant; /* zero: none (admins) */
    uint64_t rights;       /* bits, the service's */
    uint64_t created_ms;
};

/* The same principal and tenant again: replaces the rights. */
enum hearth_code meta_grant_put(
    struct meta_store *store, const struct meta_grant *grant, struct hearth_err *err);

/* The principal's first grant. HEARTH_NOT_FOUND: none, or taken back. */
enum hearth_code meta_grant_get(struct meta_store *store, struct meta_principal principal,
    struct meta_grant *out, struct hearth_err *err);

/* HEARTH_NOT_FOUND: was not there. */
enum hearth_code meta_grant_delete(struct meta_store *store, struct meta_principal principal,
    struct meta_id tenant, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_META_META_TENANT_H */
