/*
 * meta_list: pages of keys, against a model that sorts and folds them in memory, for every prefix,
 * delimiter and page size of small worlds; and the seek that skips what is not listed.
 */
#include "coordinator/meta/meta_list.h"

#include "coordinator/meta/meta_list_seek.h"
#include "tests/lib/test.h"
#include "tests/lib/test_meta.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- the seek ---- */

static void assert_seek(
    const char *key, const char *prefix, const char *delimiter, const char *expected, size_t size)
{
    uint8_t bytes[META_SEEK_SIZE_MAX];
    size_t got = meta_list_seek(view_text(key), view_text(prefix), view_text(delimiter), bytes);
    assert_int_equal(got, size);
    assert_memory_equal(bytes, expected, size);
}

static void the_seek_passes_a_key_or_all_of_its_common_prefix(void **state)
{
    (void)state;
    assert_seek("a/b/c", "", "/", "a0", 2);
    assert_seek("a/b/c", "a/", "/", "a/b0", 4);
    assert_seek("a/b/c", "a/b/", "/", "a/b/c", 6); /* and a zero byte */
    assert_seek("a/b", "", "", "a/b", 4);
    assert_seek("a\xff"
                "b",
        "", "\xff", "b", 1);
    assert_seek("\xff"
                "b",
        "", "\xff", "", 0);
    assert_seek("a--b--c", "a--", "--", "a--b-.", 6);
}

/* ---- pages against a model ---- */

enum { KEYS_MAX = 64, RESULT_MAX = 4096 };

struct world {
    const char *keys[KEYS_MAX]; /* in order */
    size_t count;
};

static const struct world world = {
    .keys = {"a", "a/", "a/1", "a/2/x", "a/2/y", "a/3", "a0", "b/1", "b/2", "b//", "b//c", "c",
        "\xc3\xa9/\xff", "\xff", "\xff/1", "\xff\xff"},
    .count = 16,
};

static void put_world(struct test_meta *meta)
{
    for (size_t i = 0; i < world.count; i++) {
        test_meta_put_now(meta, world.keys[i], i);
    }
}

/* "key\n" or "prefix*\n" of each, in one text. */
static void add_line(char *text, struct view name, bool is_prefix)
{
    size_t size = strlen(text);
    assert_true(size + name.size + 3 < RESULT_MAX);
    memcpy(text + size, name.bytes, name.size);
    strcpy(text + size + name.size, is_prefix ? "*\n" : "\n");
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_model(
    const char *prefix, const char *delimiter, const char *start_after, char *text)
{
    const char *sorted[KEYS_MAX];
    char last[64] = "";
    memcpy(sorted, world.keys, sizeof(sorted));
    qsort(sorted, world.count, sizeof(sorted[0]), by_bytes);
    text[0] = '\0';
    for (size_t i = 0; i < world.count; i++) {
        const char *key = sorted[i];
        if (strncmp(key, prefix, strlen(prefix)) != 0 || strcmp(key, start_after) <= 0) {
            continue;
        }
        const char *rest = key + strlen(prefix);
        const char *at = delimiter[0] == '\0' ? NULL : strstr(rest, delimiter);
        if (at == NULL) {
            add_line(text, view_text(key), false);
            continue;
        }
        struct view common = view_of(key, (size_t)(at - key) + strlen(delimiter));
        if (!view_equal(common, view_text(last)) && !view_equal(common, view_text(start_after))) {
            add_line(text, common, true);
            memcpy(last, common.bytes, common.size);
            last[common.size] = '\0';
        }
    }
}

static void list_all_pages(struct test_meta *meta, struct meta_list request, char *text)
{
    struct meta_list_page page;
    size_t pages = 0;
    text[0] = '\0';
    do {
        assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
        assert_true(page.count <= request.max);
        assert_true(page.count > 0 || page.next_token.size == 0);
        for (size_t i = 0; i < page.count; i++) {
            add_line(text, page.entries[i].key, page.entries[i].is_prefix);
        }
        request.token = page.next_token;
        assert_true(++pages < RESULT_MAX);
    } while (page.next_token.size > 0);
}

static void every_listing_agrees_with_the_model(void **state)
{
    struct test_meta *meta = *state;
    static const char *const prefixes[] = {"", "a", "a/", "a/2", "b/", "b//", "\xff", "nothing"};
    static const char *const delimiters[] = {"", "/", "//", "2/", "\xff"};
    static const char *const starts[] = {"", "a", "a/", "a/2", "a/2/", "a/2/x", "b/1", "\xff\xff"};
    static const unsigned sizes[] = {1, 2, 3, 7, META_LIST_MAX};
    static char expected[RESULT_MAX];
    static char listed[RESULT_MAX];
    put_world(meta);
    for (size_t p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
        for (size_t d = 0; d < sizeof(delimiters) / sizeof(delimiters[0]); d++) {
            for (size_t s = 0; s < sizeof(starts) / sizeof(starts[0]); s++) {
                list_model(prefixes[p], delimiters[d], starts[s], expected);
                for (size_t m = 0; m < sizeof(sizes) / sizeof(sizes[0]); m++) {
                    struct meta_list request = {.bucket = meta->bucket,
                        .prefix = view_text(prefixes[p]),
                        .delimiter = view_text(delimiters[d]),
                        .start_after = view_text(starts[s]),
                        .max = sizes[m]};
                    list_all_pages(meta, request, listed);
                    assert_string_equal(listed, expected);
                }
            }
            arena_fini(&meta->arena);
        }
    }
}

static void a_page_longer_than_a_chunk_has_every_key_once(void **state)
{
    enum { KEYS = 700 };
    struct test_meta *meta = *state;
    struct meta_list request = {.bucket = meta->bucket, .max = META_LIST_MAX};
    struct meta_list_page page;
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%04u", i);
        test_meta_put_now(meta, key, i);
    }
    assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, KEYS);
    assert_int_equal(page.next_token.size, 0);
    for (unsigned i = 0; i < KEYS; i++) {
        assert_int_equal(page.entries[i].info.size, i);
    }
    request.max = KEYS; /* exactly full: no empty page follows */
    assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.next_token.size, 0);
}

/* A clock that runs whenever somebody looks, as the engine does every thousand steps. */
static uint64_t running_ns(struct env *env)
{
    test_env_step_ms((struct test_env *)env, META_LIST_MS_MAX / 10);
    return ((struct test_env *)env)->monotonic_ns;
}

static void a_page_that_takes_too_long_ends_early_and_goes_on_with_its_token(void **state)
{
    enum { KEYS = 900 };
    struct test_meta *meta = *state;
    static char expected[RESULT_MAX];
    static char listed[RESULT_MAX];
    struct meta_list_page page;
    struct meta_list request = {.bucket = meta->bucket, .max = META_LIST_MAX};
    for (unsigned i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "%03u", i);
        test_meta_put_now(meta, key, 0);
    }
    list_all_pages(meta, request, expected);
    meta->env.env.now_monotonic_ns = running_ns;
    assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
    assert_in_range(page.count, 1, KEYS - 1);
    assert_true(page.next_token.size > 0);
    list_all_pages(meta, request, listed);
    assert_string_equal(listed, expected);
}

static void tokens_of_others_are_refused(void **state)
{
    struct test_meta *meta = *state;
    struct meta_list_page page;
    static const uint8_t long_token[META_KEY_MAX + 10] = {1};
    const struct view tokens[] = {
        view_text("x"), view_text("xyz"), view_of(long_token, sizeof(long_token))};
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        struct meta_list request = {.bucket = meta->bucket, .token = tokens[i], .max = 1};
        assert_int_equal(
            meta_list(meta->store, &request, &meta->arena, &page, &meta->err), HEARTH_INVALID);
    }
    struct meta_list request = {.bucket = test_meta_id(meta), .max = 1};
    assert_int_equal(
        meta_list(meta->store, &request, &meta->arena, &page, &meta->err), HEARTH_NOT_FOUND);
}

static void the_longest_keys_are_listed_and_passed(void **state)
{
    struct test_meta *meta = *state;
    char key[META_KEY_MAX + 1];
    struct meta_list_page page;
    memset(key, 0xff, META_KEY_MAX);
    key[META_KEY_MAX] = '\0';
    test_meta_put_now(meta, key, 1);
    struct meta_list request = {.bucket = meta->bucket, .prefix = view_text(key), .max = 1};
    assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, 1);
    request.prefix = view_text("");
    request.start_after = view_text(key);
    assert_ok(meta_list(meta->store, &request, &meta->arena, &page, &meta->err), &meta->err);
    assert_int_equal(page.count, 0);
}

#define IN_A_STORE(claim) TEST_META_CASE(claim, 0)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_seek_passes_a_key_or_all_of_its_common_prefix),
        IN_A_STORE(every_listing_agrees_with_the_model),
        IN_A_STORE(a_page_longer_than_a_chunk_has_every_key_once),
        IN_A_STORE(a_page_that_takes_too_long_ends_early_and_goes_on_with_its_token),
        IN_A_STORE(tokens_of_others_are_refused),
        IN_A_STORE(the_longest_keys_are_listed_and_passed),
    };
    return cmocka_run_group_tests_name("meta_list", tests, NULL, NULL);
}
