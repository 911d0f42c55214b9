/*
 * history.c - `hearth-history run`: many threads put, create, get, head, list and delete a few
 * keys, and write down when each call began, when it ended and what it saw.  linearize.py judges
 * the result.
 *
 *   hearth-history run --config FILE --history FILE --process N --bucket B [--seed N]
 *                      [--threads T] [--keys K] [--pause MS]
 *   hearth-history read ...                           each key once
 *
 * Two lines for a call, appended to the log as it happens, so that a killed process leaves calls
 * without an end:
 *
 *   TIME PROCESS.THREAD NUMBER invoke put|create|get|head|list|delete [KEY] [ETAG]
 *   TIME PROCESS.THREAD NUMBER ok|fail|unknown ...
 *
 *   ok put, create     -            ok create   "refused" when there was something
 *   ok get, head       ETAG|none    ok list     KEY=ETAG ...
 *   ok delete          existed|absent
 *
 * Each put has content of its own, so an ETag says which.  "wrong" in place of ok: a get whose
 * bytes are not those of its ETag.  Times are those of CLOCK_MONOTONIC, the same for all processes.
 */
#include "client/client_config.h"
#include "client/hearth.h"
#include "common/cleanup.h"
#include "common/codec.h"
#include "common/crypto.h"
#include "common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { THREADS_MAX = 32, KEY_TEXT_SIZE = 24, LINE_SIZE = 64 * 1024, PUT_SIZE_MAX = 300 * 1000 };

struct options {
    const char *history;
    const char *bucket;
    const char *process;
    const char *seed;
    const char *threads;
    const char *keys;
    const char *pause;
};

struct driver {
    struct hearth *hearth;
    const char *bucket;
    int log_fd;
    uint64_t process;
    uint64_t seed;
    uint64_t keys;
    uint64_t pause_ms; /* between two calls of a thread, at most */
    atomic_bool ending;
};

struct worker {
    struct driver *driver;
    pthread_t thread;
    unsigned number;
    uint64_t chance;
    uint64_t calls;
    char line[LINE_SIZE];
};

/* ---- chance and content ---- */

/* splitmix64: small, and the same everywhere for one seed. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* What one put writes: drawn from a seed that no other put has. */
struct content {
    uint64_t chance;
    uint64_t word;
    unsigned word_bytes; /* of it not used yet */
    size_t left;
};

static size_t draw_size(uint64_t *chance)
{
    uint64_t kind = draw(chance) % 10;
    uint64_t most = kind < 6 ? 4000 : kind < 9 ? 70 * 1000 : PUT_SIZE_MAX;
    return 16 + (size_t)(draw(chance) % (most - 16));
}

static enum hearth_code read_content(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    (void)err;
    struct content *content = context;
    uint8_t *to = bytes;
    size_t take = size < content->left ? size : content->left;
    for (size_t i = 0; i < take; i++) {
        if (content->word_bytes == 0) {
            content->word = draw(&content->chance);
            content->word_bytes = sizeof(content->word);
        }
        to[i] = (uint8_t)content->word;
        content->word >>= 8;
        content->word_bytes--;
    }
    content->left -= take;
    *out_got = take;
    return HEARTH_OK;
}

static void hex_of(struct crypto_hash *hash, char etag[HEARTH_ETAG_TEXT_SIZE])
{
    uint8_t digest[CRYPTO_MD5_SIZE];
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
    hex_encode(digest, sizeof(digest), etag);
}

static void etag_of(struct content content, char etag[HEARTH_ETAG_TEXT_SIZE])
{
    uint8_t bytes[4096];
    size_t got;
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_MD5);
    assert(hash != NULL);
    do {
        read_content(&content, bytes, sizeof(bytes), &got, NULL);
        crypto_hash_update(hash, view_of(bytes, got));
    } while (got > 0);
    hex_of(hash, etag);
}

/* ---- the log ---- */

static void append(struct worker *worker, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* One write a line: whole or not at all, whatever happens to us. */
static void append(struct worker *worker, const char *fmt, ...)
{
    struct timespec now;
    va_list args;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int size = snprintf(worker->line, LINE_SIZE, "%" PRId64 " %" PRIu64 ".%u %" PRIu64 " ",
        (int64_t)now.tv_sec * 1000000000 + now.tv_nsec, worker->driver->process, worker->number,
        worker->calls);
    va_start(args, fmt);
    size += vsnprintf(worker->line + size, LINE_SIZE - (size_t)size - 1, fmt, args);
    va_end(args);
    assert(size < LINE_SIZE - 1);
    worker->line[size++] = '\n';
    ssize_t written = write(worker->driver->log_fd, worker->line, (size_t)size);
    assert(written == size);
}

/* What a call that did not work means for the history. */
static void append_failure(struct worker *worker, const struct hearth_err *err)
{
    bool unknown = hearth_code_reaction(err->code) == HEARTH_REACT_RESOLVE;
    append(worker, "%s %s %s", unknown ? "unknown" : "fail", hearth_code_name(err->code),
        err->message);
}

/* ---- calls ---- */

struct key {
    char text[KEY_TEXT_SIZE];
    struct view view;
};

static void key_of(uint64_t number, struct key *out)
{
    snprintf(out->text, sizeof(out->text), "k%" PRIu64, number);
    out->view = view_text(out->text);
}

static void call_put(struct worker *worker, const struct key *key, bool create)
{
    struct content content = {.chance = draw(&worker->chance), .left = draw_size(&worker->chance)};
    struct hearth_source source = {.read = read_content, .context = &content};
    struct hearth_put_options options = {.precondition.must_not_exist = create};
    char etag[HEARTH_ETAG_TEXT_SIZE];
    struct hearth_err err;
    etag_of(content, etag);
    append(worker, "invoke %s %s %s", create ? "create" : "put", key->text, etag);
    enum hearth_code code = hearth_put(
        worker->driver->hearth, worker->driver->bucket, key->view, &source, &options, NULL, &err);
    if (code == HEARTH_OK) {
        append(worker, "ok");
    } else if (code == HEARTH_PRECONDITION) {
        append(worker, "ok refused");
    } else {
        append_failure(worker, &err);
    }
}

struct got {
    struct crypto_hash *hash;
    char etag[HEARTH_ETAG_TEXT_SIZE];
};

static enum hearth_code note_start(void *context, const struct hearth_object *object,
    uint64_t offset, uint64_t length, struct hearth_err *err)
{
    (void)offset, (void)length, (void)err;
    struct got *got = context;
    memcpy(got->etag, object->etag, sizeof(got->etag));
    return HEARTH_OK;
}

static enum hearth_code note_bytes(void *context, struct view bytes, struct hearth_err *err)
{
    (void)err;
    struct got *got = context;
    crypto_hash_update(got->hash, bytes);
    return HEARTH_OK;
}

static void call_get(struct worker *worker, const struct key *key)
{
    struct got got = {.hash = crypto_hash_create(CRYPTO_MD5)};
    const struct hearth_sink sink = {.start = note_start, .write = note_bytes, .context = &got};
    const struct hearth_get_options options = {0};
    char read[HEARTH_ETAG_TEXT_SIZE];
    struct hearth_err err;
    assert(got.hash != NULL);
    append(worker, "invoke get %s", key->text);
    enum hearth_code code = hearth_get(
        worker->driver->hearth, worker->driver->bucket, key->view, &sink, &options, &err);
    hex_of(got.hash, read);
    if (code == HEARTH_NOT_FOUND) {
        append(worker, "ok none");
    } else if (code != HEARTH_OK) {
        append_failure(worker, &err);
    } else if (strcmp(read, got.etag) != 0) {
        append(worker, "wrong %s %s", read, got.etag);
    } else {
        append(worker, "ok %s", read);
    }
}

static void call_head(struct worker *worker, const struct key *key)
{
    struct hearth_stat *stat;
    struct hearth_err err;
    append(worker, "invoke head %s", key->text);
    enum hearth_code code =
        hearth_stat(worker->driver->hearth, worker->driver->bucket, key->view, false, &stat, &err);
    if (code == HEARTH_OK) {
        append(worker, "ok %s", stat->object.etag);
        hearth_stat_destroy(stat);
    } else if (code == HEARTH_NOT_FOUND) {
        append(worker, "ok none");
    } else {
        append_failure(worker, &err);
    }
}

/* All keys fit a page: it is one state of the bucket. */
static void call_list(struct worker *worker)
{
    const struct hearth_list_options options = {.bucket = worker->driver->bucket};
    struct hearth_page *page;
    struct hearth_err err;
    append(worker, "invoke list");
    if (hearth_list(worker->driver->hearth, &options, &page, &err) != HEARTH_OK) {
        append_failure(worker, &err);
        return;
    }
    size_t size = page->count * (KEY_TEXT_SIZE + HEARTH_ETAG_TEXT_SIZE + 2) + 1;
    FREES char *text = calloc(size, 1);
    assert(text != NULL && page->next_token.size == 0);
    size_t used = 0;
    for (unsigned i = 0; i < page->count; i++) {
        used += (size_t)snprintf(text + used, size - used, " %.*s=%s",
            VIEW_ARGS(page->objects[i].key), page->objects[i].etag);
    }
    append(worker, "ok%s", text);
    hearth_page_destroy(page);
}

static void call_delete(struct worker *worker, const struct key *key)
{
    bool existed;
    struct hearth_err err;
    append(worker, "invoke delete %s", key->text);
    if (hearth_delete(worker->driver->hearth, worker->driver->bucket, key->view, NULL, &existed,
            &err) == HEARTH_OK) {
        append(worker, "ok %s", existed ? "existed" : "absent");
    } else {
        append_failure(worker, &err);
    }
}

static void call_any(struct worker *worker)
{
    struct key key;
    key_of(draw(&worker->chance) % worker->driver->keys, &key);
    uint64_t kind = draw(&worker->chance) % 100;
    if (kind < 35) {
        call_put(worker, &key, false);
    } else if (kind < 40) {
        call_put(worker, &key, true);
    } else if (kind < 70) {
        call_get(worker, &key);
    } else if (kind < 82) {
        call_head(worker, &key);
    } else if (kind < 85) {
        call_list(worker);
    } else {
        call_delete(worker, &key);
    }
}

/* ---- threads ---- */

static void pause_a_while(struct worker *worker)
{
    uint64_t most_ns = worker->driver->pause_ms * 1000000;
    if (most_ns > 0) {
        struct timespec pause = {.tv_nsec = (long)(draw(&worker->chance) % most_ns)};
        nanosleep(&pause, NULL);
    }
}

static void *work(void *context)
{
    struct worker *worker = context;
    for (; !atomic_load(&worker->driver->ending); worker->calls++) {
        call_any(worker);
        pause_a_while(worker);
    }
    return NULL;
}

/* The end of standard input is the end. */
static void *wait_for_end(void *context)
{
    struct driver *driver = context;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    atomic_store(&driver->ending, true);
    return NULL;
}

static struct worker *worker_create(struct driver *driver, unsigned number)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    assert(worker != NULL);
    worker->driver = driver;
    worker->number = number;
    worker->chance = driver->seed * 1000003 + driver->process * 1009 + number;
    return worker;
}

static void run_all(struct driver *driver, uint64_t threads)
{
    struct worker *workers[THREADS_MAX];
    pthread_t watcher;
    int rc = pthread_create(&watcher, NULL, wait_for_end, driver);
    assert(rc == 0);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = worker_create(driver, i);
        rc = pthread_create(&workers[i]->thread, NULL, work, workers[i]);
        assert(rc == 0);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(workers[i]->thread, NULL);
        free(workers[i]);
    }
    pthread_cancel(watcher);
    pthread_join(watcher, NULL);
}

static void read_all(struct driver *driver)
{
    struct worker *worker = worker_create(driver, 0);
    for (uint64_t i = 0; i < driver->keys; i++, worker->calls++) {
        struct key key;
        key_of(i, &key);
        call_get(worker, &key);
    }
    call_list(worker);
    free(worker);
}

/* ---- the command line ---- */

static enum hearth_code parse_number(
    const char *text, uint64_t preset, uint64_t most, uint64_t *out, struct hearth_err *err)
{
    char *end;
    if (text == NULL) {
        *out = preset;
        return HEARTH_OK;
    }
    *out = strtoull(text, &end, 10);
    return *end == '\0' && *out <= most
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "%s: expected a number up to %" PRIu64, text, most);
}

static enum hearth_code open_driver(const struct program_call *call, struct driver *driver,
    uint64_t *threads, struct hearth_err *err)
{
    const struct options *options = call->options;
    const struct hearth_options hearth_options = {
        .config_path = call->config_path,
        .memory_max = UINT64_C(512) << 20,
        .transfer_memory_max = UINT64_C(16) << 20,
    };
    driver->bucket = options->bucket;
    if (parse_number(options->process, 0, 1 << 20, &driver->process, err) != HEARTH_OK ||
        parse_number(options->seed, 1, UINT32_MAX, &driver->seed, err) != HEARTH_OK ||
        parse_number(options->threads, 4, THREADS_MAX, threads, err) != HEARTH_OK ||
        parse_number(options->keys, 20, 1000, &driver->keys, err) != HEARTH_OK ||
        parse_number(options->pause, 0, 999, &driver->pause_ms, err) != HEARTH_OK) {
        return err->code;
    }
    driver->log_fd = open(options->history, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (driver->log_fd < 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open %s", options->history);
    }
    return hearth_open(&hearth_options, &driver->hearth, err);
}

static enum program_exit run(const struct program_call *call, struct hearth_err *err)
{
    struct driver driver = {.log_fd = -1};
    uint64_t threads;
    enum hearth_code code = open_driver(call, &driver, &threads, err);
    if (code == HEARTH_OK && strcmp(call->verb->name, "read") == 0) {
        read_all(&driver);
    } else if (code == HEARTH_OK) {
        run_all(&driver, threads);
    }
    hearth_close(driver.hearth);
    if (driver.log_fd >= 0) {
        close(driver.log_fd);
    }
    return program_result(code);
}

#define FIELD(name) offsetof(struct options, name)

int main(int argc, char **argv)
{
    static const struct program_option options[] = {
        {"history", 0, "FILE", true, FIELD(history), "where the history goes"},
        {"bucket", 0, "NAME", true, FIELD(bucket), "whose keys it uses"},
        {"process", 0, "N", false, FIELD(process), "who it is in the history"},
        {"seed", 0, "N", false, FIELD(seed), "of chance"},
        {"threads", 0, "N", false, FIELD(threads), "callers at once (4)"},
        {"keys", 0, "N", false, FIELD(keys), "k0 to kN-1 (20)"},
        {"pause", 0, "MS", false, FIELD(pause), "the most between two calls of a thread (0)"},
    };
    static const struct program_verb verbs[] = {
        {
            .name = "run",
            .options = options,
            .option_count = sizeof(options) / sizeof(options[0]),
            .options_size = sizeof(struct options),
            .needs_config = true,
            .help = "calls at random until standard input ends",
            .run = run,
        },
        {
            .name = "read",
            .options = options,
            .option_count = sizeof(options) / sizeof(options[0]),
            .options_size = sizeof(struct options),
            .needs_config = true,
            .help = "gets each key once, then lists",
            .run = run,
        },
    };
    static const struct program program = {
        .name = "hearth-history",
        .purpose = "uses a bucket from many threads and writes down what happened",
        .verbs = verbs,
        .verb_count = sizeof(verbs) / sizeof(verbs[0]),
        .config = &client_config_table,
    };
    return program_main(&program, argc, argv);
}
