#include "common/http/http_mhd.h"
#include "common/moment.h"

#include <stdlib.h>
#include <sys/socket.h>

enum { TICK_MS_MAX = 1000 };

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct http_link *http_link_create(struct http_server *server, int fd)
{
    struct http_link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    link->fd = fd;
    http_link_expect(link, server->limits.idle_ms);
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    link->next = server->links;
    if (link->next != NULL) {
        link->next->previous = link;
    }
    server->links = link;
    return link;
}

void http_link_destroy(struct http_server *server, struct http_link *link)
{
    if (link == NULL) {
        return;
    }
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    *(link->previous == NULL ? &server->links : &link->previous->next) = link->next;
    if (link->next != NULL) {
        link->next->previous = link->previous;
    }
    free(link);
}

void http_link_expect(struct http_link *link, uint64_t within_ms)
{
    atomic_store(&link->deadline_ms, within_ms == 0 ? 0 : now_ms() + within_ms);
}

/* The descriptor is open: a link is destroyed before libmicrohttpd closes it. */
static void shut_late_links(struct http_server *server)
{
    uint64_t now = now_ms();
    for (struct http_link *link = server->links; link != NULL; link = link->next) {
        uint64_t deadline = atomic_load(&link->deadline_ms);
        if (deadline != 0 && deadline <= now) {
            shutdown(link->fd, SHUT_RDWR);
        }
    }
}

/* Often enough that nobody is given more than an eighth too much. */
static uint64_t tick_ms(const struct http_limits *limits)
{
    unsigned least = limits->idle_ms < limits->stall_ms ? limits->idle_ms : limits->stall_ms;
    unsigned tick = least / 8 + 1;
    return tick < TICK_MS_MAX ? tick : TICK_MS_MAX;
}

static void *watch(void *context)
{
    struct http_server *server = context;
    UNLOCKS pthread_mutex_t *held = lock(&server->mutex);
    while (!server->watch_ends) {
        const struct timespec until = moment_after_ms(tick_ms(&server->limits));
        pthread_cond_timedwait(&server->emptied, held, &until);
        shut_late_links(server);
    }
    return NULL;
}

enum hearth_code http_watch_start(struct http_server *server, struct hearth_err *err)
{
    int rc = pthread_create(&server->watch, NULL, watch, server);
    return rc == 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_NO_MEMORY, rc, "start the watch");
}

void http_watch_stop(struct http_server *server)
{
    pthread_mutex_lock(&server->mutex);
    server->watch_ends = true;
    pthread_cond_broadcast(&server->emptied);
    pthread_mutex_unlock(&server->mutex);
    pthread_join(server->watch, NULL);
}
