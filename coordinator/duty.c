#include "coordinator/duty.h"

#include "common/cleanup.h"
#include "common/moment.h"

#include <time.h>

struct duty {
    duty_fn *fn;
    void *context;
    uint64_t interval_ms;
    uint64_t pause_ms; /* after the round that runs; the duty's own thread only */
    pthread_t thread;

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        bool is_stopping;
        bool is_woken;
    } shared;
};

bool duty_is_stopping(struct duty *duty)
{
    if (duty == NULL) {
        return false;
    }
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    return duty->shared.is_stopping;
}

bool duty_rest(struct duty *duty, uint64_t ms)
{
    if (duty == NULL) {
        return true;
    }
    struct timespec until = moment_after_ms(ms);
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    int rc = 0;
    while (!duty->shared.is_stopping && rc == 0) {
        rc = pthread_cond_timedwait(&duty->shared.changed, &duty->shared.mutex, &until);
    }
    return !duty->shared.is_stopping;
}

void duty_pause(struct duty *duty, uint64_t ms)
{
    if (duty != NULL) {
        duty->pause_ms = ms;
    }
}

/* False: it is time to end. */
static bool pause_between(struct duty *duty)
{
    struct timespec until = moment_after_ms(duty->pause_ms);
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    int rc = 0;
    while (!duty->shared.is_stopping && !duty->shared.is_woken && rc == 0) {
        rc = pthread_cond_timedwait(&duty->shared.changed, &duty->shared.mutex, &until);
    }
    duty->shared.is_woken = false;
    return !duty->shared.is_stopping;
}

static void *run(void *context)
{
    struct duty *duty = context;
    do {
        duty->pause_ms = duty->interval_ms;
        duty->fn(duty, duty->context);
    } while (pause_between(duty));
    return NULL;
}

static void init_shared(struct duty *duty)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&duty->shared.changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&duty->shared.mutex, NULL);
}

static void destroy(struct duty *duty)
{
    pthread_cond_destroy(&duty->shared.changed);
    pthread_mutex_destroy(&duty->shared.mutex);
    free(duty);
}

enum hearth_code duty_start(
    duty_fn *fn, void *context, uint64_t interval_ms, struct duty **out, struct hearth_err *err)
{
    struct duty *duty = calloc(1, sizeof(*duty));
    if (duty == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "background duty");
    }
    duty->fn = fn;
    duty->context = context;
    duty->interval_ms = interval_ms;
    init_shared(duty);
    *out = duty; /* before the first round, which may look for it */
    int rc = pthread_create(&duty->thread, NULL, run, duty);
    if (rc != 0) {
        *out = NULL;
        destroy(duty);
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start a background duty");
    }
    return HEARTH_OK;
}

void duty_wake(struct duty *duty)
{
    UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
    duty->shared.is_woken = true;
    pthread_cond_signal(&duty->shared.changed);
}

void duty_stop(struct duty *duty)
{
    if (duty == NULL) {
        return;
    }
    {
        UNLOCKS pthread_mutex_t *held = lock(&duty->shared.mutex);
        duty->shared.is_stopping = true;
        pthread_cond_signal(&duty->shared.changed);
    }
    pthread_join(duty->thread, NULL);
    destroy(duty);
}
