/*
 * front: nobody reaches a handler without a proof, whatever is refused is refused in S3's words,
 * with an id of its own, and is counted and logged; health needs no signature.
 *
 * A front that serves nobody: no access key is right.
 */
#include "gateway/auth_ask.h"
#include "gateway/front.h"
#include "tests/lib/http_world.h"
#include "tests/lib/test.h"
#include "tests/lib/test_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct world {
    struct http_world http;
    struct front front;
    struct auth_ask ask;
    struct auth_source source;
    char log_path[64];
    struct hearth_err err;
};

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct front *front = &world->front;
    const struct tenants_options tenants = {.folder = "/nowhere"};
    snprintf(world->log_path, sizeof(world->log_path), "/tmp/front-log-%d", getpid());
    assert_ok(tenants_open(&tenants, &front->tenants, &world->err), &world->err);
    assert_ok(access_log_open(world->log_path, &front->access_log, &world->err), &world->err);
    world->ask = (struct auth_ask){.tenants = tenants_all, .context = front->tenants};
    world->source = auth_ask_source(&world->ask);
    const struct auth_options auth = {
        .env = env_system(), .source = &world->source, .region = "home-1"};
    front->env = env_system();
    front->auth = auth_create(&auth);
    const struct health_options health = {
        .env = front->env, .answers = health_ask_coordinator, .context = front->tenants};
    front->health = health_create(&health);
    front->metrics = metrics_create();
    front->region = "home-1";
    front->transfers_max = 4;
    struct http_options options = http_world_options(&world->http);
    options.handle = front_handle;
    options.refuse = front_refuse;
    options.context = front;
    http_world_start(&world->http, &options);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    struct front *front = &world->front;
    http_world_stop(&world->http);
    metrics_destroy(front->metrics);
    health_destroy(front->health);
    auth_destroy(front->auth);
    access_log_close(front->access_log);
    tenants_close(front->tenants);
    unlink(world->log_path);
    free(world);
    return 0;
}

/* One request on a connection of its own; its id, which header and document agree about. */
static void assert_refused(void **state, const char *request, unsigned status, const char *code)
{
    struct world *world = *state;
    struct test_http http;
    struct test_http_answer answer;
    char id[64];
    char expected[128];
    test_http_open(&http, http_world_port(&world->http));
    test_http_ask(&http, request, &answer);
    test_http_close(&http);
    assert_int_equal(answer.status, status);
    assert_true(test_http_header(&answer, "x-amz-request-id", id, sizeof(id)));
    assert_int_equal(strlen(id), REQUEST_ID_TEXT_SIZE - 1);
    snprintf(expected, sizeof(expected), "<Code>%s</Code>", code);
    assert_non_null(strstr((char *)answer.body, expected));
    snprintf(expected, sizeof(expected), "<RequestId>%s</RequestId>", id);
    assert_non_null(strstr((char *)answer.body, expected));
    test_http_answer_fini(&answer);
}

/* Every row of the table, unsigned and with a signature of nobody's. */
static void no_handler_is_reached_without_a_proof(void **state)
{
    static const char *const paths[] = {"/", "/bucket", "/bucket/key"};
    for (unsigned i = 0; i < route_count; i++) {
        const struct route *row = &route_table[i];
        char target[256];
        char request[1024];
        snprintf(target, sizeof(target), "%s?%s&%s", paths[row->resource],
            row->param == NULL ? "x" : row->param, row->param2 == NULL ? "y" : row->param2);
        if (strcmp(row->method, "HEAD") == 0) {
            continue; /* says no code; the method is not what the verifier looks at */
        }
        snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: h\r\n%s%s\r\n", row->method,
            target, row->header == NULL ? "x" : row->header, ": x\r\nContent-Length: 0\r\n");
        assert_refused(state, request, 403, "AccessDenied");
    }
}

static void what_cannot_be_understood_is_said_to_be_so(void **state)
{
    assert_refused(state, "GET /b/%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400, "InvalidURI");
    assert_refused(state, "PATCH /b/k HTTP/1.1\r\nHost: h\r\n\r\n", 405, "MethodNotAllowed");
    assert_refused(state, "GET /b?inventory HTTP/1.1\r\nHost: h\r\n\r\n", 501, "NotImplemented");
    assert_refused(state,
        "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400,
        "InvalidRequest");
}

/* RFC 9110 asks for it, and people look there for what would be right. */
static void a_method_that_is_not_allowed_is_told_those_that_are(void **state)
{
    static const struct {
        const char *request;
        const char *allowed;
    } cases[] = {
        {"PATCH / HTTP/1.1\r\nHost: h\r\n\r\n", "GET"},
        {"PATCH /b HTTP/1.1\r\nHost: h\r\n\r\n", "GET, PUT, HEAD, DELETE"},
        {"POST /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "PUT, GET, HEAD, DELETE"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_http_answer answer;
        char allowed[ROUTE_ALLOWED_SIZE];
        struct test_http http;
        test_http_open(&http, http_world_port(&((struct world *)*state)->http));
        test_http_ask(&http, cases[i].request, &answer);
        test_http_close(&http);
        assert_int_equal(answer.status, 405);
        assert_true(test_http_header(&answer, "allow", allowed, sizeof(allowed)));
        assert_string_equal(allowed, cases[i].allowed);
        test_http_answer_fini(&answer);
    }
}

static void refusals_are_counted_and_logged(void **state)
{
    struct world *world = *state;
    const struct http_counts counts = {0};
    char line[4096] = "";
    assert_refused(
        state, "PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx", 403, "AccessDenied");
    http_world_stop(&world->http); /* so that its line is there */
    char *page = metrics_page(world->front.metrics, &counts);
    assert_non_null(strstr(page, "{operation=\"PutObject\",status=\"403\"} 1\n"));
    assert_non_null(strstr(page, "{code=\"AccessDenied\",status=\"403\"} 1\n"));
    free(page);
    FILE *log = fopen(world->log_path, "r");
    assert_non_null(fgets(line, sizeof(line), log));
    fclose(log);
    assert_non_null(strstr(line,
        " tenant=- operation=PutObject bucket=b key=k status=403 error=AccessDenied received=0"));
    const struct http_options options = http_world_options(&world->http);
    http_world_start(&world->http, &options); /* for the teardown */
}

static void health_needs_no_signature(void **state)
{
    struct world *world = *state;
    struct test_http http;
    struct test_http_answer answer;
    test_http_open(&http, http_world_port(&world->http));
    test_http_ask(&http, "GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    test_http_answer_fini(&answer);
    test_http_ask(&http, "HEAD /health/live HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 200);
    test_http_ask(&http, "GET /health/ready HTTP/1.1\r\nHost: h\r\n\r\n", &answer);
    assert_int_equal(answer.status, 503); /* it serves nobody */
    test_http_answer_fini(&answer);
    test_http_close(&http);
    assert_refused(state, "PUT /health/live HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", 403,
        "AccessDenied");
    assert_refused(state, "GET /health/live?x HTTP/1.1\r\nHost: h\r\n\r\n", 403, "AccessDenied");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_handler_is_reached_without_a_proof),
        TEST(what_cannot_be_understood_is_said_to_be_so),
        TEST(a_method_that_is_not_allowed_is_told_those_that_are),
        TEST(refusals_are_counted_and_logged),
        TEST(health_needs_no_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
