#include "tools/errand.h"

#include "common/cleanup.h"
#include "tools/format.h"
#include "tools/interrupt.h"

#include <stdio.h>

enum {
    NOTICES_MAX = 256, /* different ones remembered; further ones are said each time */
    LINE_SIZE = 1024,
    ARGUMENT_MAX = 100, /* characters of each argument in an error */
};

/* What the library may hold: one transfer is given enough to keep a wide fleet busy, several share
 * it, none gets less than a stripe of the widest profile needs. */
static const uint64_t memory_all = UINT64_C(136) << 20;
static const uint64_t memory_least = UINT64_C(16) << 20;

struct errand {
    /* Set once. */
    struct hearth *hearth;
    const atomic_bool *cancel;
    struct progress *progress;
    struct rate_limit *rate;
    const char *program;
    const char *config_path;

    struct {
        pthread_mutex_t mutex; /* a leaf */
        unsigned notice_count;
        uint64_t notices[NOTICES_MAX]; /* hashes of what was said already */
    } shared;
};

/* FNV-1a: to tell texts apart, not against anybody. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static bool is_news(struct errand *errand, const char *text)
{
    uint64_t hash = hash_text(text);
    UNLOCKS pthread_mutex_t *held = lock(&errand->shared.mutex);
    for (unsigned i = 0; i < errand->shared.notice_count; i++) {
        if (errand->shared.notices[i] == hash) {
            return false;
        }
    }
    if (errand->shared.notice_count < NOTICES_MAX) {
        errand->shared.notices[errand->shared.notice_count++] = hash;
    }
    return true;
}

/* A dead node would otherwise be announced once for each of a thousand files. */
static void on_notice(void *context, const char *text)
{
    struct errand *errand = context;
    if (is_news(errand, text)) {
        errand_say(errand, "%s", text);
    }
}

static struct hearth_options library_options(
    struct errand *errand, const char *config_path, const struct errand_options *options)
{
    uint64_t transfers = options->transfers == 0 ? 1 : options->transfers;
    uint64_t each = memory_all / transfers;
    each = each < memory_least ? memory_least : each;
    return (struct hearth_options){
        .config_path = config_path,
        .memory_max = each * transfers,
        .transfer_memory_max = each,
        .notice = on_notice,
        .notice_context = errand,
    };
}

static void errand_close(struct errand *errand)
{
    if (errand == NULL) {
        return;
    }
    progress_destroy(errand->progress);
    errand->progress = NULL;
    rate_limit_destroy(errand->rate);
    hearth_close(errand->hearth);
    pthread_mutex_destroy(&errand->shared.mutex);
    free(errand);
}

static enum hearth_code errand_open(const struct program_call *call,
    const struct errand_options *options, struct errand **out, struct hearth_err *err)
{
    assert(options->transfers <= ERRAND_TRANSFERS_MAX);
    struct errand *errand = calloc(1, sizeof(*errand));
    if (errand == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "open %s", call->config_path);
    }
    errand->cancel = interrupt_watch();
    errand->program = call->program->name;
    errand->config_path = call->config_path;
    pthread_mutex_init(&errand->shared.mutex, NULL);
    struct hearth_options library = library_options(errand, call->config_path, options);
    if (hearth_open(&library, &errand->hearth, err) != HEARTH_OK) {
        errand_close(errand);
        return err->code;
    }
    errand->rate = rate_limit_create(env_system(), options->bytes_per_s);
    errand->progress = options->with_progress ? progress_create(env_system()) : NULL;
    *out = errand;
    return HEARTH_OK;
}

/* "cp a.txt s3://b/k: ..."; long arguments are cut, so that the reason is never. */
static void prefix_as_typed(const struct program_call *call, struct hearth_err *err)
{
    char words[HEARTH_ERR_MESSAGE_SIZE / 2];
    size_t length = (size_t)snprintf(words, sizeof(words), "%s", call->verb->name);
    for (int i = 0; i < call->argument_count; i++) {
        char name[FORMAT_NAME_SIZE];
        format_name(view_text(call->arguments[i]), name);
        size_t room = sizeof(words) - length;
        int put = snprintf(words + length, room, strlen(name) > ARGUMENT_MAX ? " %.*s..." : " %.*s",
            ARGUMENT_MAX, name);
        length += (size_t)put < room ? (size_t)put : room - 1;
    }
    hearth_err_prefix(err, "%s", words);
}

enum program_exit errand_run(const struct program_call *call, const struct errand_options *options,
    errand_run_fn *run, struct hearth_err *err)
{
    struct errand *errand = NULL;
    enum hearth_code code = errand_open(call, options, &errand, err);
    if (code == HEARTH_OK) {
        code = run(errand, call, err);
    }
    errand_close(errand);
    if (code != HEARTH_OK) {
        prefix_as_typed(call, err);
    }
    return program_result(code);
}

struct hearth *errand_hearth(const struct errand *errand)
{
    return errand->hearth;
}

const atomic_bool *errand_cancel(const struct errand *errand)
{
    return errand->cancel;
}

struct progress *errand_progress(const struct errand *errand)
{
    return errand->progress;
}

const char *errand_config(const struct errand *errand)
{
    return errand->config_path;
}

struct rate_limit *errand_rate(const struct errand *errand)
{
    return errand->rate;
}

enum hearth_code errand_check(const struct errand *errand, struct hearth_err *err)
{
    if (atomic_load(errand->cancel)) {
        return hearth_fail(err, HEARTH_CANCELLED, "interrupted");
    }
    return HEARTH_OK;
}

void errand_say(struct errand *errand, const char *fmt, ...)
{
    char line[LINE_SIZE];
    size_t length = (size_t)snprintf(line, sizeof(line), "%s: ", errand->program);
    va_list args;
    va_start(args, fmt);
    vsnprintf(line + length, sizeof(line) - length, fmt, args);
    va_end(args);
    progress_line(errand->progress, line);
}
