/*
 * metrics_page: every number of the status is on the page, once, by Prometheus' rules of names.
 */
#include "coordinator/service/metrics_page.h"
#include "tests/lib/status_numbers.h"
#include "tests/lib/test.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void assert_line(const char *page, const char *line)
{
    char whole[200];
    snprintf(whole, sizeof(whole), "\n%s\n", line);
    const char *found = strstr(page, whole);
    if (found == NULL || strstr(found + 1, whole) != NULL) {
        fail_msg("not once on the page: %s\n%s", line, page);
    }
}

static void every_number_of_the_status_is_on_the_page(void **state)
{
    (void)state;
    struct status_numbers numbers;
    char line[STATUS_NUMBER_LINE_SIZE];
    status_numbers_init(&numbers);
    char *page = metrics_page(&numbers.status);
    assert_non_null(page);
    for (unsigned row = 0; row < status_field_count; row++) {
        assert_line(page, status_number_line(row, line));
    }
    free(page);
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void names_keep_the_rules_and_are_there_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < status_field_count; i++) {
        const struct status_field *field = &status_fields[i];
        assert_int_equal(strncmp(field->metric, "hearth_", 7), 0);
        for (const char *letter = field->metric; *letter != '\0'; letter++) {
            assert_true(islower(*letter) || isdigit(*letter) || *letter == '_');
        }
        assert_int_equal(ends_with(field->metric, "_total"), field->only_grows);
        assert_true(field->unit != STATUS_UNIX_MS || ends_with(field->metric, "_seconds"));
        assert_true(field->unit != STATUS_MS || ends_with(field->metric, "_seconds"));
        assert_true(field->unit != STATUS_PERMILLE || ends_with(field->metric, "_ratio"));
        for (unsigned other = 0; other < i; other++) {
            assert_string_not_equal(field->metric, status_fields[other].metric);
            assert_true(strcmp(field->name, status_fields[other].name) != 0 ||
                strcmp(field->part, status_fields[other].part) != 0);
        }
    }
}

static void health_and_nodes_have_a_line_for_each_state(void **state)
{
    (void)state;
    struct wire_node_info nodes[3] = {{.state = view_text("alive")}, {.state = view_text("alive")},
        {.state = view_text("offline")}};
    const struct wire_status_reply status = {
        .nodes = nodes, .nodes_count = 3, .human = view_text("look at node 3")};
    char *page = metrics_page(&status);
    assert_non_null(page);
    assert_line(page, "hearth_cluster_health{health=\"reduced\"} 1");
    assert_line(page, "hearth_cluster_health{health=\"healthy\"} 0");
    assert_line(page, "hearth_nodes{state=\"alive\"} 2");
    assert_line(page, "hearth_nodes{state=\"offline\"} 1");
    assert_line(page, "hearth_nodes{state=\"lost\"} 0");
    assert_line(page, "hearth_attention 1");
    assert_null(strstr(page, "hearth_sweep_pass ")); /* a part that is not there */
    free(page);
}

static void profiles_and_buckets_in_danger_have_a_line_each_and_no_name(void **state)
{
    (void)state;
    const uint8_t id[16] = {0xab, 1};
    const struct wire_durability_info profile = {
        .profile = view_text("home"), .worst_lost_digits = 12500000};
    const struct wire_durability_info bucket = {.bucket = view_text("letters"),
        .bucket_id = view_of(id, sizeof(id)),
        .worst_lost_digits = 3000000};
    const struct wire_status_reply status = {.profiles = &profile,
        .profiles_count = 1,
        .bucket_durability = &bucket,
        .bucket_durability_count = 1};
    char *page = metrics_page(&status);
    assert_non_null(page);
    assert_line(page, "hearth_profile_durability_worst_digits_micro{profile=\"home\"} 12500000");
    assert_line(page,
        "hearth_bucket_durability_worst_digits_micro{bucket_id="
        "\"ab010000000000000000000000000000\"} 3000000");
    assert_null(strstr(page, "letters"));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_and_buckets_in_danger_have_a_line_each_and_no_name),
        cmocka_unit_test(every_number_of_the_status_is_on_the_page),
        cmocka_unit_test(names_keep_the_rules_and_are_there_once),
        cmocka_unit_test(health_and_nodes_have_a_line_for_each_state),
    };
    return cmocka_run_group_tests_name("metrics_page", tests, NULL, NULL);
}
