#include "storaged/loop.h"

#include "common/cleanup.h"
#include "common/moment.h"

struct loop {
    /* Set once, before the thread starts. */
    struct env *env;
    struct loop_waiter *waiter; /* NULL: the thread sleeps on `changed` */

    /* The loop thread only. Soonest first. */
    struct {
        struct timer *timers;
    } on_loop;

    /* Any thread, holding .mutex; nothing else is locked meanwhile. */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        struct task *oldest;
        struct task *newest;
        bool stopping;
        bool is_asleep; /* in its waiter, which must be woken */
    } shared;

    /* Whoever starts and stops the loop; the thread itself only compares. */
    pthread_t thread;
    bool has_thread;
};

enum hearth_code loop_create(struct env *env, struct loop **out, struct hearth_err *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "create loop");
    }
    loop->env = env;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int rc = pthread_cond_init(&loop->shared.changed, &attributes);
    assert(rc == 0);
    rc = pthread_mutex_init(&loop->shared.mutex, NULL);
    assert(rc == 0);
    pthread_condattr_destroy(&attributes);
    *out = loop;
    return HEARTH_OK;
}

void loop_destroy(struct loop *loop)
{
    if (loop == NULL) {
        return;
    }
    assert(!loop->has_thread);
    pthread_cond_destroy(&loop->shared.changed);
    pthread_mutex_destroy(&loop->shared.mutex);
    free(loop);
}

struct env *loop_env(const struct loop *loop)
{
    return loop->env;
}

void loop_set_waiter(struct loop *loop, struct loop_waiter *waiter)
{
    assert(!loop->has_thread);
    assert(loop->waiter == NULL || waiter == NULL);
    loop->waiter = waiter;
}

bool loop_is_current(const struct loop *loop)
{
    return !loop->has_thread || pthread_equal(loop->thread, pthread_self());
}

/* The mutex is held, so that the loop cannot end, and its waiter with it, before this is over. */
static void wake_thread(struct loop *loop)
{
    if (loop->waiter == NULL) {
        pthread_cond_signal(&loop->shared.changed);
    } else if (loop->shared.is_asleep) {
        loop->shared.is_asleep = false;
        loop->waiter->wake(loop->waiter);
    }
}

void loop_post(struct loop *loop, struct task *task)
{
    assert(task->run != NULL);
    task->owned_by_loop.next = NULL;
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    if (loop->shared.oldest == NULL) {
        loop->shared.oldest = task;
        wake_thread(loop);
    } else {
        loop->shared.newest->owned_by_loop.next = task;
    }
    loop->shared.newest = task;
}

/* ---- timers ---- */

void loop_timer_cancel(struct loop *loop, struct timer *timer)
{
    assert(loop_is_current(loop));
    if (!timer->owned_by_loop.armed) {
        return;
    }
    struct timer **link = &loop->on_loop.timers;
    while (*link != timer) {
        assert(*link != NULL);
        link = &(*link)->owned_by_loop.next;
    }
    *link = timer->owned_by_loop.next;
    timer->owned_by_loop.armed = false;
}

void loop_timer_set(struct loop *loop, struct timer *timer, uint64_t deadline_ns)
{
    assert(timer->run != NULL);
    loop_timer_cancel(loop, timer);
    struct timer **link = &loop->on_loop.timers;
    while (*link != NULL && (*link)->owned_by_loop.deadline_ns <= deadline_ns) {
        link = &(*link)->owned_by_loop.next;
    }
    timer->owned_by_loop.deadline_ns = deadline_ns;
    timer->owned_by_loop.next = *link;
    timer->owned_by_loop.armed = true;
    *link = timer;
}

uint64_t loop_next_deadline_ns(const struct loop *loop)
{
    const struct timer *soonest = loop->on_loop.timers;
    return soonest != NULL ? soonest->owned_by_loop.deadline_ns : UINT64_MAX;
}

static bool run_due_timers(struct loop *loop)
{
    bool ran = false;
    uint64_t now_ns = env_now_ns(loop->env);
    while (loop_next_deadline_ns(loop) <= now_ns) {
        struct timer *due = loop->on_loop.timers;
        loop_timer_cancel(loop, due);
        due->run(due);
        ran = true;
    }
    return ran;
}

/* ---- running ---- */

static struct task *take_posted(struct loop *loop)
{
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    struct task *posted = loop->shared.oldest;
    loop->shared.oldest = NULL;
    loop->shared.newest = NULL;
    return posted;
}

bool loop_run_once(struct loop *loop)
{
    assert(loop_is_current(loop));
    bool ran = false;
    struct task *next;
    if (loop->waiter != NULL) {
        loop->waiter->collect(loop->waiter);
    }
    for (struct task *task = take_posted(loop); task != NULL; task = next) {
        next = task->owned_by_loop.next; /* run() may free or post it again */
        task->run(task);
        ran = true;
    }
    return run_due_timers(loop) || ran;
}

/* 0: one is due. UINT64_MAX: none is set. */
static uint64_t until_next_timer_ns(const struct loop *loop)
{
    uint64_t deadline_ns = loop_next_deadline_ns(loop);
    if (deadline_ns == UINT64_MAX) {
        return UINT64_MAX;
    }
    uint64_t now_ns = env_now_ns(loop->env);
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

/* Returns false when the loop is to end: it was told to, and nothing is left in the mailbox. */
static bool sleep_on_mailbox(struct loop *loop)
{
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    while (loop->shared.oldest == NULL && !loop->shared.stopping) {
        uint64_t wait_ns = until_next_timer_ns(loop);
        if (wait_ns == UINT64_MAX) {
            pthread_cond_wait(&loop->shared.changed, held);
            continue;
        }
        if (wait_ns == 0) {
            return true;
        }
        struct timespec until = moment_after_ns(wait_ns);
        pthread_cond_timedwait(&loop->shared.changed, held, &until);
    }
    return loop->shared.oldest != NULL;
}

/* Whether there is nothing to do; if so, who posts from now on wakes us. */
static bool falls_asleep(struct loop *loop)
{
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    loop->shared.is_asleep = loop->shared.oldest == NULL && !loop->shared.stopping;
    return loop->shared.is_asleep;
}

/* Returns what sleep_on_mailbox() does. */
static bool wakes_up(struct loop *loop)
{
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    loop->shared.is_asleep = false;
    return loop->shared.oldest != NULL || !loop->shared.stopping;
}

/* Likewise; it may return with nothing to do, which costs a turn and no more. */
static bool sleep_in_waiter(struct loop *loop)
{
    uint64_t wait_ns = until_next_timer_ns(loop);
    if (wait_ns > 0 && falls_asleep(loop)) {
        loop->waiter->wait(loop->waiter, wait_ns);
    }
    return wakes_up(loop);
}

static void *run_thread(void *context)
{
    struct loop *loop = context;
    while (loop->waiter == NULL ? sleep_on_mailbox(loop) : sleep_in_waiter(loop)) {
        loop_run_once(loop);
    }
    return NULL;
}

enum hearth_code loop_start(struct loop *loop, struct hearth_err *err)
{
    assert(!loop->has_thread);
    /* Held until the thread is known, so that its first loop_is_current() sees itself. */
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    loop->shared.stopping = false;
    int rc = pthread_create(&loop->thread, NULL, run_thread, loop);
    if (rc != 0) {
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start the thread of a loop");
    }
    loop->has_thread = true;
    return HEARTH_OK;
}

static void tell_to_stop(struct loop *loop)
{
    UNLOCKS pthread_mutex_t *held = lock(&loop->shared.mutex);
    loop->shared.stopping = true;
    wake_thread(loop);
}

void loop_stop(struct loop *loop)
{
    assert(loop->has_thread && !pthread_equal(loop->thread, pthread_self()));
    tell_to_stop(loop);
    int rc = pthread_join(loop->thread, NULL);
    assert(rc == 0);
    loop->has_thread = false;
}
