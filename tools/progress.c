#include "tools/progress.h"

#include "common/cleanup.h"
#include "tools/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

enum {
    DRAW_INTERVAL_MS = 100, /* faster only costs; slower looks stuck */
    WIDTH_DEFAULT = 80,
    WIDTH_MAX = 160,
    BAR_MAX = 40,
    BAR_MIN = 5, /* a shorter one says nothing */
};

struct progress {
    struct env *env; /* set once */
    struct {
        pthread_mutex_t mutex; /* a leaf: nothing is locked under it */
        struct progress_view view;
        struct progress_rate rate;
        uint64_t drawn_ms;
        bool is_drawn;
    } shared;
};

/* ---- what is drawn ---- */

void progress_rate_note(struct progress_rate *rate, uint64_t now_ms, uint64_t bytes_done)
{
    if (rate->count > 0) {
        uint64_t newest = rate->samples[(rate->count - 1) % PROGRESS_SAMPLES].at_ms;
        if (now_ms - newest < PROGRESS_SAMPLE_MS) {
            return;
        }
    }
    unsigned at = rate->count++ % PROGRESS_SAMPLES;
    rate->samples[at].at_ms = now_ms;
    rate->samples[at].bytes = bytes_done;
}

uint64_t progress_rate_per_s(const struct progress_rate *rate, uint64_t now_ms, uint64_t bytes)
{
    if (rate->count == 0) {
        return 0;
    }
    unsigned oldest = rate->count > PROGRESS_SAMPLES ? rate->count % PROGRESS_SAMPLES : 0;
    uint64_t ms = now_ms - rate->samples[oldest].at_ms;
    return ms == 0 ? 0
                   : (uint64_t)((double)(bytes - rate->samples[oldest].bytes) * 1000 / (double)ms);
}

/* "634 MiB of 1.0 GiB  105 MiB/s  ETA 4 s  12 of 40 files" */
static void render_figures(const struct progress_view *view, char *text, size_t size)
{
    char done[FORMAT_BYTES_SIZE];
    char other[FORMAT_BYTES_SIZE];
    char eta[FORMAT_DURATION_SIZE];
    size_t at = (size_t)snprintf(text, size, "%s", format_bytes(view->bytes_done, done));
    if (view->bytes_expected > 0) {
        at += (size_t)snprintf(
            text + at, size - at, " of %s", format_bytes(view->bytes_expected, other));
    }
    if (view->bytes_per_s > 0) {
        at += (size_t)snprintf(
            text + at, size - at, "  %s/s", format_bytes(view->bytes_per_s, other));
        if (view->bytes_expected > view->bytes_done) {
            uint64_t left = view->bytes_expected - view->bytes_done;
            uint64_t left_s = (left + view->bytes_per_s - 1) / view->bytes_per_s;
            at += (size_t)snprintf(
                text + at, size - at, "  ETA %s", format_duration(left_s * 1000, eta));
        }
    }
    if (view->files_expected > 1) {
        snprintf(text + at, size - at, "  %" PRIu64 " of %" PRIu64 " files", view->files_done,
            view->files_expected);
    }
}

static void render_bar(unsigned bar, uint64_t percent, char *text)
{
    unsigned filled = (unsigned)(percent * bar / 100);
    memset(text, ' ', bar);
    memset(text, '=', filled);
    if (filled < bar) {
        text[filled] = '>';
    }
    text[bar] = '\0';
}

void progress_render(const struct progress_view *view, unsigned width, char *line)
{
    char figures[160];
    render_figures(view, figures, sizeof(figures));
    size_t room = width + 1;
    size_t beside = strlen(figures) + 9; /* "100% [" and "]  " */
    if (view->bytes_expected == 0 || width < beside + BAR_MIN) {
        snprintf(line, room, "%s", figures);
        return;
    }
    unsigned bar = width - (unsigned)beside < BAR_MAX ? width - (unsigned)beside : BAR_MAX;
    uint64_t percent = (uint64_t)((double)view->bytes_done * 100 / (double)view->bytes_expected);
    percent = percent < 100 ? percent : 100;
    char bar_text[BAR_MAX + 1];
    render_bar(bar, percent, bar_text);
    snprintf(line, room, "%3" PRIu64 "%% [%s]  %s", percent, bar_text, figures);
}

/* ---- the terminal ---- */

static unsigned terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return WIDTH_DEFAULT;
    }
    return size.ws_col - 1 < WIDTH_MAX ? size.ws_col - 1u : WIDTH_MAX;
}

static void erase(struct progress *progress)
{
    if (progress->shared.is_drawn) {
        fputs("\r\033[K", stderr);
        progress->shared.is_drawn = false;
    }
}

static void draw(struct progress *progress)
{
    uint64_t now_ms = env_now_ns(progress->env) / 1000000;
    struct progress_view *view = &progress->shared.view;
    progress_rate_note(&progress->shared.rate, now_ms, view->bytes_done);
    if (now_ms - progress->shared.drawn_ms < DRAW_INTERVAL_MS) {
        return;
    }
    view->bytes_per_s = progress_rate_per_s(&progress->shared.rate, now_ms, view->bytes_done);
    char line[WIDTH_MAX + 1];
    progress_render(view, terminal_width(), line);
    fprintf(stderr, "\r%s\033[K", line);
    progress->shared.is_drawn = true;
    progress->shared.drawn_ms = now_ms;
}

struct progress *progress_create(struct env *env)
{
    if (!isatty(STDERR_FILENO)) {
        return NULL;
    }
    struct progress *progress = calloc(1, sizeof(*progress));
    if (progress != NULL) {
        progress->env = env;
        pthread_mutex_init(&progress->shared.mutex, NULL);
    }
    return progress;
}

void progress_destroy(struct progress *progress)
{
    if (progress == NULL) {
        return;
    }
    erase(progress);
    pthread_mutex_destroy(&progress->shared.mutex);
    free(progress);
}

static void add(struct progress *progress, const struct progress_view *more)
{
    if (progress == NULL) {
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&progress->shared.mutex);
    progress->shared.view.files_expected += more->files_expected;
    progress->shared.view.bytes_expected += more->bytes_expected;
    progress->shared.view.files_done += more->files_done;
    progress->shared.view.bytes_done += more->bytes_done;
    draw(progress);
}

void progress_expect(struct progress *progress, uint64_t files, uint64_t bytes)
{
    add(progress, &(struct progress_view){.files_expected = files, .bytes_expected = bytes});
}

void progress_bytes(struct progress *progress, uint64_t bytes)
{
    add(progress, &(struct progress_view){.bytes_done = bytes});
}

void progress_file_done(struct progress *progress)
{
    add(progress, &(struct progress_view){.files_done = 1});
}

static void print_above(struct progress *progress, FILE *to, const char *text)
{
    if (progress == NULL) {
        fprintf(to, "%s\n", text);
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&progress->shared.mutex);
    erase(progress);
    fprintf(to, "%s\n", text);
}

void progress_line(struct progress *progress, const char *text)
{
    print_above(progress, stderr, text);
}

void progress_output(struct progress *progress, const char *text)
{
    print_above(progress, stdout, text);
}
