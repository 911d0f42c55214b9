#include "common/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LOG_LINE_SIZE = 1024 };

static const struct {
    enum log_level level;
    const char *text;
} event_rows[] = {
#define X(name, level, text, reader) [LOG_##name] = {LOG_LEVEL_##level, text},
    LOG_EVENT_TABLE(X)
#undef X
};

static const char *const level_names[] = {"error", "warn", "info", "debug", "trace"};

static atomic_int level_max = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    atomic_store(&level_max, (int)level);
}

/* Clamped to what fitted, so the line always ends in a newline. */
static size_t written(int length, size_t room)
{
    return length < 0 ? 0 : (size_t)length < room ? (size_t)length : room - 1;
}

static size_t write_head(char *line, size_t room, enum log_event event)
{
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
    int length = snprintf(line, room, "%s.%03ldZ %s %s ", stamp, now.tv_nsec / 1000000,
        level_names[event_rows[event].level], event_rows[event].text);
    return written(length, room);
}

void log_write(enum log_event event, const char *fmt, ...)
{
    if ((int)event_rows[event].level > atomic_load(&level_max)) {
        return;
    }
    char line[LOG_LINE_SIZE];
    size_t size = write_head(line, sizeof(line) - 1, event);
    va_list args;
    va_start(args, fmt);
    size += written(
        vsnprintf(line + size, sizeof(line) - 1 - size, fmt, args), sizeof(line) - 1 - size);
    va_end(args);
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)line[i] < ' ') {
            line[i] = ' '; /* a peer's text never starts a line of its own */
        }
    }
    line[size++] = '\n';
    ssize_t put = write(STDERR_FILENO, line, size);
    (void)put; /* nowhere left to say that the log is gone */
}
