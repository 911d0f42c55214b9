/*
 * Only in the preset tsan: tells ThreadSanitizer what gRPC's queue promises.
 *
 * gRPC is not instrumented, so its own hand-over of an event, by atomics, is not seen: whatever a
 * tag's thread wrote before it started the batch would look unordered with what the pump does
 * after the event.  Each tag is released where it goes in and acquired where it comes out, and so
 * is what our callbacks are given; the linker puts these functions in front of gRPC's.
 */
#include <assert.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <sanitizer/tsan_interface.h>
#include <stdlib.h>

/* ---- the queue ---- */

grpc_call_error __real_grpc_call_start_batch(
    grpc_call *call, const grpc_op *ops, size_t count, void *tag, void *reserved);
grpc_call_error __wrap_grpc_call_start_batch(
    grpc_call *call, const grpc_op *ops, size_t count, void *tag, void *reserved);

grpc_call_error __wrap_grpc_call_start_batch(
    grpc_call *call, const grpc_op *ops, size_t count, void *tag, void *reserved)
{
    __tsan_release(tag);
    return __real_grpc_call_start_batch(call, ops, count, tag, reserved);
}

grpc_call_error __real_grpc_server_request_call(grpc_server *server, grpc_call **call,
    grpc_call_details *details, grpc_metadata_array *metadata, grpc_completion_queue *bound,
    grpc_completion_queue *notified, void *tag);
grpc_call_error __wrap_grpc_server_request_call(grpc_server *server, grpc_call **call,
    grpc_call_details *details, grpc_metadata_array *metadata, grpc_completion_queue *bound,
    grpc_completion_queue *notified, void *tag);

grpc_call_error __wrap_grpc_server_request_call(grpc_server *server, grpc_call **call,
    grpc_call_details *details, grpc_metadata_array *metadata, grpc_completion_queue *bound,
    grpc_completion_queue *notified, void *tag)
{
    __tsan_release(tag);
    return __real_grpc_server_request_call(server, call, details, metadata, bound, notified, tag);
}

void __real_grpc_server_shutdown_and_notify(
    grpc_server *server, grpc_completion_queue *queue, void *tag);
void __wrap_grpc_server_shutdown_and_notify(
    grpc_server *server, grpc_completion_queue *queue, void *tag);

void __wrap_grpc_server_shutdown_and_notify(
    grpc_server *server, grpc_completion_queue *queue, void *tag)
{
    __tsan_release(tag);
    __real_grpc_server_shutdown_and_notify(server, queue, tag);
}

grpc_event __real_grpc_completion_queue_next(
    grpc_completion_queue *queue, gpr_timespec deadline, void *reserved);
grpc_event __wrap_grpc_completion_queue_next(
    grpc_completion_queue *queue, gpr_timespec deadline, void *reserved);

grpc_event __wrap_grpc_completion_queue_next(
    grpc_completion_queue *queue, gpr_timespec deadline, void *reserved)
{
    grpc_event event = __real_grpc_completion_queue_next(queue, deadline, reserved);
    if (event.type == GRPC_OP_COMPLETE) {
        __tsan_acquire(event.tag);
    }
    return event;
}

/* ---- callbacks ---- */

/* What gRPC is given in place of a callback of ours and its context. */
struct callback {
    void *context;
    void (*destroy)(void *context);
    int (*verify)(const char *target_name, const char *peer_pem, void *context);
    grpc_ssl_server_certificate_config_callback fetch;
};

static struct callback *callback_create(void *context)
{
    struct callback *callback = calloc(1, sizeof(*callback));
    assert(callback != NULL);
    callback->context = context;
    return callback;
}

static struct callback *callback_enter(void *context)
{
    __tsan_acquire(context);
    return context;
}

static void run_destroy(void *context)
{
    struct callback *callback = callback_enter(context);
    callback->destroy(callback->context);
    free(callback);
}

static int run_verify(const char *target_name, const char *peer_pem, void *context)
{
    struct callback *callback = callback_enter(context);
    int rc = callback->verify(target_name, peer_pem, callback->context);
    __tsan_release(callback);
    return rc;
}

static grpc_ssl_certificate_config_reload_status run_fetch(
    void *context, grpc_ssl_server_certificate_config **config)
{
    struct callback *callback = callback_enter(context);
    return callback->fetch(callback->context, config);
}

grpc_slice __real_grpc_slice_new_with_user_data(
    void *bytes, size_t size, void (*destroy)(void *), void *context);
grpc_slice __wrap_grpc_slice_new_with_user_data(
    void *bytes, size_t size, void (*destroy)(void *), void *context);

grpc_slice __wrap_grpc_slice_new_with_user_data(
    void *bytes, size_t size, void (*destroy)(void *), void *context)
{
    struct callback *callback = callback_create(context);
    callback->destroy = destroy;
    __tsan_release(callback);
    return __real_grpc_slice_new_with_user_data(bytes, size, run_destroy, callback);
}

grpc_channel_credentials *__real_grpc_ssl_credentials_create_ex(const char *ca_pem,
    grpc_ssl_pem_key_cert_pair *pair, const grpc_ssl_verify_peer_options *verify, void *reserved);
grpc_channel_credentials *__wrap_grpc_ssl_credentials_create_ex(const char *ca_pem,
    grpc_ssl_pem_key_cert_pair *pair, const grpc_ssl_verify_peer_options *verify, void *reserved);

grpc_channel_credentials *__wrap_grpc_ssl_credentials_create_ex(const char *ca_pem,
    grpc_ssl_pem_key_cert_pair *pair, const grpc_ssl_verify_peer_options *verify, void *reserved)
{
    struct callback *callback = callback_create(verify->verify_peer_callback_userdata);
    callback->verify = verify->verify_peer_callback;
    callback->destroy = verify->verify_peer_destruct;
    __tsan_release(callback);
    const grpc_ssl_verify_peer_options ours = {.verify_peer_callback = run_verify,
        .verify_peer_callback_userdata = callback,
        .verify_peer_destruct = run_destroy};
    return __real_grpc_ssl_credentials_create_ex(ca_pem, pair, &ours, reserved);
}

grpc_ssl_server_credentials_options *
__real_grpc_ssl_server_credentials_create_options_using_config_fetcher(
    grpc_ssl_client_certificate_request_type request,
    grpc_ssl_server_certificate_config_callback fetch, void *context);
grpc_ssl_server_credentials_options *
__wrap_grpc_ssl_server_credentials_create_options_using_config_fetcher(
    grpc_ssl_client_certificate_request_type request,
    grpc_ssl_server_certificate_config_callback fetch, void *context);

/* gRPC never says that it is done with a fetcher: this callback is not freed. */
grpc_ssl_server_credentials_options *
__wrap_grpc_ssl_server_credentials_create_options_using_config_fetcher(
    grpc_ssl_client_certificate_request_type request,
    grpc_ssl_server_certificate_config_callback fetch, void *context)
{
    struct callback *callback = callback_create(context);
    callback->fetch = fetch;
    __tsan_release(callback);
    return __real_grpc_ssl_server_credentials_create_options_using_config_fetcher(
        request, run_fetch, callback);
}
