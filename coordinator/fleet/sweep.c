#include "coordinator/fleet/sweep.h"

#include "common/cleanup.h"
#include "common/log.h"
#include "coordinator/meta/meta_segment.h"
#include "coordinator/meta/meta_sweep.h"

#include <stdlib.h>

#define MS_NS UINT64_C(1000000)

struct sweep {
    /* Set once, before the duty starts. */
    struct sweep_options options;
    struct sweep_watcher watchers[SWEEP_WATCHERS_MAX];
    unsigned watcher_count;

    /* The duty's thread only. */
    struct {
        struct meta_segment page[META_SWEEP_MAX];
        struct meta_share shares[META_SHARES_MAX]; /* of the page */
        struct meta_sweep_pass ranges;             /* of the pass that runs */
        bool sees[SWEEP_WATCHERS_MAX];             /* who takes part in it */
        uint64_t saved_ns;
        uint64_t owed_ns; /* rest, since the last one */
        uint64_t busy_ns; /* all of the pass, as far as it ran here */
    } on_duty;

    struct {
        pthread_mutex_t mutex;
        struct sweep_status status;
        uint64_t begun;    /* the last pass that was, by anybody */
        uint64_t asked;    /* somebody waits for this one */
        struct duty *duty; /* where rounds run; NULL: in the caller's hands */
    } shared;
};

static bool rest_on_duty(void *context, struct duty *duty, uint64_t ms)
{
    (void)context;
    return duty_rest(duty, ms);
}

enum hearth_code sweep_create(
    const struct sweep_options *options, struct sweep **out, struct hearth_err *err)
{
    struct sweep *sweep = calloc(1, sizeof(*sweep));
    if (sweep == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "sweep");
    }
    assert(options->share_percent >= 1 && options->share_percent <= 100);
    sweep->options = *options;
    sweep->options.rest = options->rest != NULL ? options->rest : rest_on_duty;
    pthread_mutex_init(&sweep->shared.mutex, NULL);
    if (meta_sweep_number(options->store, &sweep->shared.begun, err) != HEARTH_OK) {
        sweep_destroy(sweep);
        return err->code;
    }
    *out = sweep;
    return HEARTH_OK;
}

void sweep_destroy(struct sweep *sweep)
{
    if (sweep != NULL) {
        pthread_mutex_destroy(&sweep->shared.mutex);
        free(sweep);
    }
}

void sweep_watch(struct sweep *sweep, const struct sweep_watcher *watcher)
{
    assert(sweep->watcher_count < SWEEP_WATCHERS_MAX);
    sweep->watchers[sweep->watcher_count++] = *watcher;
}

void sweep_status_get(struct sweep *sweep, struct sweep_status *out)
{
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    *out = sweep->shared.status;
}

uint64_t sweep_ask(struct sweep *sweep)
{
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    sweep->shared.asked = sweep->shared.begun + 1;
    if (sweep->shared.duty != NULL) {
        duty_wake(sweep->shared.duty);
    }
    return sweep->shared.asked;
}

/* ---- its share of the time ---- */

uint64_t sweep_rest_ns(uint64_t busy_ns, uint64_t share_percent)
{
    return busy_ns / share_percent * (100 - share_percent);
}

static bool is_asked_for(struct sweep *sweep)
{
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    return sweep->shared.asked > sweep->shared.status.pass;
}

/* False: it is time to end. */
static bool rest(struct sweep *sweep, struct duty *duty, uint64_t since_ns)
{
    uint64_t busy_ns = env_now_ns(sweep->options.env) - since_ns;
    sweep->on_duty.busy_ns += busy_ns;
    sweep->on_duty.owed_ns += sweep_rest_ns(busy_ns, sweep->options.share_percent);
    if (is_asked_for(sweep)) {
        sweep->on_duty.owed_ns = 0;
    }
    if (sweep->on_duty.owed_ns < SWEEP_REST_MS * MS_NS) {
        return !duty_is_stopping(duty);
    }
    uint64_t rest_ms = sweep->on_duty.owed_ns / MS_NS;
    sweep->on_duty.owed_ns = 0;
    return sweep->options.rest(sweep->options.rest_context, duty, rest_ms);
}

/* ---- watchers ---- */

static void begin_watchers(struct sweep *sweep, const struct sweep_pass *pass)
{
    struct hearth_err err;
    for (unsigned i = 0; i < sweep->watcher_count; i++) {
        const struct sweep_watcher *watcher = &sweep->watchers[i];
        sweep->on_duty.sees[i] = watcher->begin(watcher->context, pass, &err) == HEARTH_OK;
        if (!sweep->on_duty.sees[i]) {
            log_write(LOG_DUTY_FAILED, "duty=sweep error=\"%s\"", err.message);
        }
    }
}

static void show_page(
    struct sweep *sweep, const struct sweep_pass *pass, size_t count, size_t share_count)
{
    struct sweep_pass here = *pass;
    here.shares = sweep->on_duty.shares;
    here.share_count = share_count;
    for (unsigned i = 0; i < sweep->watcher_count; i++) {
        const struct sweep_watcher *watcher = &sweep->watchers[i];
        if (sweep->on_duty.sees[i]) {
            watcher->page(watcher->context, &here, sweep->on_duty.page, count);
        }
    }
}

static void end_watchers(struct sweep *sweep, const struct sweep_pass *pass, bool complete)
{
    for (unsigned i = 0; i < sweep->watcher_count; i++) {
        const struct sweep_watcher *watcher = &sweep->watchers[i];
        if (!sweep->on_duty.sees[i]) {
            continue;
        }
        watcher->end(watcher->context, pass, complete);
        if (watcher->wakes != NULL && *watcher->wakes != NULL) {
            duty_wake(*watcher->wakes);
        }
    }
}

/* ---- a pass ---- */

static enum hearth_code save(struct sweep *sweep, struct hearth_err *err)
{
    sweep->on_duty.saved_ns = env_now_ns(sweep->options.env);
    return meta_sweep_note(
        sweep->options.store, sweep->options.holder, SWEEP_LEASE_MS, &sweep->on_duty.ranges, err);
}

/* Of all ids: they are drawn at random, so the first bytes of one say how far it is. */
static unsigned permille_at(struct meta_id id)
{
    return (unsigned)((id.bytes[0] << 8 | id.bytes[1]) * 1000 / 65536);
}

static void note_progress(struct sweep *sweep, size_t count, struct meta_id after)
{
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    sweep->shared.status.running_segments += count;
    sweep->shared.status.running_permille = permille_at(after);
}

/* Those of the page that belong to the range; the rest is read again with the next. */
static size_t count_up_to(const struct meta_segment *page, size_t count, struct meta_id last)
{
    while (count > 0 && memcmp(&page[count - 1].id, &last, sizeof(last)) > 0) {
        count--;
    }
    return count;
}

/* *max: how many were asked for in the end. */
static enum hearth_code ask_for_page(struct sweep *sweep, const struct meta_sweep_range *range,
    size_t *max, size_t *got, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_BUSY;
    *max = META_SWEEP_MAX;
    for (unsigned tries = 1; tries <= SWEEP_TRIES_MAX && code == HEARTH_BUSY; tries++) {
        code = meta_sweep(sweep->options.store, range->after, sweep->on_duty.page, *max, got, err);
        if (code == HEARTH_BUSY && *max > 1) {
            *max /= 2;
        }
    }
    return code;
}

/* Of a page whose shares are more than are read at once, the segments before the one that these end
 * with, but at least the first: what else that one shares is left out.  *share_count: theirs. */
static size_t count_with_shares(struct sweep *sweep, size_t count, size_t *share_count)
{
    const struct meta_share *shares = sweep->on_duty.shares;
    size_t whole = 0;
    if (*share_count < META_SHARES_MAX) {
        return count;
    }
    const struct meta_id *cut = &shares[*share_count - 1].segment;
    while (whole < count && memcmp(&sweep->on_duty.page[whole].id, cut, sizeof(*cut)) < 0) {
        whole++;
    }
    while (whole > 0 && *share_count > 0 && meta_id_equal(shares[*share_count - 1].segment, *cut)) {
        --*share_count;
    }
    return whole > 0 ? whole : 1;
}

/* *count: of the page; afterwards, of what is shown of it. */
static enum hearth_code read_shares(struct sweep *sweep, const struct meta_sweep_range *range,
    size_t *count, size_t *share_count, struct hearth_err *err)
{
    enum hearth_code code = meta_sweep_shares(sweep->options.store, range->after,
        sweep->on_duty.page[*count - 1].id, sweep->on_duty.shares, share_count, err);
    if (code == HEARTH_OK) {
        *count = count_with_shares(sweep, *count, share_count);
    }
    return code;
}

static enum hearth_code read_page(struct sweep *sweep, const struct sweep_pass *pass,
    struct meta_sweep_range *range, struct hearth_err *err)
{
    size_t max;
    size_t got;
    enum hearth_code code = ask_for_page(sweep, range, &max, &got, err);
    if (code != HEARTH_OK) {
        return code;
    }
    const size_t ours = count_up_to(sweep->on_duty.page, got, meta_sweep_last(range->number));
    size_t count = ours;
    if (count > 0) {
        size_t share_count;
        code = read_shares(sweep, range, &count, &share_count, err);
        if (code != HEARTH_OK) {
            return code;
        }
        show_page(sweep, pass, count, share_count);
        range->after = sweep->on_duty.page[count - 1].id;
    }
    range->is_done = ours < max && count == ours;
    note_progress(sweep, count, range->after);
    return HEARTH_OK;
}

static bool is_time_to_save(const struct sweep *sweep)
{
    return env_now_ns(sweep->options.env) - sweep->on_duty.saved_ns >= SWEEP_SAVE_MS * MS_NS;
}

/* HEARTH_EXPIRED: somebody waits for the end. */
static enum hearth_code read_range(struct sweep *sweep, struct duty *duty,
    const struct sweep_pass *pass, struct meta_sweep_range *range, struct hearth_err *err)
{
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && !range->is_done) {
        uint64_t since_ns = env_now_ns(sweep->options.env);
        code = read_page(sweep, pass, range, err);
        if (code == HEARTH_OK && is_time_to_save(sweep)) {
            code = save(sweep, err);
        }
        if (code == HEARTH_OK && !rest(sweep, duty, since_ns)) {
            code = hearth_fail(err, HEARTH_EXPIRED, "the process is ending");
        }
    }
    return code;
}

static enum hearth_code read_ranges(
    struct sweep *sweep, struct duty *duty, const struct sweep_pass *pass, struct hearth_err *err)
{
    struct meta_sweep_pass *ranges = &sweep->on_duty.ranges;
    enum hearth_code code = HEARTH_OK;
    for (unsigned i = 0; i < ranges->range_count && code == HEARTH_OK; i++) {
        code = read_range(sweep, duty, pass, &ranges->ranges[i], err);
    }
    if (code == HEARTH_OK || code == HEARTH_EXPIRED) {
        struct hearth_err failed;
        enum hearth_code saved = save(sweep, &failed);
        if (code == HEARTH_OK && saved != HEARTH_OK) {
            *err = failed;
            code = saved;
        }
    }
    return code;
}

static void note_start(struct sweep *sweep, const struct sweep_pass *pass)
{
    sweep->on_duty.busy_ns = sweep->on_duty.owed_ns = 0;
    sweep->on_duty.saved_ns = env_now_ns(sweep->options.env);
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    sweep->shared.begun = pass->number;
    sweep->shared.status.running = pass->number;
    sweep->shared.status.running_segments = 0;
    sweep->shared.status.running_permille = 0;
}

static void note_end(struct sweep *sweep, const struct sweep_pass *pass, bool complete)
{
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    struct sweep_status *status = &sweep->shared.status;
    if (complete) {
        status->pass = pass->number;
        status->started_ms = pass->started_ms;
        status->finished_ms = meta_now_ms(sweep->options.store);
        status->segments = status->running_segments;
        status->busy_ms = sweep->on_duty.busy_ns / MS_NS;
    }
    status->running = 0;
    status->running_segments = 0;
    status->running_permille = 0;
}

static enum hearth_code run_pass(struct sweep *sweep, struct duty *duty, struct hearth_err *err)
{
    const struct fleet_view *fleet;
    struct meta_sweep_pass *ranges = &sweep->on_duty.ranges;
    enum hearth_code code =
        meta_sweep_begin(sweep->options.store, sweep->options.holder, SWEEP_LEASE_MS, ranges, err);
    if (code != HEARTH_OK) {
        return code;
    }
    code = fleet_view_take(sweep->options.nodes, &fleet, err);
    if (code != HEARTH_OK) {
        return code;
    }
    const struct sweep_pass pass = {.number = ranges->number,
        .started_ms = ranges->started_ms,
        .is_resumed = ranges->is_resumed,
        .fleet = fleet};
    note_start(sweep, &pass);
    begin_watchers(sweep, &pass);
    code = read_ranges(sweep, duty, &pass, err);
    note_end(sweep, &pass, code == HEARTH_OK);
    end_watchers(sweep, &pass, code == HEARTH_OK);
    fleet_view_release(fleet);
    return code;
}

static void note_duty(struct sweep *sweep, struct duty *duty)
{
    UNLOCKS pthread_mutex_t *held = lock(&sweep->shared.mutex);
    sweep->shared.duty = duty;
}

void sweep_round(struct duty *duty, void *context)
{
    struct sweep *sweep = context;
    struct hearth_err err;
    note_duty(sweep, duty);
    enum hearth_code code = run_pass(sweep, duty, &err);
    if (code != HEARTH_OK && code != HEARTH_EXPIRED) {
        log_write(LOG_DUTY_FAILED, "duty=sweep error=\"%s\"", err.message);
    }
}
