#include "proto/link_pump.h"

#include "proto/link_wire.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

enum { EVENTS_MAX = 64, NS_PER_MS = 1000000 };

void link_pump_watch(struct link_pump *pump, int fd, struct link_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int rc = epoll_ctl(pump->epoll_fd, EPOLL_CTL_ADD, fd, &event);
    assert(rc == 0);
}

void link_pump_change(struct link_pump *pump, int fd, struct link_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    int rc = epoll_ctl(pump->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    assert(rc == 0);
}

void link_pump_forget(struct link_pump *pump, int fd)
{
    int rc = epoll_ctl(pump->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    assert(rc == 0);
}

void link_pump_want_turn(struct link_pump *pump, struct link_turn *turn)
{
    if (link_node_is_alone(&turn->node)) {
        link_node_join(&pump->turns, &turn->node);
    }
}

void link_pump_add_user(struct link_pump *pump)
{
    atomic_fetch_add(&pump->users, 1);
}

void link_pump_remove_user(struct link_pump *pump)
{
    unsigned before = atomic_fetch_sub(&pump->users, 1);
    assert(before > 0);
}

/* ---- the thread ---- */

/* Those that are there now; one that wants another gets it after the sockets. */
static void take_turns(struct link_pump *pump)
{
    struct link_node now;
    link_node_init(&now);
    if (!link_node_is_alone(&pump->turns)) {
        link_node_join(pump->turns.next, &now); /* before the first: heads the same ring */
        link_node_leave(&pump->turns);
    }
    while (!link_node_is_alone(&now)) {
        struct link_turn *turn = LINK_OF(now.next, struct link_turn, node);
        link_node_leave(&turn->node);
        turn->take(turn);
    }
}

/* How long to wait for sockets. Rounded up, or it would spin until a timer is due. */
static int patience_ms(struct link_pump *pump)
{
    if (!link_node_is_alone(&pump->turns) || !link_mailbox_may_sleep(&pump->base.mailbox)) {
        return 0;
    }
    const uint64_t next_ns = link_timers_next(&pump->base.timers);
    if (next_ns == UINT64_MAX) {
        return -1;
    }
    const uint64_t now_ns = env_now_ns(pump->base.env);
    const uint64_t left_ns = next_ns > now_ns ? next_ns - now_ns : 0;
    const uint64_t left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
    return left_ms < INT_MAX ? (int)left_ms : INT_MAX;
}

static void wait_for_sockets(struct link_pump *pump)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(pump->epoll_fd, events, EVENTS_MAX, patience_ms(pump));
    assert(count >= 0 || errno == EINTR);
    link_mailbox_woken(&pump->base.mailbox);
    for (int i = 0; i < count; i++) {
        struct link_watch *watch = events[i].data.ptr;
        watch->ready(watch, events[i].events);
    }
}

static void *run_pump(void *context)
{
    struct link_pump *pump = context;
    while (!atomic_load(&pump->is_ending) || atomic_load(&pump->users) > 0) {
        link_mailbox_run(&pump->base.mailbox);
        link_timers_run(&pump->base.timers, env_now_ns(pump->base.env));
        take_turns(pump);
        if (!atomic_load(&pump->is_ending) || atomic_load(&pump->users) > 0) {
            wait_for_sockets(pump);
        }
    }
    link_mailbox_run(&pump->base.mailbox);
    return NULL;
}

/* The mailbox is looked at anyway, and the count is never read: each write is an edge of its own.
 */
static void on_wake(struct link_watch *watch, uint32_t events)
{
    (void)watch;
    (void)events;
}

/* ---- life ---- */

static void free_pump(struct link_pump *pump)
{
    link_timers_fini(&pump->base.timers);
    close(pump->base.mailbox.wake_fd);
    link_mailbox_fini(&pump->base.mailbox);
    close(pump->epoll_fd);
    BIO_meth_free(pump->bio);
    free(pump->spare_outbox);
    free(pump);
}

enum hearth_code link_pump_create(struct env *env, struct link_pump **out, struct hearth_err *err)
{
    struct link_pump *pump = calloc(1, sizeof(*pump));
    assert(pump != NULL); /* at start */
    pump->base.env = env;
    pump->wake.ready = on_wake;
    link_node_init(&pump->turns);
    pump->bio = link_wire_bio_method();
    pump->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    link_mailbox_init(&pump->base.mailbox, wake_fd);
    int failure = pump->epoll_fd < 0 || wake_fd < 0 ? errno : 0;
    if (failure == 0) {
        link_pump_watch(pump, wake_fd, &pump->wake, EPOLLIN | EPOLLET);
        failure = pthread_create(&pump->thread, NULL, run_pump, pump);
    }
    if (failure != 0) {
        free_pump(pump);
        return hearth_fail_sys(err, HEARTH_NO_MEMORY, failure, "start the link's pump");
    }
    *out = pump;
    return HEARTH_OK;
}

static void note_end(struct link_task *task)
{
    struct link_pump *pump = LINK_OF(task, struct link_pump, end_task);
    atomic_store(&pump->is_ending, true);
}

void link_pump_destroy(struct link_pump *pump)
{
    if (pump == NULL) {
        return;
    }
    pump->end_task.run = note_end;
    link_mailbox_post(&pump->base.mailbox, &pump->end_task);
    pthread_join(pump->thread, NULL);
    free_pump(pump);
}
