/*
 * status_report: what a person reads, what --json prints and what is on the page of metrics are the
 * same numbers, each of them.
 */
#include "coordinator/service/metrics_page.h"
#include "tests/lib/status_numbers.h"
#include "tests/lib/test.h"
#include "tools/chance.h"
#include "tools/format.h"
#include "tools/status_report.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Two profiles: then what all of them have together is a line of its own. */
struct fixture {
    struct status_numbers numbers;
    struct wire_durability_info profiles[2];
    struct wire_node_info nodes[2];
};

static void fixture_init(struct fixture *at)
{
    *at = (struct fixture){.nodes = {{.state = view_text("alive")}, {.state = view_text("lost")}}};
    status_numbers_init(&at->numbers);
    at->numbers.sweep.running = 3;
    at->numbers.status.profiles = at->profiles;
    at->numbers.status.profiles_count = 2;
    at->numbers.status.nodes = at->nodes;
    at->numbers.status.nodes_count = 2;
}

static char *printed(const struct wire_status_reply *status)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    status_report_print(out, status);
    fclose(out);
    return text;
}

/* Not as a part of a longer number. */
static bool has_number(const char *text, const char *number)
{
    for (const char *at = strstr(text, number); at != NULL; at = strstr(at + 1, number)) {
        char after = at[strlen(number)];
        if (!isdigit(at[-1]) && at[-1] != '.' && !isdigit(after)) {
            return true;
        }
    }
    return false;
}

/* A count, bytes or a share; of durability a chance. */
static bool is_said(const char *text, const struct status_field *field, uint64_t value)
{
    char count[24];
    char bytes[FORMAT_BYTES_SIZE];
    char chance[CHANCE_SIZE];
    char share[24];
    snprintf(count, sizeof(count), "%" PRIu64, value);
    snprintf(share, sizeof(share), "%" PRIu64 " %%", value / 10);
    return strcmp(field->part, "durability") == 0 ? has_number(text, chance_text(value, chance))
                                                  : has_number(text, count) ||
            has_number(text, format_bytes(value, bytes)) || has_number(text, share);
}

/* Times are said as ages and speeds, and flags in words. */
static bool is_a_count(const struct status_field *field)
{
    return field->unit == STATUS_COUNT || field->unit == STATUS_PERMILLE;
}

static const json_t *member_of(const json_t *line, const struct status_field *field)
{
    const json_t *object = *field->part == '\0' ? line : json_object_get(line, field->part);
    return json_object_get(object, field->name);
}

static void assert_member(const json_t *line, unsigned row)
{
    const struct status_field *field = &status_fields[row];
    const json_t *member = member_of(line, field);
    char time[FORMAT_TIME_SIZE];
    if (member == NULL) {
        fail_msg("not in the JSON: %s %s", field->part, field->name);
    }
    if (field->unit == STATUS_FLAG) {
        assert_true(json_is_true(member));
    } else if (field->unit == STATUS_UNIX_MS) {
        assert_string_equal(json_string_value(member), format_time_utc(status_number(row), time));
    } else {
        assert_int_equal(json_integer_value(member), status_number(row));
    }
}

static void text_json_and_metrics_have_the_same_numbers(void **state)
{
    (void)state;
    struct fixture at;
    char line[STATUS_NUMBER_LINE_SIZE];
    fixture_init(&at);
    char *text = printed(&at.numbers.status);
    char *page = metrics_page(&at.numbers.status);
    json_t *json = status_report_json(&at.numbers.status);
    for (unsigned row = 0; row < status_field_count; row++) {
        const struct status_field *field = &status_fields[row];
        assert_member(json, row);
        assert_non_null(strstr(page, status_number_line(row, line)));
        if (is_a_count(field) && !is_said(text, field, status_number(row))) {
            fail_msg("not said: %s %s, which is %" PRIu64 "\n%s", field->part, field->name,
                status_number(row), text);
        }
    }
    json_decref(json);
    free(page);
    free(text);
}

static void nodes_are_counted_by_state_in_all_three(void **state)
{
    (void)state;
    struct fixture at;
    fixture_init(&at);
    char *text = printed(&at.numbers.status);
    char *page = metrics_page(&at.numbers.status);
    json_t *json = status_report_json(&at.numbers.status);
    const json_t *states = json_object_get(json, "nodes_by_state");
    assert_non_null(strstr(text, "nodes       1 alive, 1 lost\n"));
    assert_int_equal(json_integer_value(json_object_get(states, "lost")), 1);
    assert_int_equal(json_integer_value(json_object_get(states, "offline")), 0);
    assert_non_null(strstr(page, "hearth_nodes{state=\"lost\"} 1"));
    assert_non_null(strstr(page, "hearth_nodes{state=\"offline\"} 0"));
    json_decref(json);
    free(page);
    free(text);
}

static void the_sentence_is_first_and_then_what_needs_a_person(void **state)
{
    (void)state;
    struct fixture at;
    fixture_init(&at);
    at.numbers.status.human = view_text("look here: do this\nand there: do that");
    char *text = printed(&at.numbers.status);
    assert_int_equal(strncmp(text, "broken: ", 8), 0);
    assert_non_null(
        strstr(text, "\nATTENTION   look here: do this\nATTENTION   and there: do that\n\nspace "));
    free(text);
}

static void nothing_is_said_of_segments_that_nobody_counted(void **state)
{
    (void)state;
    struct fixture at;
    fixture_init(&at);
    at.numbers.repair.counted = false;
    char *text = printed(&at.numbers.status);
    assert_int_equal(strncmp(text, "starting: ", 10), 0);
    assert_non_null(strstr(text, "\nsegments    not counted yet\n"));
    free(text);
}

static void one_of_something_is_not_said_as_many(void **state)
{
    (void)state;
    struct fixture at;
    fixture_init(&at);
    at.numbers.status.objects = at.numbers.status.buckets = 1;
    char *text = printed(&at.numbers.status);
    assert_non_null(strstr(text, "\nstored      1 object in 1 bucket, "));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_json_and_metrics_have_the_same_numbers),
        cmocka_unit_test(nodes_are_counted_by_state_in_all_three),
        cmocka_unit_test(the_sentence_is_first_and_then_what_needs_a_person),
        cmocka_unit_test(nothing_is_said_of_segments_that_nobody_counted),
        cmocka_unit_test(one_of_something_is_not_said_as_many),
    };
    return cmocka_run_group_tests_name("status_report", tests, NULL, NULL);
}
