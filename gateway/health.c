#include "gateway/health.h"

#include "common/cleanup.h"

enum {
    REMEMBERED_NS = 2 * 1000 * 1000 * 1000u
}; /* nobody asks the coordinator through us more often */

struct health {
    struct tenants *tenants;
    struct env *env;
    atomic_bool ended;

    pthread_mutex_t mutex; /* held while the coordinator is asked: the others wait for its answer */
    uint64_t asked_ns;     /* 0: never */
    bool was_ready;
};

struct health *health_create(struct tenants *tenants, struct env *env)
{
    struct health *health = calloc(1, sizeof(*health));
    if (health != NULL) {
        health->tenants = tenants;
        health->env = env;
        pthread_mutex_init(&health->mutex, NULL);
    }
    return health;
}

void health_destroy(struct health *health)
{
    if (health != NULL) {
        pthread_mutex_destroy(&health->mutex);
        free(health);
    }
}

void health_end(struct health *health)
{
    atomic_store(&health->ended, true);
}

/* One tenant's question stands for all: they have the same coordinator. */
static bool coordinator_answers(struct health *health)
{
    struct hearth *first;
    struct hearth_buckets *buckets;
    struct hearth_err err;
    if (tenants_all(health->tenants, &first, 1) == 0 ||
        hearth_bucket_list(first, &buckets, &err) != HEARTH_OK) {
        return false;
    }
    hearth_buckets_destroy(buckets);
    return true;
}

bool health_is_ready(struct health *health)
{
    if (atomic_load(&health->ended)) {
        return false;
    }
    UNLOCKS pthread_mutex_t *held = lock(&health->mutex);
    uint64_t now = env_now_ns(health->env);
    if (health->asked_ns == 0 || now - health->asked_ns >= REMEMBERED_NS) {
        health->was_ready = coordinator_answers(health);
        health->asked_ns = env_now_ns(health->env);
    }
    return health->was_ready;
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
