#include "coordinator/service/admin_port.h"

#include "common/http/http.h"
#include "common/prometheus.h"
#include "coordinator/service/metrics_page.h"
#include "coordinator/service/status.h"

#include <stdlib.h>

enum {
    CONNECTIONS_MAX = 32,
    WORKERS = 2,
    WAITING_MAX = 32,
    HEADERS_MAX = 64,
    HEAD_SIZE_MAX = 8 << 10,
    SLOW_MS = 10 * 1000,
    RATE_MIN = 1024,
};

static void answer(
    struct http_exchange *exchange, unsigned status, const char *type, const char *text)
{
    const struct http_header header = {"Content-Type", type};
    http_answer(exchange, status, 1, &header, view_text(text));
}

/* Ready: what it is asked for can be read. */
static void answer_status(
    struct coordinator *coordinator, struct http_exchange *exchange, bool is_page)
{
    struct arena arena;
    struct hearth_err err;
    struct wire_status_reply status;
    arena_init(&arena, 0);
    char *page = NULL;
    if (status_collect(coordinator, &arena, &status, &err) != HEARTH_OK) {
        answer(exchange, 503, "text/plain", err.message);
    } else if (!is_page) {
        answer(exchange, 200, "text/plain", "ready\n");
    } else if ((page = metrics_page(&status)) != NULL) {
        answer(exchange, 200, PROMETHEUS_CONTENT_TYPE, page);
    } else {
        answer(exchange, 503, "text/plain", "out of memory\n");
    }
    free(page);
    arena_fini(&arena);
}

static void handle(void *context, struct http_exchange *exchange)
{
    const struct http_head *head = http_exchange_head(exchange);
    bool is_get = strcmp(head->method, "GET") == 0;
    if (is_get && strcmp(head->target, "/metrics") == 0) {
        answer_status(context, exchange, true);
    } else if (is_get && strcmp(head->target, "/health/ready") == 0) {
        answer_status(context, exchange, false);
    } else if (is_get && strcmp(head->target, "/health/live") == 0) {
        answer(exchange, 200, "text/plain", "alive\n");
    } else {
        answer(exchange, 404, "text/plain", "/metrics, /health/live, /health/ready\n");
    }
}

static void refuse(void *context, struct http_exchange *exchange, unsigned status, const char *why)
{
    (void)context;
    answer(exchange, status, "text/plain", why);
}

enum hearth_code admin_port_start(
    struct coordinator *coordinator, struct http_server **out, struct hearth_err *err)
{
    const struct config_addresses *addresses = &coordinator->settings->admin;
    *out = NULL;
    if (addresses->count == 0) {
        return HEARTH_OK;
    }
    const struct http_options options = {
        .listen = addresses->items[0],
        .threads = 1,
        .limits = {.connections_max = CONNECTIONS_MAX,
            .connections_per_address_max = CONNECTIONS_MAX,
            .workers = WORKERS,
            .waiting_max = WAITING_MAX,
            .headers_max = HEADERS_MAX,
            .head_size_max = HEAD_SIZE_MAX,
            .idle_ms = SLOW_MS,
            .stall_ms = SLOW_MS,
            .rate_min = RATE_MIN},
        .handle = handle,
        .refuse = refuse,
        .context = coordinator,
    };
    return http_server_start(&options, out, err);
}
