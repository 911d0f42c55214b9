/*
 * metrics: the page says what was counted, in Prometheus' words, once for each series.
 */
#include "gateway/metrics.h"
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>

static const struct route *route_of(const char *operation)
{
    for (unsigned i = 0; i < route_count; i++) {
        if (strcmp(route_table[i].operation, operation) == 0) {
            return &route_table[i];
        }
    }
    fail_msg("no operation %s", operation);
    return NULL;
}

static void assert_line(const char *page, const char *line)
{
    char whole[256];
    snprintf(whole, sizeof(whole), "\n%s\n", line);
    if (strstr(page, whole) == NULL) {
        fail_msg("not on the page: %s\n%s", line, page);
    }
}

static char *make_page(void)
{
    const struct http_counts counts = {.connections = 3, .running = 2, .received_bytes = 5};
    struct metrics *metrics = metrics_create();
    assert_non_null(metrics);
    for (unsigned i = 0; i < 3; i++) {
        const struct metrics_request request = {.route = route_of("GetObject"),
            .status = 200,
            .duration_us = 2000 + 1000000 * i,
            .first_byte_us = 500};
        metrics_count(metrics, &request);
    }
    metrics_count(metrics,
        &(struct metrics_request){
            .status = 403, .error = S3_ERROR_SIGNATURE_DOES_NOT_MATCH, .duration_us = 100000000});
    metrics_count(metrics, &(struct metrics_request){.status = 418});
    char *page = metrics_page(metrics, &counts);
    metrics_destroy(metrics);
    assert_non_null(page);
    return page;
}

static void what_was_counted_is_on_the_page(void **state)
{
    (void)state;
    char *page = make_page();
    assert_line(page, "hearth_build_info{version=\"" HEARTH_VERSION "\"} 1");
    assert_line(page, "hearth_gateway_requests_total{operation=\"GetObject\",status=\"200\"} 3");
    assert_line(page, "hearth_gateway_requests_total{operation=\"none\",status=\"403\"} 1");
    assert_line(page, "hearth_gateway_requests_total{operation=\"none\",status=\"0\"} 1");
    assert_line(
        page, "hearth_gateway_errors_total{code=\"SignatureDoesNotMatch\",status=\"403\"} 1");
    assert_line(page,
        "hearth_gateway_request_duration_seconds_bucket{operation=\"GetObject\","
        "le=\"0.0025\"} 1");
    assert_line(page,
        "hearth_gateway_request_duration_seconds_bucket{operation=\"GetObject\","
        "le=\"+Inf\"} 3");
    assert_line(
        page, "hearth_gateway_request_duration_seconds_sum{operation=\"GetObject\"} 3.006000");
    assert_line(page,
        "hearth_gateway_request_duration_seconds_bucket{operation=\"none\","
        "le=\"60\"} 1");
    assert_line(page,
        "hearth_gateway_first_byte_seconds_bucket{operation=\"GetObject\","
        "le=\"0.001\"} 3");
    assert_line(page, "hearth_gateway_connections 3");
    assert_line(page, "hearth_gateway_requests_in_flight 2");
    assert_line(page, "hearth_gateway_received_bytes_total 5");
    free(page);
}

/* Each name is described once, and each series is there once. */
static void no_line_is_there_twice(void **state)
{
    (void)state;
    char *page = make_page();
    for (char *line = page; *line != '\0';) {
        char *end = strchr(line, '\n');
        size_t name = strcspn(line, " ");
        if (line[0] == '#') {
            name += 1 + strcspn(line + name + 1, " ");
            name += 1 + strcspn(line + name + 1, " ");
        }
        for (char *other = end + 1; *other != '\0'; other = strchr(other, '\n') + 1) {
            if (strncmp(line, other, name + 1) == 0) {
                fail_msg("twice: %.*s", (int)name, line);
            }
        }
        line = end + 1;
    }
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_is_on_the_page),
        cmocka_unit_test(no_line_is_there_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
