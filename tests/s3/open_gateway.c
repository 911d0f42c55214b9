/*
 * open_gateway CONFIG: the operations of the gateway with nothing before them - no signature is
 * looked at, whoever asks is the tenant of CONFIG.  For tests of what operations do, on 127.0.0.1.
 *
 * Prints its port, then serves until its standard input ends, so it cannot outlive its test.
 */
#include "common/codec.h"
#include "gateway/call.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void answer(struct hearth *hearth, struct http_exchange *exchange, struct arena *arena)
{
    static const struct request_domains no_domains;
    const struct http_head *head = http_exchange_head(exchange);
    struct request request = {.head = head};
    const struct route *route = NULL;
    uint8_t id[16];
    enum s3_error error = request_parse(head, &no_domains, arena, &request);
    if (error == S3_ERROR_NONE) {
        error = route_find(&request, &route);
    }
    env_random(env_system(), id, sizeof(id));
    hex_encode(id, sizeof(id), request.id);
    struct call call = {
        .env = env_system(),
        .exchange = exchange,
        .request = &request,
        .route = route,
        .tenant = "tester",
        .hearth = hearth,
        .body = http_exchange_body(exchange),
        .body_size = http_exchange_body_size(exchange),
        .region = "us-east-1",
        .arena = arena,
    };
    if (error == S3_ERROR_NONE) {
        route->handler(&call);
    } else {
        call_fail(&call, error, NULL);
    }
    if (call.cause[0] != '\0') {
        fprintf(stderr, "%s %s: %s\n", head->method, head->target, call.cause);
    }
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct arena arena;
    arena_init(&arena, 0);
    answer(context, exchange, &arena);
    arena_fini(&arena);
}

static void refuse(void *context, struct http_exchange *exchange, unsigned status, const char *why)
{
    (void)context;
    http_answer(exchange, status, 0, NULL, view_text(why));
}

static enum hearth_code serve(
    struct hearth *hearth, struct http_server **out, struct hearth_err *err)
{
    const struct http_options options = {
        .listen = {.host = "127.0.0.1", .port = 0},
        .threads = 2,
        .limits =
            {
                .connections_max = 256,
                .connections_per_address_max = 256,
                .workers = 32,
                .waiting_max = 64,
                .headers_max = 100,
                .head_size_max = 64 << 10,
                .idle_ms = 120 * 1000,
                .stall_ms = 120 * 1000,
                .rate_min = 1,
            },
        .handle = handle,
        .refuse = refuse,
        .context = hearth,
    };
    return http_server_start(&options, out, err);
}

static void wait_for_end_of_input(void)
{
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
}

int main(int count, char **arguments)
{
    struct hearth_err err;
    struct hearth *hearth;
    struct http_server *server;
    if (count != 2) {
        fprintf(stderr, "usage: open_gateway CONFIG\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    const struct hearth_options options = {
        .config_path = arguments[1],
        .memory_max = UINT64_C(1) << 30,
        .transfer_memory_max = 32 << 20,
    };
    enum hearth_code code = hearth_open(&options, &hearth, &err);
    if (code == HEARTH_OK) {
        code = serve(hearth, &server, &err);
    }
    if (code != HEARTH_OK) {
        fprintf(stderr, "open_gateway: %s\n", err.message);
        return 1;
    }
    printf("%u\n", http_server_port(server));
    fflush(stdout);
    wait_for_end_of_input();
    http_server_stop_blocking(server, 1000);
    hearth_close(hearth);
    return 0;
}
