/*
 * fault_proxy.c - `hearth-fault-proxy TARGET-PORT`: a bad network in front of one port of
 * 127.0.0.1.
 *
 *   client --up--> proxy --up--> target
 *          <-down--       <-down--
 *
 * Says on standard output which port it listens on, then obeys lines on standard input and answers
 * each with "ok" or "error: ..." once it is so.  WAY is up, down or both:
 *
 *   rate WAY BYTES      a second, of all connections together; 0: no limit
 *   delay WAY MS        each byte arrives so much later
 *   stall WAY           nothing arrives any more and nobody is told
 *   lose WAY            a cut in one direction: sent, and never arrives
 *   heal                a good network again; connections that lost something are reset
 *   cut                 every connection is reset
 *   refuse on|off       new ones are reset, too
 *   count               "ok CONNECTIONS UP-BYTES DOWN-BYTES": now open; ever arrived
 *
 * The end of standard input is its own end, so it does not outlive the test that started it.
 */
#include "common/cleanup.h"
#include "tests/lib/fault_lane.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum {
    CONNECTIONS_MAX = 256, /* then new ones are reset */
    COMMAND_SIZE = 128,
    SOCKET_BUFFER = 64 * 1024, /* small, so that a slow way is felt at once */
    UP = 0,
    DOWN = 1,
    FDS_FIRST = 2, /* commands, listener; then two a connection */
};

struct connection {
    int fds[2]; /* [UP]: where the lane up comes from, the client; [DOWN]: the target */
    struct fault_lane lanes[2];
    bool ended[2]; /* nothing more comes into that lane */
    bool shut[2];  /* and its other end knows */
    bool lost;     /* bytes that its peers believe sent */
};

struct proxy {
    uint16_t target;
    int listener;
    bool refusing;
    bool ending;
    struct fault_way ways[2];
    uint64_t arrived[2];
    struct connection *connections[CONNECTIONS_MAX];
    unsigned count;
    char command[COMMAND_SIZE];
    size_t command_length;
};

static uint64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
}

/* ---- connections ---- */

static void reset_fd(int fd)
{
    struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void prepare(int fd)
{
    int size = SOCKET_BUFFER;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

/* The end of a connection: of index i, whose place the last one takes. */
static void end_connection(struct proxy *proxy, unsigned i, bool by_reset)
{
    struct connection *connection = proxy->connections[i];
    for (unsigned way = UP; way <= DOWN; way++) {
        if (by_reset) {
            reset_fd(connection->fds[way]);
        } else {
            close(connection->fds[way]);
        }
    }
    free(connection);
    proxy->connections[i] = proxy->connections[--proxy->count];
}

static int dial(uint16_t port)
{
    struct sockaddr_in address = loopback(port);
    int size = SOCKET_BUFFER;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void accept_one(struct proxy *proxy)
{
    int near = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    if (near < 0) {
        return;
    }
    int far = proxy->refusing || proxy->count == CONNECTIONS_MAX ? -1 : dial(proxy->target);
    if (far < 0) {
        reset_fd(near);
        return;
    }
    struct connection *connection = calloc(1, sizeof(*connection));
    assert(connection != NULL);
    connection->fds[UP] = near;
    connection->fds[DOWN] = far;
    prepare(near);
    prepare(far);
    proxy->connections[proxy->count++] = connection;
}

/* ---- bytes ---- */

static bool is_broken(ssize_t done)
{
    return done < 0 && errno != EAGAIN && errno != EINTR;
}

/* What came is taken in. false: the connection is broken. */
static bool take_in(struct proxy *proxy, struct connection *connection, unsigned way)
{
    struct fault_lane *lane = &connection->lanes[way];
    size_t offset;
    size_t space = fault_lane_space(lane, &proxy->ways[way], &offset);
    if (space == 0 || connection->ended[way]) {
        return true;
    }
    ssize_t got = recv(connection->fds[way], lane->bytes + offset, space, 0);
    if (got > 0) {
        fault_lane_added(lane, &proxy->ways[way], now_ms(), (size_t)got);
        connection->lost |= proxy->ways[way].losing;
    } else if (got == 0) {
        connection->ended[way] = true;
    }
    return !is_broken(got);
}

/* All has arrived, and its end has not been passed on. */
static bool is_to_be_shut(
    const struct proxy *proxy, const struct connection *connection, unsigned way)
{
    const struct fault_way *state = &proxy->ways[way];
    return connection->ended[way] && !connection->shut[way] &&
        fault_lane_is_empty(&connection->lanes[way]) && !state->stalled && !state->losing;
}

/* What may leave does. false: the connection is broken. */
static bool let_out(struct proxy *proxy, struct connection *connection, unsigned way)
{
    struct fault_lane *lane = &connection->lanes[way];
    int to = connection->fds[1 - way];
    size_t offset;
    size_t ready = fault_lane_ready(lane, &proxy->ways[way], now_ms(), &offset);
    if (ready > 0) {
        ssize_t sent = send(to, lane->bytes + offset, ready, MSG_NOSIGNAL);
        if (is_broken(sent)) {
            return false;
        }
        if (sent > 0) {
            fault_lane_gone(lane, &proxy->ways[way], (size_t)sent);
            proxy->arrived[way] += (uint64_t)sent;
        }
    }
    if (is_to_be_shut(proxy, connection, way)) {
        connection->shut[way] = true;
        shutdown(to, SHUT_WR);
    }
    return true;
}

/* false: it is over, one way or the other. */
static bool pass_on(
    struct proxy *proxy, struct connection *connection, const struct pollfd *fds, bool *out_broken)
{
    *out_broken = false;
    for (unsigned way = UP; way <= DOWN; way++) {
        bool works = (fds[way].revents & ~POLLOUT) == 0 || take_in(proxy, connection, way);
        works = works && let_out(proxy, connection, way);
        if (!works) {
            *out_broken = true;
            return false;
        }
    }
    return !(connection->shut[UP] && connection->shut[DOWN]);
}

/* ---- commands ---- */

static void cut(struct proxy *proxy, bool only_lost)
{
    for (unsigned i = proxy->count; i-- > 0;) {
        if (!only_lost || proxy->connections[i]->lost) {
            end_connection(proxy, i, true);
        }
    }
}

/* One word for one way. */
static bool change_way(struct fault_way *way, const char *verb, const char *value)
{
    char *end = NULL;
    uint64_t number = value[0] == '\0' ? 0 : strtoull(value, &end, 10);
    bool has_number = end != NULL && *end == '\0';
    if (strcmp(verb, "rate") == 0 && has_number) {
        way->rate = number;
        way->budget = 0;
        way->budget_ms = now_ms();
    } else if (strcmp(verb, "delay") == 0 && has_number) {
        way->delay_ms = number;
    } else if (strcmp(verb, "stall") == 0 && value[0] == '\0') {
        way->stalled = true;
    } else if (strcmp(verb, "lose") == 0 && value[0] == '\0') {
        way->losing = true;
    } else {
        return false;
    }
    return true;
}

static bool change_ways(struct proxy *proxy, const char *verb, const char *which, const char *value)
{
    bool both = strcmp(which, "both") == 0;
    bool up = both || strcmp(which, "up") == 0;
    bool down = both || strcmp(which, "down") == 0;
    return (up || down) && (!up || change_way(&proxy->ways[UP], verb, value)) &&
        (!down || change_way(&proxy->ways[DOWN], verb, value));
}

static void heal(struct proxy *proxy)
{
    memset(proxy->ways, 0, sizeof(proxy->ways));
    proxy->refusing = false;
    cut(proxy, true);
}

static void obey(struct proxy *proxy, const char *line)
{
    char verb[16] = "";
    char first[16] = "";
    char second[24] = "";
    int words = sscanf(line, "%15s %15s %23s", verb, first, second);
    if (strcmp(verb, "heal") == 0 && words == 1) {
        heal(proxy);
    } else if (strcmp(verb, "cut") == 0 && words == 1) {
        cut(proxy, false);
    } else if (strcmp(verb, "refuse") == 0 && strcmp(first, "on") == 0) {
        proxy->refusing = true;
    } else if (strcmp(verb, "refuse") == 0 && strcmp(first, "off") == 0) {
        proxy->refusing = false;
    } else if (strcmp(verb, "count") == 0 && words == 1) {
        printf("ok %u %" PRIu64 " %" PRIu64 "\n", proxy->count, proxy->arrived[UP],
            proxy->arrived[DOWN]);
        return;
    } else if (!change_ways(proxy, verb, first, second)) {
        printf("error: %s: no such command\n", line);
        return;
    }
    puts("ok");
}

static void obey_lines(struct proxy *proxy)
{
    size_t space = COMMAND_SIZE - 1 - proxy->command_length;
    ssize_t got = read(STDIN_FILENO, proxy->command + proxy->command_length, space);
    if (got <= 0) {
        proxy->ending = true;
        return;
    }
    proxy->command_length += (size_t)got;
    proxy->command[proxy->command_length] = '\0';
    for (char *end; (end = strchr(proxy->command, '\n')) != NULL;) {
        *end = '\0';
        obey(proxy, proxy->command);
        proxy->command_length -= (size_t)(end + 1 - proxy->command);
        memmove(proxy->command, end + 1, proxy->command_length + 1);
    }
    if (proxy->command_length == COMMAND_SIZE - 1) {
        puts("error: that line has no end");
        proxy->command_length = 0;
    }
    fflush(stdout);
}

/* ---- the loop ---- */

static int sooner(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* What is waited for at the end where the lane `way` begins; bytes of the other one leave there. */
static short events_at(const struct proxy *proxy, const struct connection *connection, unsigned way)
{
    size_t offset;
    const struct fault_lane *leaving = &connection->lanes[1 - way];
    bool reads = !connection->ended[way] &&
        fault_lane_space(&connection->lanes[way], &proxy->ways[way], &offset) > 0;
    bool writes = fault_lane_wait_ms(leaving, &proxy->ways[1 - way], now_ms()) == 0;
    return (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

/* An end where nothing is waited for is left out: poll would tell of its hanging up for ever. */
static int fill_fds(const struct proxy *proxy, struct pollfd *fds)
{
    int wait_ms = -1;
    fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
    for (unsigned i = 0; i < proxy->count; i++) {
        const struct connection *connection = proxy->connections[i];
        for (unsigned way = UP; way <= DOWN; way++) {
            short events = events_at(proxy, connection, way);
            int until = is_to_be_shut(proxy, connection, way)
                ? 1
                : fault_lane_wait_ms(&connection->lanes[way], &proxy->ways[way], now_ms());
            fds[FDS_FIRST + 2 * i + way] = (struct pollfd){
                .fd = events != 0 ? connection->fds[way] : -1,
                .events = events,
            };
            wait_ms = until > 0 ? sooner(wait_ms, until) : wait_ms;
        }
    }
    return wait_ms;
}

static void run(struct proxy *proxy)
{
    struct pollfd fds[FDS_FIRST + 2 * CONNECTIONS_MAX];
    while (!proxy->ending) {
        int wait_ms = fill_fds(proxy, fds);
        int rc = poll(fds, FDS_FIRST + 2 * proxy->count, wait_ms);
        assert(rc >= 0 || errno == EINTR);
        for (unsigned i = proxy->count; i-- > 0;) {
            bool broken;
            if (!pass_on(proxy, proxy->connections[i], &fds[FDS_FIRST + 2 * i], &broken)) {
                end_connection(proxy, i, broken);
            }
        }
        if (fds[1].revents != 0) {
            accept_one(proxy);
        }
        if (fds[0].revents != 0) { /* last: it may end connections */
            obey_lines(proxy);
        }
    }
    cut(proxy, false);
}

static int listen_anywhere(uint16_t *out_port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    int size = SOCKET_BUFFER;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(
        fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)); /* whoever is accepted inherits it */
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, length) != 0 || listen(fd, 128) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    *out_port = ntohs(address.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    unsigned long target = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
    if (target == 0 || target > UINT16_MAX || *end != '\0') {
        fputs("usage: hearth-fault-proxy TARGET-PORT\n", stderr);
        return 2;
    }
    struct proxy proxy = {.target = (uint16_t)target};
    uint16_t port;
    proxy.listener = listen_anywhere(&port);
    if (proxy.listener < 0) {
        perror("hearth-fault-proxy: listen on 127.0.0.1");
        return 1;
    }
    printf("%u\n", (unsigned)port);
    fflush(stdout);
    run(&proxy);
    return 0;
}
