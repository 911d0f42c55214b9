/*
 * route: each row is found by a request of its own, and nothing falls through to an operation that
 * was not asked for.
 */
#include "gateway/route.h"
#include "tests/lib/test.h"

#include <stdio.h>

static enum s3_error find(
    const char *method, const char *target, const char *header, const struct route **out)
{
    struct arena arena;
    struct request request = {0};
    const struct request_domains none = {0};
    const struct http_header headers[] = {{header == NULL ? "host" : header, "x"}};
    const struct http_head head = {
        .method = method, .target = target, .header_count = 1, .headers = headers};
    arena_init(&arena, 0);
    assert_int_equal(request_parse(&head, &none, &arena, &request), S3_ERROR_NONE);
    enum s3_error error = route_find(&request, out);
    arena_fini(&arena);
    return error;
}

static void every_row_is_found_by_its_own_request(void **state)
{
    (void)state;
    for (unsigned i = 0; i < route_count; i++) {
        const struct route *row = &route_table[i];
        static const char *const paths[] = {"/", "/bucket", "/bucket/key"};
        char target[128];
        const struct route *found = NULL;
        snprintf(target, sizeof(target), "%s?%s&%s", paths[row->resource],
            row->param == NULL ? "x" : row->param, row->param2 == NULL ? "y" : row->param2);
        assert_int_equal(find(row->method, target, row->header, &found), S3_ERROR_NONE);
        assert_ptr_equal(found, row);
    }
}

static void every_row_says_all_there_is_to_say(void **state)
{
    (void)state;
    for (unsigned i = 0; i < route_count; i++) {
        const struct route *row = &route_table[i];
        assert_non_null(row->operation);
        assert_non_null(row->handler);
        assert_int_not_equal(row->right, 0);
        assert_true(row->param != NULL || row->param2 == NULL);
    }
}

static void a_sub_resource_without_a_row_is_not_implemented(void **state)
{
    (void)state;
    const struct route *found;
    assert_int_equal(find("GET", "/b?analytics", NULL, &found), S3_ERROR_NOT_IMPLEMENTED);
    assert_int_equal(find("PUT", "/b?accelerate", NULL, &found), S3_ERROR_NOT_IMPLEMENTED);
    assert_int_equal(find("DELETE", "/b?encryption=", NULL, &found), S3_ERROR_NOT_IMPLEMENTED);
    assert_int_equal(find("GET", "/b/k?torrent", NULL, &found), S3_ERROR_NOT_IMPLEMENTED);
    assert_int_equal(find("POST", "/b/k?restore", NULL, &found), S3_ERROR_NOT_IMPLEMENTED);
    assert_int_equal(find("PUT", "/b/k?legal-h%6Fld", NULL, &found), S3_ERROR_NOT_IMPLEMENTED);
}

static void what_no_operation_reads_is_ignored(void **state)
{
    (void)state;
    const struct route *found;
    assert_int_equal(find("PUT", "/b/k?x-id=PutObject", NULL, &found), S3_ERROR_NONE);
    assert_string_equal(found->operation, "PutObject");
    assert_int_equal(find("HEAD", "/b", NULL, &found), S3_ERROR_NONE);
    assert_string_equal(found->operation, "HeadBucket");
}

static void another_method_is_not_allowed(void **state)
{
    (void)state;
    const struct route *found;
    assert_int_equal(find("PATCH", "/b/k", NULL, &found), S3_ERROR_METHOD_NOT_ALLOWED);
    assert_int_equal(find("put", "/b/k", NULL, &found), S3_ERROR_METHOD_NOT_ALLOWED);
    assert_int_equal(find("DELETE", "/", NULL, &found), S3_ERROR_METHOD_NOT_ALLOWED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_found_by_its_own_request),
        cmocka_unit_test(every_row_says_all_there_is_to_say),
        cmocka_unit_test(a_sub_resource_without_a_row_is_not_implemented),
        cmocka_unit_test(what_no_operation_reads_is_ignored),
        cmocka_unit_test(another_method_is_not_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
