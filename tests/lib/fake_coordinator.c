#include "proto/wire.h"
#include "tests/lib/fake_coordinator_parts.h"

void *fake_remember(struct fake_coordinator *self, size_t size)
{
    void *memory = arena_take(&self->arena, size);
    assert(memory != NULL);
    return memory;
}

struct view fake_remember_bytes(struct fake_coordinator *self, const void *bytes, size_t size)
{
    return arena_copy(&self->arena, view_of(bytes, size));
}

struct view fake_id_of_number(struct fake_coordinator *self, uint64_t number)
{
    uint8_t id[16] = {0xF0};
    for (unsigned i = 0; i < 8; i++) {
        id[15 - i] = (uint8_t)(number >> 8 * i);
    }
    return fake_remember_bytes(self, id, sizeof(id));
}

/* ---- one question ---- */

/* Offset of the view in the request that makes a repeated question the same question. */
struct fake_method {
    fake_answer_fn *handler;
    bool is_remembered;
    size_t key_offset;
};

#define ONCE(function, type, field)                                                                \
    {                                                                                              \
        function, true, offsetof(struct wire_##type##_request, field)                              \
    }
static const struct fake_method methods[RPC_METHODS] = {
    [RPC_OPEN_SESSION] = {fake_answer_open_session, false, 0},
    [RPC_CREATE_BUCKET] = ONCE(fake_answer_create_bucket, create_bucket, token),
    [RPC_DELETE_BUCKET] = ONCE(fake_answer_delete_bucket, delete_bucket, token),
    [RPC_HEAD_BUCKET] = {fake_answer_head_bucket, false, 0},
    [RPC_LIST_BUCKETS] = {fake_answer_list_buckets, false, 0},
    [RPC_SET_BUCKET_ACCESS] = {fake_answer_set_bucket_access, false, 0},
    [RPC_DERIVE_SIGNING_KEY] = {fake_answer_derive_signing_key, false, 0},
    [RPC_BEGIN] = ONCE(fake_answer_begin, begin, token),
    [RPC_OPEN_SEGMENT] = ONCE(fake_answer_open_segment, open_segment, segment_id),
    [RPC_OFFER_SLOT] = {fake_answer_offer_slot, false, 0},
    [RPC_SEAL_SEGMENT] = ONCE(fake_answer_seal_segment, seal_segment, segment_id),
    [RPC_ADD_HOLDERS] = {fake_answer_add_holders, false, 0},
    [RPC_COMMIT] = ONCE(fake_answer_commit, commit, intent_id),
    [RPC_ABORT] = {fake_answer_abort, false, 0},
    [RPC_PUT_INLINE] = ONCE(fake_answer_put_inline, put_inline, token),
    [RPC_COPY] = {fake_answer_copy, false, 0},
    [RPC_LOOKUP] = {fake_answer_lookup, false, 0},
    [RPC_MORE_ORDERS] = {fake_answer_more_orders, false, 0},
    [RPC_DELETE] = ONCE(fake_answer_delete, delete, token),
    [RPC_LIST] = {fake_answer_list, false, 0},
    [RPC_WHEREIS] = {fake_answer_whereis, false, 0},
    [RPC_REPORT_SHARD] = {fake_answer_report_shard, false, 0},
    [RPC_DELETE_MANY] = ONCE(fake_answer_delete_many, delete_many, token),
    [RPC_SET_TAGS] = {fake_answer_set_tags, false, 0},
    [RPC_CREATE_UPLOAD] = ONCE(fake_answer_create_upload, create_upload, upload_id),
    [RPC_COMPLETE_UPLOAD] = {fake_answer_complete_upload, false, 0},
    [RPC_ABORT_UPLOAD] = {fake_answer_abort_upload, false, 0},
    [RPC_LIST_PARTS] = {fake_answer_list_parts, false, 0},
    [RPC_LIST_UPLOADS] = {fake_answer_list_uploads, false, 0},
};
#undef ONCE

static const struct fake_fault *fault_of(
    const struct fake_coordinator *self, enum rpc_method method)
{
    unsigned nth = self->asked[method];
    for (unsigned i = 0; i < self->fault_count; i++) {
        const struct fake_fault *fault = &self->faults[i];
        if (fault->method == method && fault->nth <= nth && nth < fault->nth + fault->times) {
            return fault;
        }
    }
    return NULL;
}

static struct fake_outcome *find_outcome(
    struct fake_coordinator *self, enum rpc_method method, struct view key)
{
    for (unsigned i = 0; i < self->outcome_count; i++) {
        struct fake_outcome *outcome = &self->outcomes[i];
        if (outcome->method == method && memcmp(outcome->key, key.bytes, 16) == 0) {
            return outcome;
        }
    }
    return NULL;
}

/* Does it, and keeps what came of it for whoever asks again. */
static struct fake_outcome *answer(
    struct fake_coordinator *self, enum rpc_method method, const void *request)
{
    const struct fake_method *row = &methods[method];
    struct view key = {0};
    if (row->is_remembered) {
        key = *(const struct view *)(const void *)((const uint8_t *)request + row->key_offset);
        assert(key.size == 16);
        struct fake_outcome *before = find_outcome(self, method, key);
        if (before != NULL) {
            return before;
        }
    }
    assert(self->outcome_count < FAKE_OUTCOMES_MAX);
    struct fake_outcome *outcome = &self->outcomes[self->outcome_count++];
    *outcome = (struct fake_outcome){.method = row->is_remembered ? method : RPC_METHODS};
    if (row->is_remembered) {
        memcpy(outcome->key, key.bytes, sizeof(outcome->key));
    }
    const struct rpc_method_row *wire = &rpc_methods.rows[method];
    void *reply = fake_remember(self, wire_message_size(wire->response));
    if (row->handler(self, request, reply, &outcome->err) == HEARTH_OK) {
        struct hearth_err err;
        enum hearth_code code = wire_encode(wire->response, reply, &outcome->reply, &err);
        assert(code == HEARTH_OK);
    }
    return outcome;
}

static enum hearth_code ask(struct coordinator *base, enum rpc_method method, const void *request,
    struct arena *arena, void *reply, struct hearth_err *err)
{
    struct fake_coordinator *self = (struct fake_coordinator *)base;
    const struct rpc_method_row *wire = &rpc_methods.rows[method];
    assert(methods[method].handler != NULL);
    self->asked[method]++;
    fake_net_run_ms(self->net, 1); /* meanwhile the world goes on */

    struct buf *bytes;
    enum hearth_code code = wire_encode(wire->request, request, &bytes, err);
    if (code != HEARTH_OK) {
        return code;
    }
    void *copied = fake_remember(self, wire_message_size(wire->request));
    struct view kept = arena_copy(&self->arena, buf_view(bytes));
    buf_unref(bytes);
    code = wire_decode(wire->request, kept, &self->arena, copied, err);
    assert(code == HEARTH_OK);

    const struct fake_fault *fault = fault_of(self, method);
    if (fault != NULL && fault->kind == FAKE_QUESTION_LOST) {
        return hearth_fail(err, HEARTH_UNREACHABLE, "connection refused");
    }
    if (fault != NULL && fault->kind == FAKE_QUESTION_LATE) {
        return hearth_fail(err, HEARTH_DEADLINE, "deadline passed");
    }
    if (fault != NULL && fault->kind == FAKE_NOT_NOW) {
        return hearth_fail(err, HEARTH_NOT_READY, "not now");
    }
    if (fault != NULL && fault->kind == FAKE_DISK_FULL) {
        return hearth_fail(err, HEARTH_NO_SPACE, "database or disk is full");
    }
    const struct fake_outcome *outcome = answer(self, method, copied);
    if (fault != NULL) {
        return hearth_fail(err, HEARTH_UNKNOWN, "connection lost");
    }
    if (outcome->reply == NULL) {
        *err = outcome->err;
        return err->code;
    }
    return wire_decode(wire->response, buf_view(outcome->reply), arena, reply, err);
}

static void refresh(struct coordinator *base)
{
    (void)base; /* nobody checks who asks */
}

static const struct coordinator_ops fake_ops = {.ask = ask, .refresh = refresh};

void fake_coordinator_init(struct fake_coordinator *coordinator, struct fake_net *net, unsigned k,
    unsigned n, unsigned w, unsigned inline_max)
{
    *coordinator = (struct fake_coordinator){
        .coordinator = {&fake_ops},
        .net = net,
        .profile = {.name = view_text("test"),
            .k = k,
            .n = n,
            .w = w,
            .r = k + 1,
            .fill = n,
            .inline_max = inline_max},
    };
    arena_init(&coordinator->arena, 0);
}

void fake_coordinator_fini(struct fake_coordinator *coordinator)
{
    for (unsigned i = 0; i < coordinator->outcome_count; i++) {
        buf_unref(coordinator->outcomes[i].reply);
    }
    arena_fini(&coordinator->arena);
}

void fake_coordinator_add_fault(struct fake_coordinator *coordinator, enum rpc_method method,
    enum fake_fault_kind kind, unsigned nth, unsigned times)
{
    assert(coordinator->fault_count < FAKE_FAULTS_MAX);
    coordinator->faults[coordinator->fault_count++] =
        (struct fake_fault){.method = method, .kind = kind, .nth = nth, .times = times};
}
