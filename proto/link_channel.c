/*
 * link_channel.c - a channel of the link: looks up, dials, proves who is there, hands out streams.
 *
 *   IDLE --a stream waits--> LOOKING_UP --> DIALLING --greeted--> READY --lost--> IDLE
 *     ^                          |              | next address
 *     +--- back-off, all that waits ends -------+
 */
#include "proto/link_conn.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

enum { HOST_MAX = 256, NS_PER_MS = 1000000 };

enum channel_state { IDLE, LOOKING_UP, DIALLING, READY };

struct link_channel {
    struct rpc_channel base; /* first */
    struct link_home home;
    atomic_uint refs;    /* the owner's, each stream's, each connection's, the look-up's */
    atomic_uint streams; /* opened, not over */

    /* Set once. */
    struct rpc_runtime *runtime;
    struct link_pump *pump;
    struct rpc_credentials *credentials;
    struct rpc_expectation expectation;
    char *address;
    char name[PKI_DNS_NAME_SIZE];
    unsigned connect_timeout_ms;
    unsigned keepalive_ms;
    struct link_task destroy_task;
    struct rpc_job look_up_job;
    struct link_task looked_up_task;

    /* The look-up's, while LOOKING_UP. */
    struct addrinfo *found;
    int look_up_error;

    struct {
        enum channel_state state;
        struct link_conn *conn;         /* DIALLING, READY */
        struct addrinfo *addresses;     /* DIALLING */
        const struct addrinfo *address; /* the next one to try */
        uint64_t until_ns;              /* DIALLING: all of them */
        uint64_t retry_ns;              /* IDLE: not before */
        unsigned backoff_ms;
        struct link_node waiting; /* streams */
        bool is_destroyed;
        struct hearth_err problem; /* of the last attempt */
    } on_pump;
};

/* ---- life ---- */

static void unref(struct link_channel *channel)
{
    if (atomic_fetch_sub(&channel->refs, 1) > 1) {
        return;
    }
    struct link_pump *pump = channel->pump;
    assert(channel->on_pump.conn == NULL && link_node_is_alone(&channel->on_pump.waiting));
    rpc_credentials_unref(channel->credentials);
    free(channel->address);
    free(channel);
    link_pump_remove_user(pump);
}

/* Nobody can open a stream any more, and none is open. */
static bool is_unused(const struct link_channel *channel)
{
    return channel->on_pump.is_destroyed && atomic_load(&channel->streams) == 0;
}

static void end_if_unused(struct link_channel *channel)
{
    if (is_unused(channel) && channel->on_pump.conn != NULL) {
        link_conn_end(channel->on_pump.conn, "not needed any more");
    }
}

/* ---- streams that wait ---- */

static void fail_waiting(struct link_channel *channel)
{
    while (!link_node_is_alone(&channel->on_pump.waiting)) {
        struct link_node *first = channel->on_pump.waiting.next;
        link_stream_end(LINK_OF(first, struct link_stream, on_pump.node), LINK_LOST,
            channel->on_pump.problem.message);
    }
}

static void attach_waiting(struct link_channel *channel)
{
    struct link_conn *conn = channel->on_pump.conn;
    uint32_t id;
    while (!link_node_is_alone(&channel->on_pump.waiting) && !conn->has_failed &&
        link_session_next_id(&conn->session, &id)) {
        struct link_node *first = channel->on_pump.waiting.next;
        link_node_leave(first);
        link_stream_attach(LINK_OF(first, struct link_stream, on_pump.node), &conn->session, id);
    }
}

/* ---- dialling ---- */

static void give_up(struct link_channel *channel)
{
    struct link_pump *pump = channel->pump;
    const unsigned wait_ms = channel->on_pump.backoff_ms / 2 +
        (unsigned)env_random_below(pump->base.env, channel->on_pump.backoff_ms / 2 + 1);
    channel->on_pump.retry_ns = env_now_ns(pump->base.env) + (uint64_t)wait_ms * NS_PER_MS;
    channel->on_pump.backoff_ms = 2 * channel->on_pump.backoff_ms < RPC_BACKOFF_MAX_MS
        ? 2 * channel->on_pump.backoff_ms
        : RPC_BACKOFF_MAX_MS;
    channel->on_pump.state = IDLE;
    fail_waiting(channel);
}

static void forget_addresses(struct link_channel *channel)
{
    if (channel->on_pump.addresses != NULL) {
        freeaddrinfo(channel->on_pump.addresses);
    }
    channel->on_pump.addresses = NULL;
    channel->on_pump.address = NULL;
}

/* -1: problem says why. */
static int start_connecting(struct link_channel *channel, const struct addrinfo *to)
{
    int fd = socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (connect(fd, to->ai_addr, to->ai_addrlen) == 0 || errno == EINPROGRESS)) {
        return fd;
    }
    hearth_fail_sys(&channel->on_pump.problem, HEARTH_UNREACHABLE, errno, "connect");
    if (fd >= 0) {
        close(fd);
    }
    return -1;
}

static const struct link_conn_ops conn_ops;

static void start_conn(struct link_channel *channel, int fd TAKES)
{
    const struct link_conn_options options = {
        .pump = channel->pump,
        .credentials = channel->credentials,
        .fd = fd,
        .side = LINK_CLIENT,
        .name = channel->name,
        .streams_max = RPC_STREAMS_MAX,
        .keepalive_ms = channel->keepalive_ms,
        .until_ns = channel->on_pump.until_ns,
        .ops = &conn_ops,
        .owner = channel,
    };
    atomic_fetch_add(&channel->refs, 1);
    channel->on_pump.conn = link_conn_create(&options);
    snprintf(channel->on_pump.conn->address, RPC_ADDRESS_TEXT_SIZE, "%.70s", channel->address);
}

/* The next address, or it is over for now. */
static void dial_next(struct link_channel *channel)
{
    while (channel->on_pump.address != NULL &&
        env_now_ns(channel->pump->base.env) < channel->on_pump.until_ns) {
        const struct addrinfo *to = channel->on_pump.address;
        channel->on_pump.address = to->ai_next;
        int fd = start_connecting(channel, to);
        if (fd >= 0) {
            start_conn(channel, fd);
            return;
        }
    }
    forget_addresses(channel);
    give_up(channel);
}

static void looked_up(struct link_channel *channel)
{
    if (channel->look_up_error != 0) {
        hearth_fail(&channel->on_pump.problem, HEARTH_UNREACHABLE, "look up: %s",
            gai_strerror(channel->look_up_error));
        give_up(channel);
        return;
    }
    channel->on_pump.addresses = channel->found;
    channel->on_pump.address = channel->found;
    channel->found = NULL;
    channel->on_pump.state = DIALLING;
    channel->on_pump.until_ns =
        env_now_ns(channel->pump->base.env) + (uint64_t)channel->connect_timeout_ms * NS_PER_MS;
    dial_next(channel);
}

static void look_up(struct link_channel *channel, int flags)
{
    char host[HOST_MAX];
    const char *port;
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV | flags};
    channel->look_up_error = rpc_split_address(channel->address, host, sizeof(host), &port)
        ? getaddrinfo(host, port, &hints, &channel->found)
        : EAI_SERVICE;
}

/* On a worker: names may take seconds. */
static void run_look_up(struct rpc_job *job)
{
    struct link_channel *channel = LINK_OF(job, struct link_channel, look_up_job);
    look_up(channel, 0);
    link_mailbox_post(&channel->pump->base.mailbox, &channel->looked_up_task);
}

static void on_looked_up(struct link_task *task)
{
    struct link_channel *channel = LINK_OF(task, struct link_channel, looked_up_task);
    looked_up(channel);
    unref(channel);
}

static void start_dialling(struct link_channel *channel)
{
    channel->on_pump.state = LOOKING_UP;
    look_up(channel, AI_NUMERICHOST);
    if (channel->look_up_error != EAI_NONAME) {
        looked_up(channel);
        return;
    }
    atomic_fetch_add(&channel->refs, 1);
    if (!rpc_workers_post(channel->runtime->workers, &channel->look_up_job)) {
        channel->look_up_error = EAI_AGAIN;
        looked_up(channel);
        unref(channel);
    }
}

/* ---- what moves it ---- */

static void serve(struct link_channel *channel)
{
    if (link_node_is_alone(&channel->on_pump.waiting)) {
        return;
    }
    if (channel->on_pump.state == READY) {
        attach_waiting(channel);
    } else if (channel->on_pump.state == IDLE) {
        if (env_now_ns(channel->pump->base.env) < channel->on_pump.retry_ns) {
            fail_waiting(channel);
        } else {
            start_dialling(channel);
        }
    }
}

static enum hearth_code conn_established(struct link_conn *conn, struct hearth_err *err)
{
    const struct link_channel *channel = conn->owner;
    return rpc_expectation_check(&channel->expectation, &conn->peer, err);
}

static void conn_changed(struct link_conn *conn)
{
    struct link_channel *channel = conn->owner;
    if (conn != channel->on_pump.conn) {
        return; /* its last streams end, or the last one has */
    }
    /* Who goes away while greeting is not there: another address is dialled, or none for a while.
     */
    if (channel->on_pump.state == DIALLING && conn->session.is_greeted &&
        !conn->session.peer_goes) {
        channel->on_pump.state = READY;
        channel->on_pump.backoff_ms = RPC_BACKOFF_FIRST_MS;
        forget_addresses(channel);
    }
    if (channel->on_pump.state == READY && conn->session.peer_goes) {
        channel->on_pump.conn = NULL;
        channel->on_pump.state = IDLE;
    }
    serve(channel);
    end_if_unused(channel);
}

static void conn_ended(struct link_conn *conn, const struct hearth_err *why)
{
    struct link_channel *channel = conn->owner;
    if (conn == channel->on_pump.conn) {
        channel->on_pump.conn = NULL;
        channel->on_pump.problem = *why;
        if (channel->on_pump.state == DIALLING && !is_unused(channel)) {
            dial_next(channel);
        } else {
            forget_addresses(channel);
            channel->on_pump.state = IDLE;
            serve(channel);
        }
    }
    unref(channel);
}

static const struct link_conn_ops conn_ops = {
    .established = conn_established, .changed = conn_changed, .ended = conn_ended};

/* ---- the home of its streams ---- */

static struct link_channel *of_home(struct link_home *home)
{
    return LINK_OF(home, struct link_channel, home);
}

static void begin(struct link_home *home, struct link_stream *stream)
{
    struct link_channel *channel = of_home(home);
    link_node_join(&channel->on_pump.waiting, &stream->on_pump.node);
    serve(channel);
}

static void over(struct link_home *home)
{
    struct link_channel *channel = of_home(home);
    atomic_fetch_sub(&channel->streams, 1);
    end_if_unused(channel);
    unref(channel);
}

static const struct link_home_ops home_ops = {.begin = begin, .over = over};

/* ---- for its owner ---- */

static void open_stream(
    struct rpc_channel *base, const struct rpc_opening *opening, struct rpc_stream **out)
{
    struct link_channel *channel = (struct link_channel *)base;
    atomic_fetch_add(&channel->refs, 1);
    atomic_fetch_add(&channel->streams, 1);
    link_stream_create(&channel->home, opening, out);
}

static void on_destroy(struct link_task *task)
{
    struct link_channel *channel = LINK_OF(task, struct link_channel, destroy_task);
    channel->on_pump.is_destroyed = true;
    end_if_unused(channel);
    unref(channel);
}

static void destroy(struct rpc_channel *base)
{
    struct link_channel *channel = (struct link_channel *)base;
    link_mailbox_post(&channel->pump->base.mailbox, &channel->destroy_task);
}

static const struct rpc_channel_ops channel_ops = {.open_stream = open_stream, .destroy = destroy};

enum hearth_code link_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err)
{
    assert(options->peer_id != NULL); /* nodes alone are dialled so */
    struct link_channel *channel = calloc(1, sizeof(*channel));
    char *address = strdup(options->address);
    if (channel == NULL || address == NULL) {
        free(channel);
        free(address);
        return hearth_fail(err, HEARTH_NO_MEMORY, "channel to %s", options->address);
    }
    channel->base.ops = &channel_ops;
    channel->base.table = options->table != NULL ? options->table : &rpc_methods;
    channel->runtime = options->runtime;
    channel->pump = options->runtime->link;
    channel->address = address;
    channel->home = (struct link_home){&home_ops, &channel->pump->base, address};
    atomic_init(&channel->refs, 1);
    channel->credentials = rpc_credentials_ref(options->credentials);
    channel->expectation = rpc_expectation_of(options);
    pki_dns_name(options->peer_class, options->peer_id, channel->name);
    channel->connect_timeout_ms =
        rpc_or_default(options->connect_timeout_ms, RPC_CONNECT_TIMEOUT_MS);
    channel->keepalive_ms = options->keepalive_ms;
    channel->destroy_task.run = on_destroy;
    channel->look_up_job.run = run_look_up;
    channel->looked_up_task.run = on_looked_up;
    channel->on_pump.backoff_ms = RPC_BACKOFF_FIRST_MS;
    link_node_init(&channel->on_pump.waiting);
    link_pump_add_user(channel->pump);
    *out = &channel->base;
    return HEARTH_OK;
}
