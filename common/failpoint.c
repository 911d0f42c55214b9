#include "common/failpoint.h"

#include "common/cleanup.h"
#include "common/view.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

enum action { ACTION_ERROR, ACTION_KILL };

static const struct {
    const char *text;
    const char *step;
} rows[] = {
#define X(name, text, step) [FAILPOINT_##name] = {text, step},
    FAILPOINT_TABLE(X)
#undef X
};

/* Written by failpoint_arm and failpoint_record before there are threads; only the countdown
 * changes afterwards. */
static struct {
    enum failpoint failpoint; /* FAILPOINT_COUNT: none */
    enum action action;
    atomic_long passes_left; /* acts when this reaches 0 */
    const char *record;      /* NULL: nowhere */
} armed = {.failpoint = FAILPOINT_COUNT};

/* One write, which O_APPEND keeps whole among those of other processes. */
static void record(enum failpoint failpoint)
{
    if (armed.record == NULL) {
        return;
    }
    CLOSES_FD int fd = open(armed.record, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    dprintf(fd, "%s\n", rows[failpoint].text);
}

bool failpoint_hit(enum failpoint failpoint)
{
    if (failpoint != armed.failpoint || atomic_fetch_sub(&armed.passes_left, 1) != 1) {
        return false;
    }
    record(failpoint);
    if (armed.action == ACTION_KILL) {
        raise(SIGKILL);
    }
    return true;
}

#ifdef HEARTH_FAILPOINTS

static enum failpoint find_failpoint(struct view text)
{
    for (int i = 0; i < FAILPOINT_COUNT; i++) {
        if (view_equal(text, view_text(rows[i].text))) {
            return (enum failpoint)i;
        }
    }
    return FAILPOINT_COUNT;
}

static bool parse_nth(const char *text, size_t length, long *out)
{
    if (length == 0) {
        *out = 1;
        return true;
    }
    char *end;
    *out = strtol(text + 1, &end, 10); /* past the ':' */
    return text[0] == ':' && end == text + length && *out > 0;
}

enum hearth_code failpoint_arm(const char *spec, struct hearth_err *err)
{
    armed.failpoint = FAILPOINT_COUNT;
    if (spec == NULL) {
        return HEARTH_OK;
    }
    size_t name_length = strcspn(spec, ":=");
    size_t head_length = strcspn(spec, "=");
    const char *action = spec + head_length;
    enum failpoint failpoint = find_failpoint(view_of(spec, name_length));
    bool kill = strcmp(action, "=kill") == 0;
    long nth;
    if (failpoint == FAILPOINT_COUNT || (!kill && strcmp(action, "=error") != 0) ||
        !parse_nth(spec + name_length, head_length - name_length, &nth)) {
        return hearth_fail(err, HEARTH_INVALID,
            "failpoint \"%s\": expected name[:nth]=kill|error, --list-failpoints has the names",
            spec);
    }
    armed.action = kill ? ACTION_KILL : ACTION_ERROR;
    atomic_store(&armed.passes_left, nth);
    armed.failpoint = failpoint;
    return HEARTH_OK;
}

#else

enum hearth_code failpoint_arm(const char *spec, struct hearth_err *err)
{
    return spec == NULL
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "failpoint \"%s\": not in this build", spec);
}

#endif

void failpoint_record(const char *path)
{
    armed.record = path;
}

void failpoint_list(FILE *out)
{
    for (int i = 0; i < FAILPOINT_COUNT; i++) {
        fprintf(out, "%-32s %s\n", rows[i].text, rows[i].step);
    }
}
