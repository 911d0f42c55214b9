/*
 * log.h - what a process says while it runs: one line an event, key=value, on standard error.
 *
 *   2026-11-23T19:06:23.123Z warn node.offline node=4 last_seen_s=93
 *
 * Only edges log: request handlers, background jobs, main.  Libraries return errors instead.
 * The events of a process are declared once, in log_events.h.  Never log contents, keys or
 * credentials.
 *
 * Thread-safety: any thread; a line is written whole.
 */
#ifndef HEARTH_COMMON_LOG_H
#define HEARTH_COMMON_LOG_H

#include "common/log_events.h"

enum log_level {
    LOG_LEVEL_ERROR, /* a person must act */
    LOG_LEVEL_WARN,  /* we are acting */
    LOG_LEVEL_INFO,  /* the state of the system changed */
    LOG_LEVEL_DEBUG, /* one request */
    LOG_LEVEL_TRACE, /* one i/o */
};

/* At start, before threads. Default: info. */
void log_set_level(enum log_level level);

/* `fmt` gives the fields: "shard=%s bytes=%zu". An empty string: none. */
void log_write(enum log_event event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif /* HEARTH_COMMON_LOG_H */
