/*
 * daemon_process.h - hearth-storaged as a process of its own, in a daemon_world.
 */
#ifndef HEARTH_TESTS_LIB_DAEMON_PROCESS_H
#define HEARTH_TESTS_LIB_DAEMON_PROCESS_H

#include "tests/lib/daemon_world.h"

#include <sys/types.h>

/* Writes the settings of the world (daemon_world_init_files) and starts the program `path`. */
pid_t daemon_process_start(struct daemon_world *world, const char *path);

/* SIGTERM; the test fails unless it ends with exit code 0. */
void daemon_process_stop(pid_t pid);

#endif /* HEARTH_TESTS_LIB_DAEMON_PROCESS_H */
