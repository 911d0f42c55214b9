/*
 * tenants.h - the tenants that this gateway serves: a folder of each, an opened libhearth of each.
 *
 *   TENANTS/ann/hearth.conf, keys, certificate, root key      made by `hearth-gateway join`
 *
 * A tenant whose folder does not open is left out, and said so: the others are served.
 *
 * Thread-safety: any thread, after tenants_open(); a hearth that was given out lives until
 * tenants_close().
 */
#ifndef HEARTH_GATEWAY_TENANTS_H
#define HEARTH_GATEWAY_TENANTS_H

#include "client/hearth.h"

enum { TENANTS_MAX = 256 };

struct tenants;

struct tenants_options {
    const char *folder;
    uint64_t memory_max;          /* of all transfers */
    uint64_t tenant_memory_max;   /* of a tenant's */
    uint64_t transfer_memory_max; /* of one */
};

/* The folder may be missing: then nobody is served yet. */
enum hearth_code tenants_open(
    const struct tenants_options *options, struct tenants **out, struct hearth_err *err);

/* No call may be running. Accepts NULL. */
void tenants_close(struct tenants *tenants);

/* Opens what has joined since; who is open stays open. */
void tenants_reload(struct tenants *tenants);

/* All there are now, at most `max`; how many. `context` is a struct tenants. */
unsigned tenants_all(void *context, struct hearth **out, unsigned max);

/* Its name; static as long as it is open.  NULL: it is none of ours. */
const char *tenants_name(struct tenants *tenants, const struct hearth *hearth);

/* Makes the tenant whose invitation it is a folder.  *out_name is to be freed. */
enum hearth_code tenants_join(const char *folder, const char *invite, const char *root_key_path,
    char **out_name, struct hearth_err *err);

#endif /* HEARTH_GATEWAY_TENANTS_H */
