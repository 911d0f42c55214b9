#include "client/shard_inbox.h"

#include "common/moment.h"

#include <errno.h>

/* Events in order; both ends known so that a burst is appended in constant time. */
struct event_list {
    struct shard_event *oldest;
    struct shard_event **end;
};

struct shard_inbox {
    struct env *env; /* set once */

    /* The transfer only. */
    struct event_list taken; /* moved out of `shared` in one go */
    unsigned cells_least;    /* to be woken for; 0: one */

    struct {
        pthread_mutex_t mutex;
        pthread_cond_t arrived;
        struct event_list posted;
        unsigned cells;       /* in it, of those not taken yet; */
        unsigned cells_least; /* so many are worth waking for */
        bool is_calling;      /* something else was posted that is */
        bool is_awaited;      /* waking costs a system call: only when somebody sleeps */
        unsigned refs;        /* the transfer's and one for each open port */
    } shared;
};

static void list_init(struct event_list *list)
{
    list->oldest = NULL;
    list->end = &list->oldest;
}

static void list_append(struct event_list *list, struct shard_event *event)
{
    event->next = NULL;
    *list->end = event;
    list->end = &event->next;
}

static void event_free(struct shard_event *event)
{
    buf_unref(event->bytes.owner);
    free(event);
}

/* port NULL: of all ports. */
static void list_remove(struct event_list *list, const struct shard_port *port)
{
    struct event_list kept;
    list_init(&kept);
    struct shard_event *next;
    for (struct shard_event *event = list->oldest; event != NULL; event = next) {
        next = event->next;
        if (port == NULL || event->port == port) {
            event_free(event);
        } else {
            list_append(&kept, event);
        }
    }
    list->oldest = kept.oldest;
    list->end = kept.oldest == NULL ? &list->oldest : kept.end;
}

struct shard_inbox *shard_inbox_create(struct env *env)
{
    struct shard_inbox *inbox = calloc(1, sizeof(*inbox));
    if (inbox == NULL) {
        return NULL;
    }
    inbox->env = env;
    inbox->shared.refs = 1;
    list_init(&inbox->taken);
    list_init(&inbox->shared.posted);
    pthread_mutex_init(&inbox->shared.mutex, NULL);
    /* The clock of a condition cannot be the one that counts through sleep (CLOCK_BOOTTIME). */
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&inbox->shared.arrived, &attributes);
    pthread_condattr_destroy(&attributes);
    return inbox;
}

static void inbox_ref(struct shard_inbox *inbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    inbox->shared.refs++;
}

static bool inbox_drop_ref(struct shard_inbox *inbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    assert(inbox->shared.refs > 0);
    return --inbox->shared.refs == 0;
}

void shard_inbox_unref(struct shard_inbox *inbox)
{
    if (inbox == NULL || !inbox_drop_ref(inbox)) {
        return;
    }
    list_remove(&inbox->taken, NULL);
    list_remove(&inbox->shared.posted, NULL);
    pthread_cond_destroy(&inbox->shared.arrived);
    pthread_mutex_destroy(&inbox->shared.mutex);
    free(inbox);
}

/* What was taken is no longer counted up in place. */
static void inbox_refill(struct shard_inbox *inbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    for (struct shard_event *event = inbox->shared.posted.oldest; event != NULL;
         event = event->next) {
        if (event->kind == SHARD_SENT) {
            event->port->shared.sent = NULL;
        }
    }
    inbox->taken.oldest = inbox->shared.posted.oldest;
    inbox->taken.end =
        inbox->taken.oldest == NULL ? &inbox->taken.oldest : inbox->shared.posted.end;
    list_init(&inbox->shared.posted);
    inbox->shared.is_calling = false;
    inbox->shared.cells = 0;
    inbox->cells_least = 0;
}

bool shard_inbox_take(struct shard_inbox *inbox, struct shard_event *out)
{
    if (inbox->taken.oldest == NULL) {
        inbox_refill(inbox);
    }
    struct shard_event *event = inbox->taken.oldest;
    if (event == NULL) {
        return false;
    }
    inbox->taken.oldest = event->next;
    if (event->next == NULL) {
        list_init(&inbox->taken);
    }
    *out = *event;
    out->next = NULL;
    free(event);
    return true;
}

bool shard_inbox_has_events(struct shard_inbox *inbox)
{
    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    return inbox->taken.oldest != NULL || inbox->shared.posted.oldest != NULL;
}

void shard_inbox_want_cells(struct shard_inbox *inbox, unsigned least)
{
    inbox->cells_least = least;
}

/* With the lock held. */
static bool is_worth_waking(const struct shard_inbox *inbox)
{
    return inbox->shared.is_calling ||
        (inbox->shared.cells > 0 && inbox->shared.cells >= inbox->shared.cells_least);
}

void shard_inbox_wait_blocking(struct shard_inbox *inbox, uint64_t until_ns)
{
    if (inbox->taken.oldest != NULL) {
        return;
    }
    uint64_t now_ns = env_now_ns(inbox->env);
    bool is_bounded = until_ns != UINT64_MAX;
    struct timespec end = moment_after_ns(is_bounded && until_ns > now_ns ? until_ns - now_ns : 0);

    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    inbox->shared.cells_least = inbox->cells_least;
    int rc = 0;
    while (!is_worth_waking(inbox) && rc == 0) {
        inbox->shared.is_awaited = true;
        rc = is_bounded ? pthread_cond_timedwait(&inbox->shared.arrived, &inbox->shared.mutex, &end)
                        : pthread_cond_wait(&inbox->shared.arrived, &inbox->shared.mutex);
    }
    assert(rc == 0 || rc == ETIMEDOUT);
    inbox->shared.is_awaited = false;
}

/* ---- the end of a call ---- */

void shard_port_open(struct shard_port *port, struct shard_inbox *inbox, void *context)
{
    *port = (struct shard_port){.inbox = inbox, .context = context};
    inbox_ref(inbox);
}

static struct shard_event *event_create(
    struct shard_port *port, enum shard_event_kind kind, struct slice bytes)
{
    struct shard_event *event = malloc(sizeof(*event));
    assert(event != NULL); /* 600 bytes: without them a transfer could not even be told */
    event->next = NULL;
    event->port = port;
    event->context = port->context;
    event->kind = kind;
    event->count = 1;
    event->at_ns = env_now_ns(port->inbox->env);
    event->bytes = bytes;
    return event;
}

/* With the lock held: whether somebody has to be woken, once it is not held any more.  Woken before
 * that he would wait for it at once. */
static bool should_wake(struct shard_inbox *inbox)
{
    bool wakes = inbox->shared.is_awaited && is_worth_waking(inbox);
    inbox->shared.is_awaited = inbox->shared.is_awaited && !wakes;
    return wakes;
}

static void wake_if(struct shard_inbox *inbox, bool wakes)
{
    if (wakes) {
        pthread_cond_signal(&inbox->shared.arrived);
    }
}

/* Takes the event; whether to wake. */
static bool add_event(struct shard_port *port, struct shard_event *event)
{
    struct shard_inbox *inbox = port->inbox;
    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    if (port->shared.is_closed) {
        event_free(event);
        return false;
    }
    list_append(&inbox->shared.posted, event);
    inbox->shared.cells += event->kind == SHARD_CELL;
    inbox->shared.is_calling |= event->kind != SHARD_CELL;
    return should_wake(inbox);
}

static void port_post(struct shard_port *port, struct shard_event *event)
{
    wake_if(port->inbox, add_event(port, event));
}

/* Likewise of one more that was sent. */
static bool add_sent(struct shard_port *port, unsigned still_queued)
{
    struct shard_inbox *inbox = port->inbox;
    UNLOCKS pthread_mutex_t *held = lock(&inbox->shared.mutex);
    if (port->shared.is_closed) {
        return false;
    }
    if (port->shared.sent != NULL) {
        port->shared.sent->count++;
    } else {
        port->shared.sent = event_create(port, SHARD_SENT, (struct slice){0});
        list_append(&inbox->shared.posted, port->shared.sent);
    }
    inbox->shared.is_calling |= port->shared.sent->count >= still_queued;
    return should_wake(inbox);
}

void shard_port_post_sent(struct shard_port *port, unsigned still_queued)
{
    wake_if(port->inbox, add_sent(port, still_queued));
}

void shard_port_post_cell(struct shard_port *port, struct slice bytes TAKES)
{
    port_post(port, event_create(port, SHARD_CELL, bytes));
}

void shard_port_post_done(struct shard_port *port, struct slice bytes TAKES)
{
    port_post(port, event_create(port, SHARD_DONE, bytes));
}

void shard_port_post_failed(struct shard_port *port, const struct hearth_err *err)
{
    struct shard_event *event = event_create(port, SHARD_FAILED, (struct slice){0});
    event->err = *err;
    port_post(port, event);
}

void shard_port_close(struct shard_port *port)
{
    UNLOCKS pthread_mutex_t *held = lock(&port->inbox->shared.mutex);
    list_remove(&port->inbox->taken, port);
    list_remove(&port->inbox->shared.posted, port);
    port->shared.is_closed = true;
    port->shared.sent = NULL;
}

void shard_port_fini(struct shard_port *port)
{
    assert(port->shared.is_closed);
    shard_inbox_unref(port->inbox);
    port->inbox = NULL;
}
