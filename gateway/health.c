#include "gateway/health.h"

#include <stdlib.h>

enum { REMEMBERED_MS = 2000 }; /* nobody asks the coordinator through us more often */

struct health {
    struct health_options options; /* set once */
    atomic_bool ended;
    atomic_bool is_asking; /* somebody waits for the coordinator; nobody else does */
    atomic_bool was_ready;
    atomic_uint_least64_t asked_ns; /* when that was known; 0: never */
};

struct health *health_create(const struct health_options *options)
{
    struct health *health = calloc(1, sizeof(*health));
    if (health != NULL) {
        health->options = *options;
    }
    return health;
}

void health_destroy(struct health *health)
{
    free(health);
}

void health_end(struct health *health)
{
    atomic_store(&health->ended, true);
}

/* One tenant's question stands for all: they have the same coordinator. */
bool health_ask_coordinator(void *context)
{
    struct tenants *tenants = context;
    struct hearth *first;
    struct hearth_buckets *buckets;
    struct hearth_err err;
    if (tenants_all(tenants, &first, 1) == 0 ||
        hearth_bucket_list(first, &buckets, &err) != HEARTH_OK) {
        return false;
    }
    hearth_buckets_destroy(buckets);
    return true;
}

/* Whether the last answer is younger than that. */
static bool is_known_since(const struct health *health, uint64_t age_ms)
{
    uint64_t asked_ns = atomic_load(&health->asked_ns);
    return asked_ns != 0 && env_now_ns(health->options.env) - asked_ns < age_ms * UINT64_C(1000000);
}

/* A coordinator that does not answer keeps one worker, and not all of them: whether this process
 * lives is asked of the others. */
bool health_is_ready(struct health *health)
{
    const struct health_options *options = &health->options;
    if (atomic_load(&health->ended)) {
        return false;
    }
    if (is_known_since(health, REMEMBERED_MS)) {
        return atomic_load(&health->was_ready);
    }
    if (atomic_exchange(&health->is_asking, true)) {
        return is_known_since(health, 2 * REMEMBERED_MS) && atomic_load(&health->was_ready);
    }
    bool is_ready = options->answers(options->context);
    atomic_store(&health->was_ready, is_ready);
    atomic_store(&health->asked_ns, env_now_ns(options->env));
    atomic_store(&health->is_asking, false);
    return is_ready;
}

bool health_answer(struct health *health, struct http_exchange *exchange)
{
    static const struct http_header headers[] = {
        {"Content-Type", "text/plain"}, {"Cache-Control", "no-store"}};
    const struct http_head *head = http_exchange_head(exchange);
    bool is_live = strcmp(head->target, "/health/live") == 0;
    if ((!is_live && strcmp(head->target, "/health/ready") != 0) ||
        (strcmp(head->method, "GET") != 0 && strcmp(head->method, "HEAD") != 0)) {
        return false;
    }
    bool is_well = is_live || health_is_ready(health);
    http_answer(exchange, is_well ? 200 : 503, 2, headers,
        view_text(is_live ? "live\n"
                : is_well ? "ready\n"
                          : "not ready\n"));
    return true;
}
