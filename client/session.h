/*
 * session.h - what all calls of one opened library share: who we are, whom we ask, what we know.
 *
 *   transfers and small calls
 *        |  session_ready: a session certificate towards nodes, renewed in time
 *        |  session_ask:   a question to the coordinator, asked again until its outcome is known
 *        v
 *   coordinator (seam)      shard_net (seam)      byte_budget      node_health      buckets
 *
 * Thread-safety: any thread.
 */
#ifndef HEARTH_CLIENT_SESSION_H
#define HEARTH_CLIENT_SESSION_H

#include "client/byte_budget.h"
#include "client/coordinator.h"
#include "client/manifest.h"
#include "client/md5_crew.h"
#include "client/node_health.h"
#include "client/root_key.h"
#include "client/shard_net.h"
#include "client/turnstile.h"
#include "common/pki.h"

struct bucket_cache;

/*
 * A put has a stream to each of its nodes, two while segments overlap, and a node takes 32 in all.
 * More would be answered BUSY; fewer leave lines idle.
 */
enum { SESSION_PUTS_MAX = 24, SESSION_PUT_PATIENCE_MS = 30 * 1000 };

struct session_options {
    struct env *env;
    struct coordinator *coordinator;
    struct shard_net *net;
    const struct root_key *root_key; /* copied */
    const char *root_key_path;       /* named in messages; outlives the session */
    struct byte_budget *memory;      /* which others share; borrowed; NULL: nobody does */
    uint64_t memory_max;             /* of all transfers */
    uint64_t transfer_memory_max;    /* of one */
    size_t segment_plain_max;        /* 0: 64 MiB; less, in whole units, makes tests small */
    void (*notice)(void *context, const char *text);
    void *notice_context;
};

struct session {
    /* Set once. */
    struct env *env;
    struct coordinator *coordinator;
    struct shard_net *net;
    struct root_key root_key;
    const char *root_key_path;
    uint64_t transfer_memory_max;
    size_t segment_plain_max;
    void (*notice)(void *context, const char *text);
    void *notice_context;

    uint8_t id_lane; /* of session_draw_id() */

    /* Each with its own lock. */
    struct byte_budget budget;
    struct turnstile puts; /* that send shards */
    struct md5_crew md5s;  /* of what is put */
    struct node_health health;
    struct bucket_cache *buckets;

    struct {
        pthread_mutex_t mutex; /* held while a session is opened: the others wait for it */
        bool is_open;
        uint64_t renew_unix_ms;
        uint8_t tenant_id[TENANT_ID_SIZE];
        uint8_t id[PKI_ID_SIZE];
    } shared;
};

void session_init(struct session *session, const struct session_options *options);

/* No call may be running. */
void session_fini(struct session *session);

/* Opens a session if there is none, or the certificate of the present one is about to end.
 * HEARTH_WRONG_KEY: our root key is not the tenant's. */
enum hearth_code session_ready(struct session *session, struct hearth_err *err);

/* Of the open session: what manifests are bound to, and what orders are asked for with. */
void session_tenant_copy(struct session *session, uint8_t tenant_id[TENANT_ID_SIZE]);
void session_id_copy(struct session *session, uint8_t id[PKI_ID_SIZE]);

enum { SESSION_DRAWN_ID_SIZE = 16 };

/*
 * A token or body id that nobody drew before: lane of this session, milliseconds, 9 random bytes.
 * The metadata keeps them in trees, and what was drawn together lies together there: wholly random
 * ones cost a page of their own each, and a quarter more CPU a put.
 */
void session_draw_id(struct session *session, uint8_t id[SESSION_DRAWN_ID_SIZE]);

struct ask {
    enum rpc_method method;
    const void *request; /* its token, if any, stays the same: that is how an outcome is found */
    /* How long to go on asking while nobody answers or the answer is "not now". 0: once. */
    unsigned patience_ms;
    /* True: the answer decides what others see, so when it stays out the call ends with
     * HEARTH_UNKNOWN.  False: it does not matter whether a lost question had an effect. */
    bool decides;
    const atomic_bool *cancel; /* NULL: not to be stopped */
};

enum {
    ASK_PATIENCE_MS = 10 * 1000,         /* a coordinator that restarts is back by then */
    ASK_OUTCOME_PATIENCE_MS = 60 * 1000, /* what was changed is worth more patience; far below the
                                            15 min for which outcomes are remembered */
};

/*
 * By the reaction of what comes back: refused for good ends it; "not now" and nobody there are
 * asked again after a pause (50 ms, doubling up to 2 s, half of it chance); a lost answer is asked
 * for by repeating the question, which gives the outcome of the first time.
 */
enum hearth_code session_ask(struct session *session, const struct ask *ask, struct arena *arena,
    void *reply, struct hearth_err *err);

/* session_ask() for a change that is answered by nothing but its outcome. */
enum hearth_code session_change(
    struct session *session, unsigned method, const void *request, struct hearth_err *err);

/* Tells the application; the text is one line. */
void session_notice(struct session *session, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The same offer at the address the coordinator knows now, in the arena; NULL: it knows no other.
 */
const struct wire_placement *session_follow_node(
    struct session *session, const struct wire_placement *placement, struct arena *arena);

#endif /* HEARTH_CLIENT_SESSION_H */
