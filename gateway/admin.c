#include "gateway/admin.h"

#include "common/prometheus.h"

#include <stdlib.h>

static void answer_text(struct http_exchange *exchange, unsigned status, const char *text)
{
    static const struct http_header headers[] = {{"Content-Type", "text/plain"}};
    http_answer(exchange, status, 1, headers, view_text(text));
}

static void sum_counts(const struct admin *admin, struct http_counts *sum)
{
    *sum = (struct http_counts){0};
    for (unsigned i = 0; i < admin->server_count; i++) {
        struct http_counts one;
        http_server_count(admin->servers[i], &one);
        sum->connections += one.connections;
        sum->running += one.running;
        sum->waiting += one.waiting;
        sum->received_bytes += one.received_bytes;
        sum->sent_bytes += one.sent_bytes;
    }
}

static void answer_metrics(const struct admin *admin, struct http_exchange *exchange)
{
    static const struct http_header headers[] = {{"Content-Type", PROMETHEUS_CONTENT_TYPE}};
    struct http_counts counts;
    sum_counts(admin, &counts);
    char *page = metrics_page(admin->metrics, &counts);
    if (page == NULL) {
        answer_text(exchange, 503, "out of memory\n");
        return;
    }
    http_answer(exchange, 200, 1, headers, view_text(page));
    free(page);
}

void admin_handle(void *context, struct http_exchange *exchange)
{
    const struct admin *admin = context;
    const struct http_head *head = http_exchange_head(exchange);
    if (health_answer(admin->health, exchange)) {
        return;
    }
    if (strcmp(head->method, "GET") == 0 && strcmp(head->target, "/metrics") == 0) {
        answer_metrics(admin, exchange);
    } else {
        answer_text(exchange, 404, "/metrics, /health/live, /health/ready\n");
    }
}

void admin_refuse(void *context, struct http_exchange *exchange, unsigned status, const char *why)
{
    (void)context;
    answer_text(exchange, status, why);
}
