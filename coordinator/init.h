/*
 * init.h - a new cluster: keys, metadata, configuration, and the first admin's invitation.
 */
#ifndef HEARTH_COORDINATOR_INIT_H
#define HEARTH_COORDINATOR_INIT_H

#include "common/env.h"
#include "common/err.h"
#include "coordinator/settings.h"

#include <stdbool.h>
#include <stdio.h>

/* Words of the command line; NULL where nothing was given. */
struct init_options {
    const char *dir;
    const char *listen;
    const char *enrol;
    const char *advertise; /* host that others dial */
    const char *profile;
    const char *heartbeat;
    bool allow_colocation;
};

/*
 * Makes DIR and what belongs in it; prints the invitation and the recovery kit.
 * HEARTH_EXISTS: a cluster is there, untouched.  HEARTH_INVALID: an option.
 */
enum hearth_code coordinator_init(
    const struct init_options *options, struct env *env, FILE *out, struct hearth_err *err);

/* The defaults with what the command line says instead. Texts live in the arena. */
enum hearth_code init_settings(const struct init_options *options, struct arena *arena,
    struct settings *settings, struct hearth_err *err);

/* All of them, as a configuration file. */
enum hearth_code init_write_settings(
    const char *path, const struct settings *settings, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_INIT_H */
