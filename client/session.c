#include "client/session.h"

#include "client/bucket_cache.h"

#include <stdio.h>

/* A certificate is renewed this long before it ends: longer than any order lives. */
enum { RENEW_BEFORE_MS = 3600 * 1000 };

enum { PAUSE_FIRST_MS = 50, PAUSE_MAX_MS = 2000, PAUSE_SLICE_MS = 100 };

void session_init(struct session *session, const struct session_options *options)
{
    *session = (struct session){
        .env = options->env,
        .coordinator = options->coordinator,
        .net = options->net,
        .root_key = *options->root_key,
        .root_key_path = options->root_key_path,
        .transfer_memory_max = options->transfer_memory_max,
        .segment_plain_max =
            options->segment_plain_max > 0 ? options->segment_plain_max : EC_SEGMENT_PLAIN_MAX,
        .notice = options->notice,
        .notice_context = options->notice_context,
    };
    env_random(session->env, &session->id_lane, sizeof(session->id_lane));
    byte_budget_init(&session->budget, options->memory_max, options->memory);
    turnstile_init(&session->puts, options->env, SESSION_PUTS_MAX);
    md5_crew_init(&session->md5s);
    node_health_init(&session->health, options->env);
    session->buckets = bucket_cache_create(session);
    pthread_mutex_init(&session->shared.mutex, NULL);
}

void session_fini(struct session *session)
{
    pthread_mutex_destroy(&session->shared.mutex);
    bucket_cache_destroy(session->buckets);
    node_health_fini(&session->health);
    md5_crew_fini(&session->md5s);
    turnstile_fini(&session->puts);
    byte_budget_fini(&session->budget);
    crypto_wipe(&session->root_key, sizeof(session->root_key));
}

void session_draw_id(struct session *session, uint8_t id[SESSION_DRAWN_ID_SIZE])
{
    enum { TIME_SIZE = 6 };
    const uint64_t now_ms = env_unix_ms(session->env);
    id[0] = session->id_lane;
    for (unsigned i = 0; i < TIME_SIZE; i++) {
        id[1 + i] = (uint8_t)(now_ms >> 8 * (TIME_SIZE - 1 - i));
    }
    env_random(session->env, id + 1 + TIME_SIZE, SESSION_DRAWN_ID_SIZE - 1 - TIME_SIZE);
}

/* ---- who we are ---- */

/* With the lock held. */
static enum hearth_code adopt(struct session *session, const struct pki_key *key,
    const struct wire_open_session_reply *reply, struct hearth_err *err)
{
    if (reply->root_key_id.size == ROOT_KEY_ID_SIZE) {
        char tenant[WIRE_NAME_MAX + 1];
        snprintf(tenant, sizeof(tenant), "%.*s", VIEW_ARGS(reply->tenant_name));
        enum hearth_code code = root_key_expect(
            &session->root_key, reply->root_key_id.bytes, tenant, session->root_key_path, err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    enum hearth_code code = shard_net_identify(session->net, key, reply->certificate, err);
    if (code != HEARTH_OK) {
        return code;
    }
    memcpy(session->shared.tenant_id, reply->tenant_id.bytes, TENANT_ID_SIZE);
    pki_key_id(key, session->shared.id);
    uint64_t life_ms = reply->expires_unix_ms - reply->now_unix_ms;
    uint64_t use_ms = life_ms > RENEW_BEFORE_MS ? life_ms - RENEW_BEFORE_MS : life_ms / 2;
    session->shared.renew_unix_ms = env_unix_ms(session->env) + use_ms;
    session->shared.is_open = true;
    return HEARTH_OK;
}

/* With the lock held. */
static enum hearth_code open_session(struct session *session, struct hearth_err *err)
{
    struct pki_key *key;
    enum hearth_code code = pki_key_create(&key, err);
    if (code != HEARTH_OK) {
        return code;
    }
    uint8_t public_key[PKI_PUBLIC_SIZE];
    pki_key_public(key, public_key);
    const struct wire_open_session_request request = {
        .public_key = view_of(public_key, sizeof(public_key))};
    session->coordinator->ops->refresh(session->coordinator);
    const struct ask ask = {
        .method = RPC_OPEN_SESSION, .request = &request, .patience_ms = ASK_PATIENCE_MS};

    struct arena arena;
    arena_init(&arena, 0);
    struct wire_open_session_reply reply;
    code = session_ask(session, &ask, &arena, &reply, err);
    if (code == HEARTH_OK) {
        code = adopt(session, key, &reply, err);
    }
    arena_fini(&arena);
    pki_key_destroy(key);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "open session");
}

enum hearth_code session_ready(struct session *session, struct hearth_err *err)
{
    UNLOCKS pthread_mutex_t *held = lock(&session->shared.mutex);
    bool is_fresh = env_unix_ms(session->env) < session->shared.renew_unix_ms;
    return session->shared.is_open && is_fresh ? HEARTH_OK : open_session(session, err);
}

void session_tenant_copy(struct session *session, uint8_t tenant_id[TENANT_ID_SIZE])
{
    UNLOCKS pthread_mutex_t *held = lock(&session->shared.mutex);
    assert(session->shared.is_open);
    memcpy(tenant_id, session->shared.tenant_id, TENANT_ID_SIZE);
}

void session_id_copy(struct session *session, uint8_t id[PKI_ID_SIZE])
{
    UNLOCKS pthread_mutex_t *held = lock(&session->shared.mutex);
    assert(session->shared.is_open);
    memcpy(id, session->shared.id, PKI_ID_SIZE);
}

/* ---- questions ---- */

static bool is_stopped(const struct ask *ask)
{
    return ask->cancel != NULL && atomic_load_explicit(ask->cancel, memory_order_relaxed);
}

/* Nothing arrives in this inbox: waiting for it is sleeping, in time that a test can step. */
static void pause_ms(struct session *session, const struct ask *ask, uint64_t ms)
{
    struct shard_inbox *nothing = shard_inbox_create(session->env);
    uint64_t end_ns = env_now_ns(session->env) + ms * 1000000u;
    for (uint64_t now_ns;
         nothing != NULL && !is_stopped(ask) && (now_ns = env_now_ns(session->env)) < end_ns;) {
        uint64_t slice_ns = now_ns + PAUSE_SLICE_MS * 1000000u;
        shard_net_wait(session->net, nothing, slice_ns < end_ns ? slice_ns : end_ns);
    }
    shard_inbox_unref(nothing);
}

/* Asking again may help. There is no other coordinator to go to when this one's disk is full. */
static bool is_open(enum hearth_code code)
{
    enum hearth_reaction reaction = hearth_code_reaction(code);
    if (code == HEARTH_NO_SPACE) {
        return false;
    }
    return reaction == HEARTH_REACT_RETRY || reaction == HEARTH_REACT_ELSEWHERE ||
        reaction == HEARTH_REACT_RESOLVE;
}

/* What the last attempt ended with, in the light of those before it. */
static enum hearth_code conclude(
    const struct ask *ask, bool may_be_done, enum hearth_code code, struct hearth_err *err)
{
    if (!is_open(code)) {
        return code;
    }
    if (may_be_done && ask->decides) {
        return hearth_fail(err, HEARTH_UNKNOWN,
            "whether it was done is not known, the coordinator could not be asked again: %s",
            err->message);
    }
    if (hearth_code_reaction(code) == HEARTH_REACT_RESOLVE) {
        return hearth_fail(
            err, HEARTH_UNREACHABLE, "no answer from the coordinator: %s", err->message);
    }
    return code;
}

enum hearth_code session_ask(struct session *session, const struct ask *ask, struct arena *arena,
    void *reply, struct hearth_err *err)
{
    uint64_t end_ns = env_now_ns(session->env) + ask->patience_ms * UINT64_C(1000000);
    uint64_t pause = PAUSE_FIRST_MS;
    for (bool may_be_done = false;;) {
        enum hearth_code code =
            coordinator_ask(session->coordinator, ask->method, ask->request, arena, reply, err);
        may_be_done |= hearth_code_reaction(code) == HEARTH_REACT_RESOLVE;
        if (!is_open(code) || env_now_ns(session->env) >= end_ns || is_stopped(ask)) {
            return conclude(ask, may_be_done, code, err);
        }
        pause_ms(session, ask, pause / 2 + env_random_below(session->env, pause / 2));
        pause = 2 * pause < PAUSE_MAX_MS ? 2 * pause : PAUSE_MAX_MS;
    }
}

enum hearth_code session_change(
    struct session *session, unsigned method, const void *request, struct hearth_err *err)
{
    const struct ask ask = {
        .method = method,
        .request = request,
        .patience_ms = ASK_OUTCOME_PATIENCE_MS,
        .decides = true,
    };
    struct arena arena;
    arena_init(&arena, 0);
    struct wire_empty reply;
    enum hearth_code code = session_ask(session, &ask, &arena, &reply, err);
    arena_fini(&arena);
    return code;
}

/* ---- about nodes ---- */

void session_notice(struct session *session, const char *fmt, ...)
{
    if (session->notice == NULL) {
        return;
    }
    char text[HEARTH_ERR_MESSAGE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    session->notice(session->notice_context, text);
}

static bool same_endpoints(const struct wire_node_address *a, const struct wire_node_address *b)
{
    bool same = a->endpoints_count == b->endpoints_count;
    for (size_t i = 0; same && i < a->endpoints_count; i++) {
        same = a->endpoints[i].kind == b->endpoints[i].kind &&
            a->endpoints[i].port == b->endpoints[i].port &&
            view_equal(a->endpoints[i].host, b->endpoints[i].host);
    }
    return same;
}

const struct wire_placement *session_follow_node(
    struct session *session, const struct wire_placement *placement, struct arena *arena)
{
    const struct wire_whereis_request request = {
        .node_ids = &placement->node->node_id, .node_ids_count = 1};
    const struct ask ask = {.method = RPC_WHEREIS, .request = &request};
    struct wire_whereis_reply reply;
    struct hearth_err err; /* not found again: as lost as before */
    struct wire_placement *moved = arena_take(arena, sizeof(*moved));
    if (moved == NULL || session_ask(session, &ask, arena, &reply, &err) != HEARTH_OK ||
        reply.nodes_count != 1 || !view_equal(reply.nodes[0].node_id, placement->node->node_id) ||
        same_endpoints(&reply.nodes[0], placement->node)) {
        return NULL;
    }
    *moved = *placement;
    moved->node = &reply.nodes[0];
    return moved;
}
