#include "gateway/access_log.h"

#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

enum {
    LINE_MAX_SIZE = 8192,
    NAME_MAX_SIZE = HEARTH_KEY_MAX, /* of a bucket or key; what is longer is none, and is cut */
};

struct access_log {
    char *path; /* NULL: nothing is written */
    pthread_mutex_t mutex;
    int fd;
};

static enum hearth_code open_file(const char *path, int *out_fd, struct hearth_err *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open the access log %s", path);
    }
    *out_fd = fd;
    return HEARTH_OK;
}

enum hearth_code access_log_open(const char *path, struct access_log **out, struct hearth_err *err)
{
    struct access_log *log = calloc(1, sizeof(*log));
    if (log == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open the access log");
    }
    log->fd = -1;
    pthread_mutex_init(&log->mutex, NULL);
    if (path[0] != '\0') {
        log->path = strdup(path);
        if (log->path == NULL || open_file(path, &log->fd, err) != HEARTH_OK) {
            access_log_close(log);
            return err->code;
        }
    }
    *out = log;
    return HEARTH_OK;
}

void access_log_close(struct access_log *log)
{
    if (log == NULL) {
        return;
    }
    if (log->fd >= 0) {
        close(log->fd);
    }
    pthread_mutex_destroy(&log->mutex);
    free(log->path);
    free(log);
}

enum hearth_code access_log_reopen(struct access_log *log, struct hearth_err *err)
{
    int fd = -1;
    if (log->path == NULL) {
        return HEARTH_OK;
    }
    if (open_file(log->path, &fd, err) != HEARTH_OK) {
        return err->code;
    }
    UNLOCKS pthread_mutex_t *held = lock(&log->mutex);
    close(log->fd);
    log->fd = fd;
    return HEARTH_OK;
}

/* ---- a line ---- */

struct line {
    char text[LINE_MAX_SIZE];
    size_t used;
};

static void add(struct line *line, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *fmt, ...)
{
    va_list arguments;
    size_t room = sizeof(line->text) - line->used;
    va_start(arguments, fmt);
    int length = vsnprintf(line->text + line->used, room, fmt, arguments);
    va_end(arguments);
    line->used += (size_t)length < room ? (size_t)length : room - 1;
}

/* Whatever could end the field or the line is encoded. */
static void add_encoded(struct line *line, const char *name, struct view value)
{
    static const char digits[] = "0123456789ABCDEF";
    enum { ENCODED_SIZE = 3 };
    size_t size = value.size < NAME_MAX_SIZE ? value.size : NAME_MAX_SIZE;
    add(line, " %s=%s", name, value.size == 0 ? "-" : "");
    for (size_t i = 0; i < size && line->used + ENCODED_SIZE < sizeof(line->text); i++) {
        uint8_t byte = value.bytes[i];
        bool is_plain = byte > 0x20 && byte < 0x7f && byte != '%' && byte != '"';
        line->text[line->used++] = is_plain ? (char)byte : '%';
        if (!is_plain) {
            line->text[line->used++] = digits[byte >> 4];
            line->text[line->used++] = digits[byte & 15];
        }
    }
}

static void add_time(struct line *line, uint64_t unix_ms)
{
    const time_t seconds = (time_t)(unix_ms / 1000);
    struct tm at = {0};
    char text[32];
    gmtime_r(&seconds, &at);
    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &at);
    add(line, "%s.%03uZ", text, (unsigned)(unix_ms % 1000));
}

static const char *or_dash(const char *text)
{
    return text == NULL ? "-" : text;
}

void access_log_write(struct access_log *log, const struct access_line *line)
{
    const struct request *request = line->request;
    struct line out; /* 8 KiB that need not be cleared for each request */
    out.used = 0;
    if (log->path == NULL) {
        return;
    }
    add_time(&out, line->now_unix_ms);
    add(&out, " req=%s peer=%s tenant=%s operation=%s", request->id, request->head->peer,
        or_dash(line->tenant), or_dash(line->operation));
    add_encoded(&out, "bucket", view_text(request->bucket == NULL ? "" : request->bucket));
    add_encoded(&out, "key", request->key);
    add(&out, " status=%u error=%s received=%" PRIu64 " sent=%" PRIu64 " ms=%" PRIu64 ".%" PRIu64,
        line->status, or_dash(line->error), line->received, line->sent, line->duration_us / 1000,
        line->duration_us / 100 % 10);
    out.text[out.used++] = '\n';
    UNLOCKS pthread_mutex_t *held = lock(&log->mutex);
    if (write(log->fd, out.text, out.used) < 0) {
        return; /* a full disk must not end requests */
    }
}
