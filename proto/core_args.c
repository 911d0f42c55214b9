/*
 * core_args.c - the settings of channels and servers, each with its reason.
 */
#include "proto/core.h"

void core_args_add(struct core_args *args, grpc_arg arg)
{
    assert(args->list.num_args < sizeof(args->args) / sizeof(args->args[0]));
    args->args[args->list.num_args++] = arg;
}

void core_args_int(struct core_args *args, const char *key, int value)
{
    grpc_arg arg = {.type = GRPC_ARG_INTEGER, .key = (char *)key};
    arg.value.integer = value;
    core_args_add(args, arg);
}

void core_args_text(struct core_args *args, const char *key, const char *value)
{
    grpc_arg arg = {.type = GRPC_ARG_STRING, .key = (char *)key};
    arg.value.string = (char *)value;
    core_args_add(args, arg);
}

void core_args_pointer(
    struct core_args *args, const char *key, void *pointer, const grpc_arg_pointer_vtable *vtable)
{
    grpc_arg arg = {.type = GRPC_ARG_POINTER, .key = (char *)key};
    arg.value.pointer.p = pointer;
    arg.value.pointer.vtable = vtable;
    core_args_add(args, arg);
}

void core_args_init(struct core_args *args, unsigned keepalive_ms)
{
    args->list = (grpc_channel_args){.num_args = 0, .args = args->args};

    /* Home routers forget a silent connection in 30 s; a peer whose house lost power says nothing
     * at all.  So both ends ping, calls or not, for as long as the connection lasts. */
    int keepalive = (int)rpc_or_default(keepalive_ms, RPC_KEEPALIVE_MS);
    core_args_int(args, GRPC_ARG_KEEPALIVE_TIME_MS, keepalive);
    core_args_int(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, keepalive / 2);
    core_args_int(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
    core_args_int(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);

    /* Without the probe the window stays what we say: memory of a stream is bounded and known. */
    core_args_int(args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
    core_args_int(args, GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, RPC_LOOKAHEAD_BYTES);
    core_args_int(args, GRPC_ARG_MAX_METADATA_SIZE, CORE_METADATA_MAX);

    /* Sealed bytes do not compress, and a peer could send a bomb. */
    core_args_int(args, GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0);
    core_args_int(args, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);

    /* Its own memory of past events, which we have no reader for. */
    core_args_int(args, GRPC_ARG_ENABLE_CHANNELZ, 0);
    core_args_int(args, GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
}
