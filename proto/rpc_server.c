#include "proto/rpc_server.h"

#include "proto/rpc_transport.h"

enum hearth_code rpc_server_start(
    const struct rpc_server_options *options, struct rpc_server **out, struct hearth_err *err)
{
    assert(options->addresses[0] != NULL);
    return options->transport == RPC_LINK ? link_server_start(options, out, err)
                                          : core_server_start(options, out, err);
}

unsigned rpc_server_port(const struct rpc_server *server)
{
    return server->ops->port(server);
}

void rpc_server_set_credentials(struct rpc_server *server, struct rpc_credentials *credentials)
{
    server->ops->set_credentials(server, credentials);
}

void rpc_server_stop_blocking(struct rpc_server *server, uint32_t grace_ms)
{
    server->ops->stop_blocking(server, grace_ms);
}

void rpc_server_destroy(struct rpc_server *server)
{
    if (server != NULL) {
        server->ops->destroy(server);
    }
}

/* ---- what the transports share ---- */

static void index_handlers(struct rpc_server *server, const struct rpc_server_options *options)
{
    server->handlers = calloc(server->table->count, sizeof(*server->handlers));
    assert(server->handlers != NULL);
    for (unsigned i = 0; i < options->handler_count; i++) {
        const struct rpc_handler *handler = &options->handlers[i];
        assert(handler->method < server->table->count);
        bool unary = server->table->rows[handler->method].kind == RPC_UNARY;
        assert(unary ? handler->unary != NULL : handler->opened != NULL);
        assert(server->handlers[handler->method] == NULL);
        server->handlers[handler->method] = handler;
    }
}

void rpc_server_init(struct rpc_server *server, const struct rpc_server_options *options)
{
    server->runtime = options->runtime;
    server->table = options->table != NULL ? options->table : &rpc_methods;
    server->service = options->service;
    server->allowed = options->allowed;
    server->calls_max = rpc_or_default(options->calls_max, RPC_CALLS_MAX);
    index_handlers(server, options);
}

uint32_t rpc_server_request_max(const struct rpc_server *server)
{
    uint32_t max = 0;
    for (unsigned i = 0; i < server->table->count; i++) {
        if (server->handlers[i] != NULL && server->table->rows[i].request_max > max) {
            max = server->table->rows[i].request_max;
        }
    }
    return max;
}

void rpc_server_fini(struct rpc_server *server)
{
    free(server->handlers);
}

enum hearth_code rpc_server_find_method(const struct rpc_server *server, struct view path,
    struct rpc_context *context, struct hearth_err *err)
{
    for (unsigned i = 0; i < server->table->count; i++) {
        if (server->handlers[i] != NULL &&
            view_equal(view_text(server->table->rows[i].path), path)) {
            context->method = i;
            return HEARTH_OK;
        }
    }
    int shown = path.size < 100 ? (int)path.size : 100;
    return hearth_fail(
        err, HEARTH_UNIMPLEMENTED, "no method %.*s", shown, (const char *)path.bytes);
}

enum hearth_code rpc_server_check_peer(const struct rpc_server *server,
    const struct pki_certificate *certificate, struct rpc_context *context, struct hearth_err *err)
{
    const struct rpc_method_row *row = &server->table->rows[context->method];
    const struct peer_identity *peer = &certificate->identity;
    context->peer = *peer;
    /* TLS looked at the dates when the connection was made, which may be long ago. */
    if (pki_seconds_left(server->runtime->env, certificate) < 0) {
        return hearth_fail(err, HEARTH_EXPIRED, "the certificate of %s %s",
            peer_class_text(peer->class), peer->id_text);
    }
    if ((row->classes & (1u << peer->class)) == 0) {
        return hearth_fail(
            err, HEARTH_DENIED, "%s is not for a %s", row->path, peer_class_text(peer->class));
    }
    if (server->allowed != NULL && !server->allowed(server->service, peer)) {
        return hearth_fail(
            err, HEARTH_DENIED, "%s %s", peer_class_text(peer->class), peer->id_text);
    }
    return HEARTH_OK;
}

enum hearth_code rpc_server_take_deadline(const struct rpc_server *server, int64_t left_ms,
    struct rpc_context *context, struct hearth_err *err)
{
    if (left_ms > RPC_DEADLINE_MAX_MS + RPC_DEADLINE_ROUNDING_MS) {
        return hearth_fail(err, HEARTH_INVALID, "a deadline is needed, of at most %d s",
            RPC_DEADLINE_MAX_MS / 1000);
    }
    left_ms = left_ms < 0 ? 0 : left_ms < RPC_DEADLINE_MAX_MS ? left_ms : RPC_DEADLINE_MAX_MS;
    context->deadline_ns = env_now_ns(server->runtime->env) + (uint64_t)left_ms * 1000000;
    return HEARTH_OK;
}

enum hearth_code rpc_server_open_stream(const struct rpc_server *server, struct rpc_stream *stream,
    const struct rpc_stream_handlers **handlers, void **handler_context, struct hearth_err *err)
{
    enum hearth_code code = server->handlers[stream->context.method]->opened(
        server->service, stream, &stream->context, handlers, handler_context, err);
    assert(code != HEARTH_OK || *handlers != NULL);
    return code;
}

/* ---- addresses ---- */

bool rpc_split_address(const char *address, char *host, size_t host_size, const char **port)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL) {
        return false;
    }
    size_t length = (size_t)(colon - address);
    if (length >= 2 && address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    if (length >= host_size) {
        return false;
    }
    memcpy(host, address, length);
    host[length] = '\0';
    *port = colon + 1;
    return true;
}
