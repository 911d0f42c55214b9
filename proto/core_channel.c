/*
 * core_channel.c - a channel of gRPC's: its credentials, its settings, what the end of a call
 * means.
 */
#include "proto/core.h"

#include <stdio.h>

struct core_expectation {
    struct rpc_expectation peer; /* set once */
    atomic_uint refs;            /* the channel's and its credentials' */

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    char problem[192]; /* why the last handshake's peer was refused; "": it was not */
};

/* ---- who is at the other end ---- */

static void expectation_unref(void *context)
{
    struct core_expectation *expectation = context;
    if (atomic_fetch_sub(&expectation->refs, 1) == 1) {
        pthread_mutex_destroy(&expectation->mutex);
        free(expectation);
    }
}

static struct core_expectation *expectation_create(const struct rpc_channel_options *options)
{
    struct core_expectation *expectation = calloc(1, sizeof(*expectation));
    assert(expectation != NULL);
    expectation->peer = rpc_expectation_of(options);
    atomic_init(&expectation->refs, 2);
    pthread_mutex_init(&expectation->mutex, NULL);
    return expectation;
}

/*
 * After the chain to our CA was verified.  Also runs when a TLS session is resumed.  gRPC compared
 * the DNS name before, through the override that its header calls a testing aid: we ask for the
 * name, but trust only the hash of the key, which pki_certificate_read() compares with the names.
 */
static int verify_peer(const char *target_name, const char *peer_pem, void *context)
{
    (void)target_name;
    struct core_expectation *expectation = context;
    struct pki_certificate peer;
    struct hearth_err err = {.message = ""};
    enum hearth_code code = pki_certificate_read(view_text(peer_pem), &peer, &err);
    if (code == HEARTH_OK) {
        code = rpc_expectation_check(&expectation->peer, &peer, &err);
    }
    UNLOCKS pthread_mutex_t *held = lock(&expectation->mutex);
    snprintf(expectation->problem, sizeof(expectation->problem), "%.180s", err.message);
    return code == HEARTH_OK ? 0 : 1;
}

/* ---- the channel ---- */

static grpc_channel_credentials *create_channel_credentials(
    const struct rpc_credentials *own, struct core_expectation *expectation)
{
    grpc_ssl_pem_key_cert_pair pair = {
        .private_key = own->key_pem,
        .cert_chain = own->certificate_pem,
    };
    grpc_ssl_verify_peer_options verify = {
        .verify_peer_callback = verify_peer,
        .verify_peer_callback_userdata = expectation,
        .verify_peer_destruct = expectation_unref,
    };
    return grpc_ssl_credentials_create_ex(own->ca_pem, &pair, &verify, NULL);
}

/* The largest message that an answer to us can be: a node need not hold a coordinator's lists. */
static int response_max(const struct rpc_table *table, enum peer_class own_class)
{
    uint32_t max = 0;
    for (unsigned i = 0; i < table->count; i++) {
        const struct rpc_method_row *row = &table->rows[i];
        if ((row->classes & (1u << own_class)) != 0 && row->response_max > max) {
            max = row->response_max;
        }
    }
    return (int)max;
}

static grpc_channel *create_channel(const struct core_channel *channel,
    const struct rpc_channel_options *options, grpc_channel_credentials *credentials)
{
    char name[PKI_DNS_NAME_SIZE];
    pki_dns_name(options->peer_class, options->peer_id, name);
    struct core_args args;
    core_args_init(&args, options->keepalive_ms);
    core_args_text(&args, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, name);
    core_args_add(&args, grpc_ssl_session_cache_create_channel_arg(options->credentials->sessions));
    enum peer_class own = rpc_credentials_certificate(options->credentials)->identity.class;
    core_args_int(
        &args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, response_max(channel->base.table, own));

    /* gRPC's least time between attempts is also its limit for one. */
    core_args_int(&args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS,
        (int)rpc_or_default(options->connect_timeout_ms, RPC_CONNECT_TIMEOUT_MS));
    core_args_int(&args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RPC_BACKOFF_FIRST_MS);
    core_args_int(&args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RPC_BACKOFF_MAX_MS);

    /* Nothing of what it would do by itself: no second attempt at a call, no connection shared
     * with another channel, no proxy from the environment, no settings from the DNS. */
    core_args_int(&args, GRPC_ARG_ENABLE_RETRIES, 0);
    core_args_int(&args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    core_args_int(&args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    core_args_int(&args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    char target[RPC_ADDRESS_TEXT_SIZE];
    snprintf(target, sizeof(target), "dns:///%s", options->address);
    return grpc_channel_create(target, credentials, &args.list);
}

struct core_channel *core_channel_ref(struct core_channel *channel)
{
    atomic_fetch_add(&channel->refs, 1);
    return channel;
}

void core_channel_unref(struct core_channel *channel)
{
    if (atomic_fetch_sub(&channel->refs, 1) > 1) {
        return;
    }
    expectation_unref(channel->expectation);
    free(channel->address);
    free(channel);
}

static void destroy(struct rpc_channel *base)
{
    struct core_channel *channel = (struct core_channel *)base;
    grpc_channel_destroy(channel->channel);
    core_channel_unref(channel);
}

static const struct rpc_channel_ops channel_ops = {
    .open_stream = core_stream_open, .start_call = core_call_start, .destroy = destroy};

enum hearth_code core_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err)
{
    struct core_channel *channel = calloc(1, sizeof(*channel));
    assert(channel != NULL);
    channel->base.ops = &channel_ops;
    atomic_init(&channel->refs, 1);
    channel->runtime = options->runtime;
    channel->base.table = options->table != NULL ? options->table : &rpc_methods;
    channel->address = strdup(options->address);
    assert(channel->address != NULL);

    channel->expectation = expectation_create(options);
    grpc_channel_credentials *credentials =
        create_channel_credentials(options->credentials, channel->expectation);
    if (credentials == NULL) {
        expectation_unref(channel->expectation);
        core_channel_unref(channel);
        return hearth_fail(err, HEARTH_INVALID, "channel to %s: credentials", options->address);
    }
    channel->channel = create_channel(channel, options, credentials);
    grpc_channel_credentials_release(credentials);
    *out = &channel->base;
    return HEARTH_OK;
}

/* ---- what calls and streams share ---- */

grpc_call *core_channel_create_call(
    struct core_channel *channel, const struct rpc_request *request, grpc_completion_queue *queue)
{
    assert(request->method < channel->base.table->count);
    grpc_slice path =
        grpc_slice_from_static_string(channel->base.table->rows[request->method].path);
    grpc_call *call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
        queue, path, NULL, core_deadline(request->deadline_ms), NULL);
    assert(call != NULL);
    return call;
}

grpc_metadata core_channel_metadata(struct core_channel *channel, const struct rpc_request *request)
{
    uint8_t id[RPC_REQUEST_ID_SIZE];
    rpc_request_id(channel->runtime->env, request, id);
    return (grpc_metadata){
        .key = grpc_slice_from_static_string(RPC_KEY_REQUEST_ID),
        .value = grpc_slice_from_copied_buffer((const char *)id, RPC_REQUEST_ID_SIZE),
    };
}

bool core_channel_is_ready(struct core_channel *channel)
{
    int try_to_connect = 1;
    return grpc_channel_check_connectivity_state(channel->channel, try_to_connect) ==
        GRPC_CHANNEL_READY;
}

enum hearth_code core_channel_ending(struct core_channel *channel, const struct rpc_method_row *row,
    const struct core_ending *ending, bool sent, bool cancelled, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&channel->expectation->mutex);
    const char *problem = channel->expectation->problem;
    struct core_attempt attempt = {
        .address = channel->address,
        .connect_problem = problem[0] != '\0' ? problem : NULL,
        .is_fixed = channel->expectation->peer.class == PEER_COORDINATOR,
        .sent = sent,
        .mutates = row->mutates,
        .cancelled = cancelled,
    };
    return core_ending_read(ending, &attempt, err);
}
