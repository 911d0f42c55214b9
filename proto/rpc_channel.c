#include "proto/rpc_channel.h"

#include "proto/rpc_core.h"
#include "proto/wire.h"

#include <stdio.h>

enum { CONNECT_TIMEOUT_MS = 5000, BACKOFF_FIRST_MS = 200, BACKOFF_MAX_MS = 5000 };

struct rpc_expectation {
    /* Set once. */
    uint8_t cluster[PKI_CLUSTER_SIZE];
    enum peer_class class;
    bool any_id;
    uint8_t id[PKI_ID_SIZE];

    atomic_uint refs; /* the channel's and its credentials' */

    /* Any thread, holding mutex. */
    pthread_mutex_t mutex;
    char problem[192]; /* why the last handshake's peer was refused; "": it was not */
};

/* ---- who is at the other end ---- */

static void expectation_unref(void *context)
{
    struct rpc_expectation *expectation = context;
    if (atomic_fetch_sub(&expectation->refs, 1) == 1) {
        pthread_mutex_destroy(&expectation->mutex);
        free(expectation);
    }
}

static struct rpc_expectation *expectation_create(const struct rpc_channel_options *options)
{
    struct rpc_expectation *expectation = calloc(1, sizeof(*expectation));
    assert(expectation != NULL);
    const struct pki_certificate *own = rpc_credentials_certificate(options->credentials);
    memcpy(expectation->cluster, own->identity.cluster, PKI_CLUSTER_SIZE);
    expectation->class = options->peer_class;
    expectation->any_id = options->peer_id == NULL;
    if (options->peer_id != NULL) {
        memcpy(expectation->id, options->peer_id, PKI_ID_SIZE);
    }
    atomic_init(&expectation->refs, 2);
    pthread_mutex_init(&expectation->mutex, NULL);
    return expectation;
}

static enum hearth_code check_peer(const struct rpc_expectation *expectation,
    const struct pki_certificate *peer, struct hearth_err *err)
{
    const struct peer_identity *identity = &peer->identity;
    if (memcmp(identity->cluster, expectation->cluster, PKI_CLUSTER_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "it is of another cluster");
    }
    if (identity->class != expectation->class) {
        return hearth_fail(err, HEARTH_DENIED, "it is a %s, not a %s",
            peer_class_text(identity->class), peer_class_text(expectation->class));
    }
    if (!expectation->any_id && memcmp(identity->id, expectation->id, PKI_ID_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED, "it is %s %s, another was expected",
            peer_class_text(identity->class), identity->id_text);
    }
    return HEARTH_OK;
}

/*
 * After the chain to our CA was verified.  Also runs when a TLS session is resumed.  gRPC compared
 * the DNS name before, through the override that its header calls a testing aid: we ask for the
 * name, but trust only the hash of the key, which pki_certificate_read() compares with the names.
 */
static int verify_peer(const char *target_name, const char *peer_pem, void *context)
{
    (void)target_name;
    struct rpc_expectation *expectation = context;
    struct pki_certificate peer;
    struct hearth_err err = {.message = ""};
    enum hearth_code code = pki_certificate_read(view_text(peer_pem), &peer, &err);
    if (code == HEARTH_OK) {
        code = check_peer(expectation, &peer, &err);
    }
    UNLOCKS pthread_mutex_t *held = lock(&expectation->mutex);
    snprintf(expectation->problem, sizeof(expectation->problem), "%.180s", err.message);
    return code == HEARTH_OK ? 0 : 1;
}

/* ---- the channel ---- */

static grpc_channel_credentials *create_channel_credentials(
    const struct rpc_credentials *own, struct rpc_expectation *expectation)
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

static int connect_timeout(const struct rpc_channel_options *options)
{
    return options->connect_timeout_ms > 0 ? (int)options->connect_timeout_ms : CONNECT_TIMEOUT_MS;
}

static grpc_channel *create_channel(const struct rpc_channel *channel,
    const struct rpc_channel_options *options, grpc_channel_credentials *credentials)
{
    char name[PKI_DNS_NAME_SIZE];
    pki_dns_name(options->peer_class, options->peer_id, name);
    struct rpc_args args;
    rpc_args_init(&args, options->keepalive_ms, options->lookahead_bytes);
    rpc_args_text(&args, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, name);
    rpc_args_add(&args, grpc_ssl_session_cache_create_channel_arg(options->credentials->sessions));
    enum peer_class own = rpc_credentials_certificate(options->credentials)->identity.class;
    rpc_args_int(&args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, response_max(channel->table, own));

    /* gRPC's least time between attempts is also its limit for one. */
    rpc_args_int(&args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, connect_timeout(options));
    rpc_args_int(&args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, BACKOFF_FIRST_MS);
    rpc_args_int(&args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, BACKOFF_MAX_MS);

    /* Nothing of what it would do by itself: no second attempt at a call, no connection shared
     * with another channel, no proxy from the environment, no settings from the DNS. */
    rpc_args_int(&args, GRPC_ARG_ENABLE_RETRIES, 0);
    rpc_args_int(&args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    rpc_args_int(&args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
    rpc_args_int(&args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
    char target[RPC_ADDRESS_TEXT_SIZE];
    snprintf(target, sizeof(target), "dns:///%s", options->address);
    return grpc_channel_create(target, credentials, &args.list);
}

enum hearth_code rpc_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err)
{
    assert(options->peer_id != NULL || options->peer_class == PEER_COORDINATOR);
    struct rpc_channel *channel = calloc(1, sizeof(*channel));
    assert(channel != NULL);
    atomic_init(&channel->refs, 1);
    channel->runtime = options->runtime;
    channel->table = options->table != NULL ? options->table : &rpc_methods;
    channel->address = strdup(options->address);
    assert(channel->address != NULL);

    channel->expectation = expectation_create(options);
    grpc_channel_credentials *credentials =
        create_channel_credentials(options->credentials, channel->expectation);
    if (credentials == NULL) {
        expectation_unref(channel->expectation);
        rpc_channel_unref(channel);
        return hearth_fail(err, HEARTH_INVALID, "channel to %s: credentials", options->address);
    }
    channel->channel = create_channel(channel, options, credentials);
    grpc_channel_credentials_release(credentials);
    *out = channel;
    return HEARTH_OK;
}

struct rpc_channel *rpc_channel_ref(struct rpc_channel *channel)
{
    atomic_fetch_add(&channel->refs, 1);
    return channel;
}

void rpc_channel_unref(struct rpc_channel *channel)
{
    if (atomic_fetch_sub(&channel->refs, 1) > 1) {
        return;
    }
    expectation_unref(channel->expectation);
    free(channel->address);
    free(channel);
}

void rpc_channel_destroy(struct rpc_channel *channel)
{
    if (channel != NULL) {
        grpc_channel_destroy(channel->channel);
        rpc_channel_unref(channel);
    }
}

/* ---- what calls and streams share ---- */

grpc_call *rpc_channel_create_call(
    struct rpc_channel *channel, const struct rpc_request *request, grpc_completion_queue *queue)
{
    assert(request->method < channel->table->count);
    grpc_slice path = grpc_slice_from_static_string(channel->table->rows[request->method].path);
    grpc_call *call = grpc_channel_create_call(channel->channel, NULL, GRPC_PROPAGATE_DEFAULTS,
        queue, path, NULL, rpc_deadline(request->deadline_ms), NULL);
    assert(call != NULL);
    return call;
}

grpc_metadata rpc_channel_metadata(struct rpc_channel *channel, const struct rpc_request *request)
{
    uint8_t drawn[RPC_REQUEST_ID_SIZE];
    const uint8_t *id = request->request_id;
    if (id == NULL) {
        env_random(channel->runtime->env, drawn, sizeof(drawn));
        id = drawn;
    }
    return (grpc_metadata){
        .key = grpc_slice_from_static_string(RPC_KEY_REQUEST_ID),
        .value = grpc_slice_from_copied_buffer((const char *)id, RPC_REQUEST_ID_SIZE),
    };
}

enum hearth_code rpc_encode_within(const struct wire_message *wire, const void *message,
    uint32_t size_max, const char *path, struct buf **out, struct hearth_err *err)
{
    struct buf *encoded;
    enum hearth_code code = wire_encode(wire, message, &encoded, err);
    if (code != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", path);
    }
    if (encoded->size > size_max) {
        size_t size = encoded->size;
        buf_unref(encoded);
        return hearth_fail(err, HEARTH_INVALID, "%s: a message of %zu bytes, at most %u", path,
            size, (unsigned)size_max);
    }
    *out = encoded;
    return HEARTH_OK;
}

bool rpc_channel_is_ready(struct rpc_channel *channel)
{
    int try_to_connect = 1;
    return grpc_channel_check_connectivity_state(channel->channel, try_to_connect) ==
        GRPC_CHANNEL_READY;
}

enum hearth_code rpc_channel_ending(struct rpc_channel *channel, const struct rpc_method_row *row,
    const struct rpc_ending *ending, bool sent, bool cancelled, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&channel->expectation->mutex);
    const char *problem = channel->expectation->problem;
    struct rpc_attempt attempt = {
        .address = channel->address,
        .connect_problem = problem[0] != '\0' ? problem : NULL,
        .is_fixed = channel->expectation->class == PEER_COORDINATOR,
        .sent = sent,
        .mutates = row->mutates,
        .cancelled = cancelled,
    };
    return rpc_ending_read(ending, &attempt, err);
}

enum hearth_code rpc_channel_nonsense(struct rpc_channel *channel, const struct rpc_method_row *row,
    const char *what, struct hearth_err *err)
{
    enum hearth_code code = row->mutates ? HEARTH_UNKNOWN : HEARTH_UNREACHABLE;
    return hearth_fail(err, code, "%s: %s", channel->address, what);
}
