#include "tools/admin.h"

#include "client/client_join.h"
#include "tools/interrupt.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* A stream may take as long as servers allow. */
enum { DEADLINE_MS = 20 * 1000, STREAM_DEADLINE_MS = 60 * 60 * 1000 };

struct admin {
    struct arena arena; /* answers */
    struct client_config config;
    struct arena config_arena;
    struct rpc_runtime *runtime;
    struct rpc_credentials *credentials;
    struct rpc_channel *channel;
    unsigned address; /* of the coordinators, where it goes */
    const atomic_bool *cancel;
    bool is_misused; /* by who typed it */
};

/* ---- connecting ---- */

/* An operator who was away for months comes back like anybody: the certificate is renewed. */
static enum hearth_code load_credentials(struct admin *admin, struct hearth_err *err)
{
    struct identity identity;
    struct identity_files files = client_identity_files(&admin->config, PEER_ADMIN);
    enum hearth_code code = identity_load(&identity, env_system(), &files, err);
    if (code == HEARTH_NOT_FOUND) {
        hearth_err_prefix(err, "no operator's identity (hearth-admin init makes one)");
    }
    if (code == HEARTH_OK && identity_should_renew(&identity)) {
        struct hearth_err ignored; /* the old certificate may still do; if not, the call says so */
        identity_renew(&identity, &ignored);
    }
    if (code == HEARTH_OK) {
        code = identity_credentials(&identity, &admin->credentials, err);
    }
    identity_fini(&identity);
    return code;
}

static enum hearth_code open_channel(struct admin *admin, struct hearth_err *err)
{
    char address[CONFIG_ADDRESS_TEXT_SIZE];
    config_format_address(&admin->config.coordinators.items[admin->address], address);
    struct rpc_channel_options options = {
        .runtime = admin->runtime,
        .credentials = admin->credentials,
        .address = address,
        .peer_class = PEER_COORDINATOR,
    };
    return rpc_channel_create(&options, &admin->channel, err);
}

static enum hearth_code admin_open(
    struct admin *admin, const struct program_call *call, struct hearth_err *err)
{
    arena_init(&admin->arena, 0);
    arena_init(&admin->config_arena, 0);
    admin->cancel = interrupt_watch();
    if (config_load(&client_config_table, call->config_path, &admin->config_arena, &admin->config,
            err) != HEARTH_OK ||
        load_credentials(admin, err) != HEARTH_OK ||
        rpc_runtime_create(&(struct rpc_runtime_options){0}, &admin->runtime, err) != HEARTH_OK) {
        return err->code;
    }
    return open_channel(admin, err);
}

static void admin_close(struct admin *admin)
{
    rpc_channel_destroy(admin->channel);
    rpc_credentials_unref(admin->credentials);
    rpc_runtime_destroy(admin->runtime);
    arena_fini(&admin->config_arena);
    arena_fini(&admin->arena);
}

/* "bucket create ann photos" */
static void prefix_call(const struct program_call *call, struct hearth_err *err)
{
    char text[HEARTH_ERR_MESSAGE_SIZE];
    size_t length = (size_t)snprintf(text, sizeof(text), "%s", call->verb->name);
    for (int i = 0; i < call->argument_count && length < sizeof(text); i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, " %s", call->arguments[i]);
    }
    hearth_err_prefix(err, "%s", text);
}

enum program_exit admin_run(
    const struct program_call *call, admin_run_fn *run, struct hearth_err *err)
{
    struct admin admin = {0};
    enum hearth_code code = admin_open(&admin, call, err);
    if (code == HEARTH_OK) {
        code = run(&admin, call, err);
    }
    admin_close(&admin);
    if (code != HEARTH_OK) {
        prefix_call(call, err);
    }
    return admin.is_misused ? PROGRAM_USAGE : program_result(code);
}

enum hearth_code admin_usage(struct admin *admin, struct hearth_err *err, const char *fmt, ...)
{
    char text[HEARTH_ERR_MESSAGE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    admin->is_misused = true;
    program_usage(err, "%s", text);
    return err->code;
}

/* ---- asking ---- */

struct arena *admin_arena(struct admin *admin)
{
    return &admin->arena;
}

const atomic_bool *admin_cancel(const struct admin *admin)
{
    return admin->cancel;
}

static enum hearth_code go_to_address(struct admin *admin, unsigned address, struct hearth_err *err)
{
    rpc_channel_destroy(admin->channel);
    admin->channel = NULL;
    admin->address = address;
    return open_channel(admin, err);
}

enum hearth_code admin_begin_again(struct admin *admin, struct hearth_err *err)
{
    return go_to_address(admin, 0, err);
}

/* Who certainly was not reached has not done it: the next address, each of them once in a run. */
enum hearth_code admin_ask(struct admin *admin, enum rpc_method method, const void *request,
    void *reply, struct hearth_err *err)
{
    struct rpc_request ask = {.method = method, .message = request, .deadline_ms = DEADLINE_MS};
    enum hearth_code code = rpc_call_blocking(admin->channel, &ask, &admin->arena, reply, err);
    while (code == HEARTH_UNREACHABLE && admin->address + 1 < admin->config.coordinators.count) {
        code = go_to_address(admin, admin->address + 1, err);
        if (code == HEARTH_OK) {
            code = rpc_call_blocking(admin->channel, &ask, &admin->arena, reply, err);
        }
    }
    return code;
}

enum hearth_code admin_stream(struct admin *admin, enum rpc_method method, const void *request,
    const struct rpc_stream_handlers *handlers, void *context, struct rpc_stream **out,
    struct hearth_err *err)
{
    struct rpc_request ask = {
        .method = method, .message = request, .deadline_ms = STREAM_DEADLINE_MS};
    struct wire_node_list_reply nodes;
    if (admin_ask(admin, RPC_NODE_LIST, &(struct wire_empty){0}, &nodes, err) != HEARTH_OK) {
        return err->code; /* asked to find out which address answers */
    }
    return rpc_stream_open(admin->channel, &ask, handlers, context, out, err);
}
