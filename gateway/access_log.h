/*
 * access_log.h - one line for each S3 request, for who wants to know later who did what.
 *
 *   2026-11-28T12:00:00.123Z req=... peer=192.0.2.7 tenant=ann operation=GetObject bucket=photos
 *   key=2026/a%20b.jpg status=200 error=- received=0 sent=5000000 ms=12.3
 *
 * Keys of objects are percent-encoded, so that a line is a line.  Signatures, access keys and
 * contents are never written.
 *
 * Thread-safety: any thread; a line is written whole.
 */
#ifndef HEARTH_GATEWAY_ACCESS_LOG_H
#define HEARTH_GATEWAY_ACCESS_LOG_H

#include "gateway/request.h"

struct access_log;

/* "": nothing is written.  The file is appended to, and made with mode 0600. */
enum hearth_code access_log_open(const char *path, struct access_log **out, struct hearth_err *err);
void access_log_close(struct access_log *log); /* accepts NULL */

/* The file may have been renamed: goes on in a new one. */
enum hearth_code access_log_reopen(struct access_log *log, struct hearth_err *err);

struct access_line {
    uint64_t now_unix_ms;
    const struct request *request;
    const char *tenant;    /* NULL: nobody was recognised */
    const char *operation; /* NULL: none was found */
    unsigned status;
    const char *error; /* S3's code; NULL: none */
    uint64_t received;
    uint64_t sent;
    uint64_t duration_us;
};

void access_log_write(struct access_log *log, const struct access_line *line);

#endif /* HEARTH_GATEWAY_ACCESS_LOG_H */
