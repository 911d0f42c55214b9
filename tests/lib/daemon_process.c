#include "tests/lib/daemon_process.h"

#include "common/file.h"
#include "tests/lib/test.h"

#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ; /* POSIX leaves its declaration to us */

static void write_settings(struct daemon_world *world, const char *path)
{
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    config_print(&storaged_settings_table, &world->settings, CONFIG_ALL, memory);
    fclose(memory);
    assert_ok(file_write_atomically(path, view_of(text, size), 0644, &world->err), &world->err);
    free(text);
}

pid_t daemon_process_start(struct daemon_world *world, const char *path)
{
    const char *settings = daemon_world_path(world, SETTINGS_FILE);
    char *argv[] = {
        (char *)(uintptr_t)path, (char[]){"--config"}, (char *)(uintptr_t)settings, NULL};
    pid_t pid;
    write_settings(world, settings);
    assert_int_equal(posix_spawn(&pid, path, NULL, NULL, argv, environ), 0);
    daemon_world_wait_until_ready(world);
    return pid;
}

void daemon_process_stop(pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}
