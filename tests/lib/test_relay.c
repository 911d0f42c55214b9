#include "tests/lib/test_relay.h"

#include "common/cleanup.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { PAIRS_MAX = 8, FIRST_PAIR = 2, FDS_MAX = FIRST_PAIR + 2 * PAIRS_MAX };

struct test_relay {
    uint16_t target;
    uint16_t port;
    pthread_t thread;

    /* The thread's: the listener, the bell, then both ends of each connection. */
    struct pollfd fds[FDS_MAX];
    unsigned count;

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    bool cut;
    bool frozen;
    bool ending;
};

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
}

static void reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void accept_one(struct test_relay *relay, bool refuse)
{
    int near = accept4(relay->fds[0].fd, NULL, NULL, SOCK_CLOEXEC);
    if (refuse || relay->count + 2 > FDS_MAX) {
        reset(near);
        return;
    }
    int far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(relay->target);
    if (connect(far, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(far);
        reset(near);
        return;
    }
    relay->fds[relay->count++] = (struct pollfd){.fd = near, .events = POLLIN};
    relay->fds[relay->count++] = (struct pollfd){.fd = far, .events = POLLIN};
}

static bool write_all(int fd, const char *bytes, ssize_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, bytes, (size_t)size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        bytes += sent;
        size -= sent;
    }
    return true;
}

/* The pair that holds index i; closed pairs stay in the list with fd -1. */
static void pass_on(struct test_relay *relay, unsigned i)
{
    char bytes[16 * 1024];
    unsigned other = i ^ 1u;
    ssize_t got = recv(relay->fds[i].fd, bytes, sizeof(bytes), 0);
    if (got > 0 && write_all(relay->fds[other].fd, bytes, got)) {
        return;
    }
    close(relay->fds[i].fd);
    close(relay->fds[other].fd);
    relay->fds[i].fd = -1;
    relay->fds[other].fd = -1;
}

static void reset_all(struct test_relay *relay)
{
    for (unsigned i = FIRST_PAIR; i < relay->count; i++) {
        if (relay->fds[i].fd >= 0) {
            reset(relay->fds[i].fd);
            relay->fds[i].fd = -1;
        }
    }
}

static void *run(void *context)
{
    struct test_relay *relay = context;
    for (;;) {
        poll(relay->fds, relay->count, -1);
        pthread_mutex_lock(&relay->mutex);
        bool cut = relay->cut;
        bool frozen = relay->frozen;
        bool ending = relay->ending;
        pthread_mutex_unlock(&relay->mutex);
        if (cut || ending) {
            reset_all(relay);
        }
        if (ending) {
            return NULL;
        }
        if (frozen) { /* only the bell wakes us now */
            for (unsigned i = FIRST_PAIR; i < relay->count; i++) {
                relay->fds[i].events = 0;
            }
            relay->fds[0].events = 0;
        }
        eventfd_t rung;
        if (relay->fds[1].revents != 0) {
            eventfd_read(relay->fds[1].fd, &rung);
        }
        for (unsigned i = FIRST_PAIR; i < relay->count && !frozen; i++) {
            if (relay->fds[i].fd >= 0 && relay->fds[i].revents != 0) {
                pass_on(relay, i);
            }
        }
        if (relay->fds[0].revents != 0 && !frozen) {
            accept_one(relay, cut);
        }
    }
}

struct test_relay *test_relay_start(uint16_t target)
{
    struct test_relay *relay = calloc(1, sizeof(*relay));
    assert(relay != NULL);
    relay->target = target;
    pthread_mutex_init(&relay->mutex, NULL);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof(address);
    int rc = bind(listener, (struct sockaddr *)&address, size);
    assert(rc == 0);
    rc = listen(listener, PAIRS_MAX);
    assert(rc == 0);
    rc = getsockname(listener, (struct sockaddr *)&address, &size);
    assert(rc == 0);
    relay->port = ntohs(address.sin_port);
    relay->fds[0] = (struct pollfd){.fd = listener, .events = POLLIN};
    relay->fds[1] = (struct pollfd){.fd = eventfd(0, EFD_CLOEXEC), .events = POLLIN};
    relay->count = FIRST_PAIR;
    rc = pthread_create(&relay->thread, NULL, run, relay);
    assert(rc == 0);
    return relay;
}

uint16_t test_relay_port(const struct test_relay *relay)
{
    return relay->port;
}

static void tell(struct test_relay *relay, bool *flag)
{
    pthread_mutex_lock(&relay->mutex);
    *flag = true;
    pthread_mutex_unlock(&relay->mutex);
    eventfd_write(relay->fds[1].fd, 1);
}

void test_relay_cut(struct test_relay *relay)
{
    tell(relay, &relay->cut);
}

void test_relay_freeze(struct test_relay *relay)
{
    tell(relay, &relay->frozen);
}

void test_relay_stop(struct test_relay *relay)
{
    tell(relay, &relay->ending);
    pthread_join(relay->thread, NULL);
    close(relay->fds[0].fd);
    close(relay->fds[1].fd);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}
