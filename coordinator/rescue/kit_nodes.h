/*
 * kit_nodes.h - the recovery kit of a cluster that runs, with some nodes and where they are.
 */
#ifndef HEARTH_COORDINATOR_RESCUE_KIT_NODES_H
#define HEARTH_COORDINATOR_RESCUE_KIT_NODES_H

#include "common/env.h"
#include "coordinator/rescue/kit.h"
#include "coordinator/settings.h"

/* Beside a coordinator that may be running. */
enum hearth_code kit_print_with_nodes(
    const struct settings *settings, struct env *env, FILE *out, struct hearth_err *err);

#endif /* HEARTH_COORDINATOR_RESCUE_KIT_NODES_H */
