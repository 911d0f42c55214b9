#include "tools/admin_wait.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { POLL_MS = 200 };

void admin_wait_show(const char *fmt, ...)
{
    if (!isatty(STDERR_FILENO)) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    fputs("\r", stderr);
    vfprintf(stderr, fmt, args);
    fputs("\033[K", stderr);
    va_end(args);
}

void admin_wait_end(void)
{
    admin_wait_show("%s", "");
}

enum hearth_code admin_wait(struct admin *admin, const char *goes_on, struct hearth_err *err)
{
    if (atomic_load(admin_cancel(admin))) {
        return hearth_fail(err, HEARTH_CANCELLED, "interrupted; %s", goes_on);
    }
    nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000}, NULL);
    arena_fini(admin_arena(admin));
    return HEARTH_OK;
}
