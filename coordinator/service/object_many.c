/*
 * Questions that travel together: each with its own authorisation, and its own failure.
 *
 * Question and answer are the bytes of the call for one, so that who asked reads his own.
 */
#include "coordinator/service/object_service.h"
#include "proto/wire.h"

static_assert((int)META_TOGETHER_MAX == WIRE_QUESTIONS_MAX, "puts of one call");

/* NULL: err says why. */
static void *read_question(const struct wire_message *message, struct view bytes,
    struct arena *arena, struct hearth_err *err)
{
    void *question = arena_take(arena, wire_message_size(message));
    if (question == NULL) {
        hearth_fail(err, HEARTH_NO_MEMORY, "room for a question");
        return NULL;
    }
    return wire_decode(message, bytes, arena, question, err) == HEARTH_OK ? question : NULL;
}

static struct wire_answer refuse(const struct hearth_err *err, struct arena *arena)
{
    return (struct wire_answer){
        .code = err->code,
        .text = service_copy(arena, err->message, strlen(err->message)),
    };
}

/* What is larger than `room` is left out: it is to be asked alone. */
static struct wire_answer answer_with(
    const struct wire_message *message, const void *reply, size_t room, struct arena *arena)
{
    struct hearth_err err;
    struct buf *bytes;
    struct wire_answer answer = {.code = HEARTH_OK};
    if (wire_encode(message, reply, &bytes, &err) != HEARTH_OK) {
        return refuse(&err, arena);
    }
    if (bytes->size <= room) {
        answer.reply = service_copy(arena, bytes->bytes, bytes->size);
    }
    buf_unref(bytes);
    return answer;
}

/* Who may do nothing of the kind is told once. NULL: err says why. */
static struct wire_answer *begin_answers(void *service, const struct rpc_context *context,
    enum service_right right, size_t count, struct hearth_err *err)
{
    struct meta_id tenant;
    if (service_tenant(service, context, right, &tenant, err) != HEARTH_OK) {
        return NULL;
    }
    struct wire_answer *answers = arena_take_array(context->arena, count, sizeof(*answers));
    if (answers == NULL) {
        hearth_fail(err, HEARTH_NO_MEMORY, "%zu answers", count);
    }
    return answers;
}

/* ---- lookups ---- */

static struct wire_answer look_up(
    void *service, const struct rpc_context *context, struct view bytes, size_t room)
{
    struct hearth_err err;
    struct wire_lookup_reply reply;
    const void *question = read_question(&wire_lookup_request_message, bytes, context->arena, &err);
    if (question == NULL || object_lookup(service, context, question, &reply, &err) != HEARTH_OK) {
        return refuse(&err, context->arena);
    }
    return answer_with(&wire_lookup_reply_message, &reply, room, context->arena);
}

enum hearth_code object_lookup_many(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    const struct wire_many_request *in = request;
    struct wire_many_reply *out = response;
    struct wire_answer *answers =
        begin_answers(service, context, SERVICE_READS, in->questions_count, err);
    if (answers == NULL) {
        return err->code;
    }
    size_t room = WIRE_ANSWERS_SIZE_MAX;
    for (size_t i = 0; i < in->questions_count; i++) {
        answers[i] = look_up(service, context, in->questions[i], room);
        room -= answers[i].reply.size;
    }
    *out = (struct wire_many_reply){answers, in->questions_count};
    return HEARTH_OK;
}

/* ---- puts ---- */

/* Those of one call. */
struct puts {
    struct meta_put requests[META_TOGETHER_MAX];
    struct meta_put_item items[META_TOGETHER_MAX];
    struct hearth_err errs[META_TOGETHER_MAX];
    size_t places[META_TOGETHER_MAX]; /* of the items, among the questions */
    size_t count;
};

static enum hearth_code add_put(void *service, const struct rpc_context *context, struct view bytes,
    size_t place, struct puts *puts)
{
    size_t i = puts->count;
    struct hearth_err *err = &puts->errs[i];
    const void *question =
        read_question(&wire_put_inline_request_message, bytes, context->arena, err);
    if (question == NULL ||
        object_put_prepare(service, context, question, &puts->requests[i], err) != HEARTH_OK) {
        return err->code;
    }
    puts->items[i] = (struct meta_put_item){.request = &puts->requests[i], .err = err};
    puts->places[i] = place;
    puts->count++;
    return HEARTH_OK;
}

static struct wire_answer answer_put(const struct meta_put_item *item, struct arena *arena)
{
    struct wire_commit_reply reply = {0};
    if (item->code != HEARTH_OK) {
        return refuse(item->err, arena);
    }
    object_commit_to_wire(&item->info, arena, &reply);
    return answer_with(&wire_commit_reply_message, &reply, SIZE_MAX, arena);
}

enum hearth_code object_put_many(void *service, const struct rpc_context *context,
    const void *request, void *response, struct hearth_err *err)
{
    const struct wire_many_request *in = request;
    struct wire_many_reply *out = response;
    struct arena *arena = context->arena;
    struct wire_answer *answers =
        begin_answers(service, context, SERVICE_WRITES, in->questions_count, err);
    struct puts *puts = answers == NULL ? NULL : arena_take(arena, sizeof(*puts));
    if (puts == NULL) {
        return answers == NULL ? err->code : hearth_fail(err, HEARTH_NO_MEMORY, "room for puts");
    }
    for (size_t i = 0; i < in->questions_count; i++) {
        if (add_put(service, context, in->questions[i], i, puts) != HEARTH_OK) {
            answers[i] = refuse(&puts->errs[puts->count], arena);
        }
    }
    object_put_run(service, puts->items, puts->count);
    for (size_t i = 0; i < puts->count; i++) {
        answers[puts->places[i]] = answer_put(&puts->items[i], arena);
    }
    *out = (struct wire_many_reply){answers, in->questions_count};
    return HEARTH_OK;
}
