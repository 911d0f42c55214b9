#include "proto/rpc_channel.h"

#include "proto/rpc_transport.h"
#include "proto/wire_messages.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>

enum hearth_code rpc_channel_create(
    const struct rpc_channel_options *options, struct rpc_channel **out, struct hearth_err *err)
{
    assert(options->peer_id != NULL || options->peer_class == PEER_COORDINATOR);
    return options->transport == RPC_LINK ? link_channel_create(options, out, err)
                                          : core_channel_create(options, out, err);
}

void rpc_channel_destroy(struct rpc_channel *channel)
{
    if (channel != NULL) {
        channel->ops->destroy(channel);
    }
}

/* ---- what the transports share ---- */

struct rpc_expectation rpc_expectation_of(const struct rpc_channel_options *options)
{
    const struct pki_certificate *own = rpc_credentials_certificate(options->credentials);
    struct rpc_expectation expectation = {
        .class = options->peer_class, .any_id = options->peer_id == NULL};
    memcpy(expectation.cluster, own->identity.cluster, PKI_CLUSTER_SIZE);
    if (options->peer_id != NULL) {
        memcpy(expectation.id, options->peer_id, PKI_ID_SIZE);
    }
    return expectation;
}

enum hearth_code rpc_expectation_check(const struct rpc_expectation *expectation,
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

void rpc_request_id(
    struct env *env, const struct rpc_request *request, uint8_t id[RPC_REQUEST_ID_SIZE])
{
    if (request->request_id != NULL) {
        memcpy(id, request->request_id, RPC_REQUEST_ID_SIZE);
    } else {
        env_random(env, id, RPC_REQUEST_ID_SIZE);
    }
}

enum hearth_code rpc_nonsense(
    const char *address, const struct rpc_method_row *row, const char *what, struct hearth_err *err)
{
    enum hearth_code code = row->mutates ? HEARTH_UNKNOWN : HEARTH_UNREACHABLE;
    return hearth_fail(err, code, "%s: %s", address, what);
}

void rpc_copy_text(struct view text, char out[RPC_MESSAGE_TEXT_MAX + 1])
{
    size_t size = text.size < RPC_MESSAGE_TEXT_MAX ? text.size : RPC_MESSAGE_TEXT_MAX;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = text.bytes[i];
        out[i] = byte < 0x20 || byte == 0x7f ? '?' : (char)byte;
    }
    out[size] = '\0';
}

static_assert((int)WIRE_HOST_MAX + sizeof("[]:65535") <= RPC_HOST_PORT_SIZE, "the longest fits");

void rpc_host_port(struct view host, unsigned port, char text[RPC_HOST_PORT_SIZE])
{
    assert(host.size <= WIRE_HOST_MAX && port <= UINT16_MAX);
    bool is_v6 = memchr(host.bytes, ':', host.size) != NULL;
    snprintf(text, RPC_HOST_PORT_SIZE, is_v6 ? "[%.*s]:%u" : "%.*s:%u", VIEW_ARGS(host), port);
}

/* ---- unary calls ---- */

enum hearth_code rpc_call_start(struct rpc_channel *channel, const struct rpc_request *request,
    struct arena *arena, void *response, rpc_call_done_fn *done, void *context,
    struct rpc_call **out, struct hearth_err *err)
{
    assert(channel->ops->start_call != NULL);
    return channel->ops->start_call(channel, request, arena, response, done, context, out, err);
}

/* A semaphore and no lock: who is woken has nothing to wait for. */
struct waiter {
    sem_t arrived;
    enum hearth_code code;
    struct hearth_err *err;
};

static void wake(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct waiter *waiter = context;
    waiter->code = code;
    if (code != HEARTH_OK) {
        *waiter->err = *err;
    }
    sem_post(&waiter->arrived);
}

enum hearth_code rpc_call_blocking(struct rpc_channel *channel, const struct rpc_request *request,
    struct arena *arena, void *response, struct hearth_err *err)
{
    struct waiter waiter = {.err = err};
    sem_init(&waiter.arrived, 0, 0);
    enum hearth_code code =
        rpc_call_start(channel, request, arena, response, wake, &waiter, NULL, err);
    if (code == HEARTH_OK) {
        while (sem_wait(&waiter.arrived) != 0) { /* the call's deadline ends it */
            assert(errno == EINTR);
        }
        code = waiter.code;
    }
    sem_destroy(&waiter.arrived);
    return code;
}
