#include "coordinator/audit/audit_ask.h"

#include <assert.h>

static const uint64_t MS = 1000000; /* nanoseconds */

static void end(
    struct audit_ask *ask, struct env *env, enum audit_answer answer, enum hearth_code code)
{
    shard_call_drop(ask->call);
    shard_tagger_destroy(ask->tagger);
    ask->call = NULL;
    ask->tagger = NULL;
    ask->answer = answer;
    ask->code = code;
    ask->ended_unix_ms = env_unix_ms(env);
}

static void begin(
    struct audit_ask *ask, struct shard_net *net, struct env *env, struct shard_inbox *inbox)
{
    assert(ask->run.count > 0 && ask->run.first + ask->run.count <= ask->stripes.stripe_count);
    uint64_t now_ns = env_now_ns(env);
    ask->came = 0;
    ask->asked_unix_ms = env_unix_ms(env);
    ask->late_ns = now_ns + ask->patience_ms * MS;
    ask->end_ns = now_ns + AUDIT_LONGEST_MS * MS;
    ask->tagger = shard_tagger_create(&ask->vk);
    ask->call = shard_get_open(net, &ask->door, ask->run.first, ask->run.count, inbox, ask);
    shard_get_read(
        ask->call, ask->run.count < AUDIT_AHEAD_CELLS ? ask->run.count : AUDIT_AHEAD_CELLS);
}

/* ---- what comes ---- */

static bool is_true_cell(const struct audit_ask *ask, struct view bytes)
{
    uint32_t stripe = ask->run.first + ask->came;
    size_t size = ec_stripes_cell_size(&ask->stripes, stripe);
    return ask->came < ask->run.count && bytes.size == size + EC_CELL_TAG_SIZE &&
        shard_tag_fits(
            ask->tagger, ask->slot, stripe, view_of(bytes.bytes, size), bytes.bytes + size);
}

static void on_cell(struct audit_ask *ask, struct env *env, struct slice bytes TAKES)
{
    if (!is_true_cell(ask, bytes.view)) {
        ask->wrong_stripe = ask->run.first + ask->came;
        ask->wrong_cell = bytes;
        end(ask, env, AUDIT_WRONG, HEARTH_OK);
        return;
    }
    buf_unref(bytes.owner);
    ask->came++;
    ask->late_ns = env_now_ns(env) + ask->patience_ms * MS;
    if (ask->came + AUDIT_AHEAD_CELLS <= ask->run.count) {
        shard_get_read(ask->call, 1);
    }
}

/* All is there: how it took leave does not matter. */
static void on_end(struct audit_ask *ask, struct env *env, const struct shard_event *event)
{
    if (ask->came == ask->run.count) {
        end(ask, env, AUDIT_TRUE, HEARTH_OK);
    } else if (event->kind == SHARD_DONE) {
        ask->wrong_stripe = ask->run.first + ask->came;
        end(ask, env, AUDIT_WRONG, HEARTH_OK);
    } else {
        end(ask, env, audit_answer_of(event->err.code), event->err.code);
    }
}

static void on_event(struct env *env, const struct shard_event *event TAKES)
{
    struct audit_ask *ask = event->context;
    if (event->kind == SHARD_CELL) {
        on_cell(ask, env, event->bytes);
    } else if (event->kind == SHARD_DONE || event->kind == SHARD_FAILED) {
        buf_unref(event->bytes.owner);
        on_end(ask, env, event);
    }
}

/* ---- all of them ---- */

static uint64_t due_ns(const struct audit_ask *ask)
{
    return ask->late_ns < ask->end_ns ? ask->late_ns : ask->end_ns;
}

/* A node that gave all cells need not take leave in time. */
static void end_silent(struct audit_ask *ask, struct env *env)
{
    bool is_whole = ask->came == ask->run.count;
    end(ask, env, is_whole ? AUDIT_TRUE : AUDIT_SILENT, is_whole ? HEARTH_OK : HEARTH_DEADLINE);
}

/* Ends who is late. Returns when the next one would be; UINT64_MAX: nobody is being asked. */
static uint64_t end_late(struct env *env, struct audit_ask *const *asks, unsigned count)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < count; i++) {
        if (asks[i]->call != NULL && due_ns(asks[i]) <= env_now_ns(env)) {
            end_silent(asks[i], env);
        }
        if (asks[i]->call != NULL && due_ns(asks[i]) < next) {
            next = due_ns(asks[i]);
        }
    }
    return next;
}

static void take_all(struct env *env, struct shard_inbox *inbox)
{
    struct shard_event event;
    while (shard_inbox_take(inbox, &event)) {
        on_event(env, &event);
    }
}

enum hearth_code audit_ask_all_blocking(struct shard_net *net, struct env *env,
    struct audit_ask *const *asks, unsigned count, struct hearth_err *err)
{
    struct shard_inbox *inbox = shard_inbox_create(env);
    if (inbox == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "inbox of an audit");
    }
    for (unsigned i = 0; i < count; i++) {
        begin(asks[i], net, env, inbox);
    }
    uint64_t until;
    take_all(env, inbox);
    while ((until = end_late(env, asks, count)) != UINT64_MAX) {
        shard_net_wait(net, inbox, until);
        take_all(env, inbox);
    }
    shard_inbox_unref(inbox);
    return HEARTH_OK;
}

void audit_ask_fini(struct audit_ask *ask)
{
    assert(ask->call == NULL);
    buf_unref(ask->wrong_cell.owner);
    crypto_wipe(&ask->vk, sizeof(ask->vk));
    *ask = (struct audit_ask){.answer = AUDIT_NOT_ASKED};
}
