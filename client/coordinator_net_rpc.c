#include "client/coordinator_net_rpc.h"

#include "client/ask_queue.h"
#include "common/cleanup.h"
#include "proto/rpc_channel.h"

/* One attempt.  A coordinator that is stopped is noticed by then; one that is only busy answers
 * sooner or says so. */
enum { QUESTION_DEADLINE_MS = 10 * 1000 };

/* A channel goes when it was replaced and the last question over it was answered. */
struct shared_channel {
    struct rpc_channel *channel;
    struct ask_queue *lookups;
    struct ask_queue *puts; /* inline ones */
    unsigned refs;
};

struct coordinator_net_rpc {
    struct coordinator coordinator; /* first: the seam's functions get a pointer to it */

    /* Set once. */
    struct rpc_runtime *runtime;
    const struct config_addresses *addresses;

    struct {
        pthread_mutex_t mutex;
        struct identity *identity;
        struct rpc_credentials *credentials; /* NULL: to be made from the identity */
        struct shared_channel *channel;      /* NULL: to be made by the next question */
        unsigned address;                    /* the one it goes to */
    } shared;
};

/* ---- under the lock ---- */

static void drop_channel(struct shared_channel *channel)
{
    if (channel != NULL && --channel->refs == 0) {
        ask_queue_destroy(channel->lookups);
        ask_queue_destroy(channel->puts);
        rpc_channel_destroy(channel->channel);
        free(channel);
    }
}

static void forget_channel(struct coordinator_net_rpc *net)
{
    drop_channel(net->shared.channel);
    net->shared.channel = NULL;
}

static struct ask_queue *make_queue(
    struct rpc_channel *channel, const char *address, enum rpc_method one, enum rpc_method many)
{
    const struct ask_queue_options options = {
        .channel = channel,
        .address = address,
        .deadline_ms = QUESTION_DEADLINE_MS,
        .one = one,
        .many = many,
    };
    return ask_queue_create(&options);
}

static enum hearth_code make_channel(struct coordinator_net_rpc *net, struct hearth_err *err)
{
    char address[CONFIG_ADDRESS_TEXT_SIZE];
    config_format_address(&net->addresses->items[net->shared.address], address);
    if (net->shared.credentials == NULL &&
        identity_credentials(net->shared.identity, &net->shared.credentials, err) != HEARTH_OK) {
        return err->code;
    }
    const struct rpc_channel_options options = {
        .runtime = net->runtime,
        .credentials = net->shared.credentials,
        .address = address,
        .peer_class = PEER_COORDINATOR,
    };
    struct shared_channel *channel = calloc(1, sizeof(*channel));
    if (channel == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "channel to %s", address);
    }
    if (rpc_channel_create(&options, &channel->channel, err) != HEARTH_OK) {
        free(channel);
        return err->code;
    }
    channel->lookups = make_queue(channel->channel, address, RPC_LOOKUP, RPC_LOOKUP_MANY);
    channel->puts = make_queue(channel->channel, address, RPC_PUT_INLINE, RPC_PUT_INLINE_MANY);
    channel->refs = 1;
    if (channel->lookups == NULL || channel->puts == NULL) {
        drop_channel(channel);
        return hearth_fail(err, HEARTH_NO_MEMORY, "channel to %s", address);
    }
    net->shared.channel = channel;
    return HEARTH_OK;
}

/* ---- one question ---- */

static enum hearth_code acquire(
    struct coordinator_net_rpc *net, struct shared_channel **out, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&net->shared.mutex);
    if (net->shared.channel == NULL && make_channel(net, err) != HEARTH_OK) {
        return err->code;
    }
    net->shared.channel->refs++;
    *out = net->shared.channel;
    return HEARTH_OK;
}

/* Nobody of ours answered there: whoever asks next tries the next address, unless that was done. */
static void release(
    struct coordinator_net_rpc *net, struct shared_channel *channel, bool is_reached)
{
    UNLOCKS pthread_mutex_t *held = lock(&net->shared.mutex);
    if (!is_reached && net->shared.channel == channel && net->addresses->count > 1) {
        net->shared.address = (net->shared.address + 1) % net->addresses->count;
        net->shared.channel = NULL;
        channel->refs--;
        assert(channel->refs > 0); /* ours */
    }
    drop_channel(channel);
}

static enum hearth_code ask_over(struct shared_channel *channel, enum rpc_method method,
    const void *request, struct arena *arena, void *reply, struct hearth_err *err)
{
    if (method == RPC_LOOKUP) {
        return ask_queue_ask(channel->lookups, request, arena, reply, err);
    }
    if (method == RPC_PUT_INLINE) {
        return ask_queue_ask(channel->puts, request, arena, reply, err);
    }
    const struct rpc_request question = {
        .method = method, .message = request, .deadline_ms = QUESTION_DEADLINE_MS};
    return rpc_call_blocking(channel->channel, &question, arena, reply, err);
}

static enum hearth_code ask(struct coordinator *coordinator, enum rpc_method method,
    const void *request, struct arena *arena, void *reply, struct hearth_err *err)
{
    struct coordinator_net_rpc *net = (struct coordinator_net_rpc *)coordinator;
    struct shared_channel *channel = NULL;
    enum hearth_code code = acquire(net, &channel, err);
    if (code == HEARTH_OK) {
        code = ask_over(channel, method, request, arena, reply, err);
        release(net, channel,
            code != HEARTH_UNREACHABLE && code != HEARTH_DEADLINE && code != HEARTH_DENIED);
    }
    return code;
}

/* Failing is no harm while the certificate still holds; if it does not, the question will say so.
 */
static void refresh(struct coordinator *coordinator)
{
    struct coordinator_net_rpc *net = (struct coordinator_net_rpc *)coordinator;
    UNLOCKS pthread_mutex_t *held = lock(&net->shared.mutex);
    struct hearth_err err;
    if (identity_should_renew(net->shared.identity) &&
        identity_renew(net->shared.identity, &err) == HEARTH_OK) {
        rpc_credentials_unref(net->shared.credentials);
        net->shared.credentials = NULL;
        forget_channel(net);
    }
}

/* ---- a life ---- */

enum hearth_code coordinator_net_rpc_create(const struct coordinator_net_rpc_options *options,
    struct coordinator **out, struct hearth_err *err)
{
    static const struct coordinator_ops ops = {.ask = ask, .refresh = refresh};
    assert(options->addresses->count >= 1);
    struct coordinator_net_rpc *net = calloc(1, sizeof(*net));
    if (net == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "link to the coordinator");
    }
    net->coordinator.ops = &ops;
    net->runtime = options->runtime;
    net->addresses = options->addresses;
    net->shared.identity = options->identity;
    pthread_mutex_init(&net->shared.mutex, NULL);
    *out = &net->coordinator;
    return HEARTH_OK;
}

void coordinator_net_rpc_destroy(struct coordinator *coordinator)
{
    struct coordinator_net_rpc *net = (struct coordinator_net_rpc *)coordinator;
    if (net == NULL) {
        return;
    }
    assert(net->shared.channel == NULL || net->shared.channel->refs == 1);
    forget_channel(net);
    rpc_credentials_unref(net->shared.credentials);
    pthread_mutex_destroy(&net->shared.mutex);
    free(net);
}
