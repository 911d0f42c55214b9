#include "storaged/coordinator_rpc.h"

#include "common/cleanup.h"

#include <assert.h>
#include <stdlib.h>

enum { REPLY_ARENA_MAX = 512 * 1024 }; /* a decoded reply with its longest list of dead shards */

struct coordinator_rpc {
    struct coordinator_link link; /* first: the seam's functions get a pointer to it */

    /* Set once. */
    struct loop *loop;
    struct rpc_runtime *runtime;
    const char *const *addresses;
    unsigned address_count;

    struct {
        struct rpc_channel *channel; /* NULL: to be made by the next call */
        unsigned address;
        struct coordinator_call *call; /* NULL: none under way */
        struct rpc_call *rpc_call;
    } on_loop;

    /* Of the call under way: gRPC's until its done(), then the loop's. */
    struct {
        struct arena arena;
        struct wire_heartbeat_reply reply;
        struct hearth_err err;
        struct task task;
    } answer;

    struct {
        pthread_mutex_t mutex;
        struct rpc_credentials *credentials;
        bool is_new; /* the channel still has those before */
    } shared;
};

/* ---- the channel ---- */

static void drop_channel_on_loop(struct coordinator_rpc *rpc)
{
    rpc_channel_destroy(rpc->on_loop.channel);
    rpc->on_loop.channel = NULL;
}

/* A reference for the caller, when the channel must be made with them; else NULL. */
static struct rpc_credentials *take_new_credentials(struct coordinator_rpc *rpc)
{
    UNLOCKS pthread_mutex_t *held = lock(&rpc->shared.mutex);
    if (rpc->on_loop.channel != NULL && !rpc->shared.is_new) {
        return NULL;
    }
    rpc->shared.is_new = false;
    return rpc_credentials_ref(rpc->shared.credentials);
}

static enum hearth_code ready_channel_on_loop(struct coordinator_rpc *rpc, struct hearth_err *err)
{
    struct rpc_credentials *credentials = take_new_credentials(rpc);
    if (credentials == NULL) {
        return HEARTH_OK;
    }
    drop_channel_on_loop(rpc);
    const struct rpc_channel_options options = {
        .runtime = rpc->runtime,
        .credentials = credentials,
        .address = rpc->addresses[rpc->on_loop.address],
        .peer_class = PEER_COORDINATOR,
    };
    enum hearth_code code = rpc_channel_create(&options, &rpc->on_loop.channel, err);
    rpc_credentials_unref(credentials);
    return code;
}

/* ---- the answer ---- */

static void run_answer(struct task *task)
{
    struct coordinator_rpc *rpc =
        (struct coordinator_rpc *)((char *)task - offsetof(struct coordinator_rpc, answer.task));
    struct coordinator_call *call = rpc->on_loop.call;
    const struct hearth_err *err = &rpc->answer.err;
    rpc->on_loop.call = NULL;
    rpc_call_release(rpc->on_loop.rpc_call);
    rpc->on_loop.rpc_call = NULL;
    call->err = *err;
    if (err->code != HEARTH_OK) {
        drop_channel_on_loop(rpc);
        rpc->on_loop.address = (rpc->on_loop.address + 1) % rpc->address_count;
    }
    call->done(call, &rpc->answer.reply);
    arena_fini(&rpc->answer.arena);
}

/* On a pump thread. */
static void rpc_done(void *context, enum hearth_code code, const struct hearth_err *err)
{
    struct coordinator_rpc *rpc = context;
    if (code != HEARTH_OK) {
        rpc->answer.err = *err;
        hearth_err_prefix(&rpc->answer.err, "heartbeat");
    }
    loop_post(rpc->loop, &rpc->answer.task);
}

/* ---- the seam ---- */

static enum hearth_code start_call(
    struct coordinator_rpc *rpc, const struct coordinator_call *call, struct hearth_err *err)
{
    const struct rpc_request request = {
        .method = RPC_HEARTBEAT,
        .message = call->request,
        .deadline_ms = COORDINATOR_CALL_MS,
    };
    if (ready_channel_on_loop(rpc, err) != HEARTH_OK) {
        return err->code;
    }
    return rpc_call_start(rpc->on_loop.channel, &request, &rpc->answer.arena, &rpc->answer.reply,
        rpc_done, rpc, &rpc->on_loop.rpc_call, err);
}

static void link_send(struct coordinator_link *link, struct coordinator_call *call)
{
    struct coordinator_rpc *rpc = (struct coordinator_rpc *)link;
    struct hearth_err err;
    assert(rpc->on_loop.call == NULL);
    rpc->on_loop.call = call;
    rpc->answer.err = (struct hearth_err){.code = HEARTH_OK};
    arena_init(&rpc->answer.arena, REPLY_ARENA_MAX);
    if (start_call(rpc, call, &err) != HEARTH_OK) {
        rpc->answer.err = err;
        loop_post(rpc->loop, &rpc->answer.task);
    }
}

static void link_cancel(struct coordinator_link *link)
{
    struct coordinator_rpc *rpc = (struct coordinator_rpc *)link;
    if (rpc->on_loop.rpc_call != NULL) {
        rpc_call_cancel(rpc->on_loop.rpc_call);
    }
}

/* ---- a life ---- */

enum hearth_code coordinator_rpc_create(const struct coordinator_rpc_options *options,
    struct coordinator_rpc **out, struct hearth_err *err)
{
    static const struct coordinator_link_ops ops = {.send = link_send, .cancel = link_cancel};
    assert(options->address_count >= 1);
    struct coordinator_rpc *rpc = calloc(1, sizeof(*rpc));
    if (rpc == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "link to the coordinator");
    }
    rpc->link.ops = &ops;
    rpc->loop = options->loop;
    rpc->runtime = options->runtime;
    rpc->addresses = options->addresses;
    rpc->address_count = options->address_count;
    rpc->answer.task.run = run_answer;
    rpc->shared.credentials = rpc_credentials_ref(options->credentials);
    pthread_mutex_init(&rpc->shared.mutex, NULL);
    *out = rpc;
    return HEARTH_OK;
}

void coordinator_rpc_destroy(struct coordinator_rpc *rpc)
{
    if (rpc == NULL) {
        return;
    }
    assert(rpc->on_loop.call == NULL);
    drop_channel_on_loop(rpc);
    rpc_credentials_unref(rpc->shared.credentials);
    pthread_mutex_destroy(&rpc->shared.mutex);
    free(rpc);
}

struct coordinator_link *coordinator_rpc_link(struct coordinator_rpc *rpc)
{
    return &rpc->link;
}

void coordinator_rpc_set_credentials(
    struct coordinator_rpc *rpc, struct rpc_credentials *credentials)
{
    UNLOCKS pthread_mutex_t *held = lock(&rpc->shared.mutex);
    rpc_credentials_unref(rpc->shared.credentials);
    rpc->shared.credentials = rpc_credentials_ref(credentials);
    rpc->shared.is_new = true;
}
