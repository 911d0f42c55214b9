/*
 * format.h - numbers, times and names as people read them.
 *
 * Each writes into the caller's array and returns it, so that it can stand in a printf.
 */
#ifndef HEARTH_TOOLS_FORMAT_H
#define HEARTH_TOOLS_FORMAT_H

#include "common/view.h"

enum {
    FORMAT_BYTES_SIZE = 16,
    FORMAT_DURATION_SIZE = 24,
    FORMAT_TIME_SIZE = 32,
    FORMAT_NAME_SIZE = 4 * 1024 + 1, /* a key of nothing but control characters */
};

/* "512 B", "1.5 KiB", "23 GiB": three digits, powers of 1,024. */
char *format_bytes(uint64_t bytes, char text[FORMAT_BYTES_SIZE]);

/* "800 kbit/s", "10 Mbit/s", "1.5 Gbit/s": of a line, as they are sold. */
char *format_bits(uint64_t bits, char text[FORMAT_BYTES_SIZE]);

/* "0.4 s", "12 s", "3 min 05 s", "7 h 20 min", "4 d 3 h". */
char *format_duration(uint64_t ms, char text[FORMAT_DURATION_SIZE]);

/* "s" behind a word for all counts but 1. */
const char *format_plural(uint64_t count);

/* "2026-11-23 19:06:23", local time, as `aws s3 ls` prints it. */
char *format_time(uint64_t unix_ms, char text[FORMAT_TIME_SIZE]);

/* "2026-11-23T19:06:23Z", for programs. */
char *format_time_utc(uint64_t unix_ms, char text[FORMAT_TIME_SIZE]);

/*
 * A key or file name that can be printed: control characters become \xNN, so that a name can
 * neither break a line in two nor steer a terminal.  What does not fit is cut.
 */
char *format_name(struct view name, char text[FORMAT_NAME_SIZE]);

#endif /* HEARTH_TOOLS_FORMAT_H */
