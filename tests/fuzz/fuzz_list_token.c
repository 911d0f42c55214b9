/*
 * fuzz_list_token: a listing by any prefix, delimiter, start and continuation token is refused, or
 * gives names in order, each once, all of them beneath the prefix; and the token of a page goes on
 * after it and comes to an end.
 *
 * The store is made once: twenty keys that share beginnings.  The input is, each with its length
 * before it: prefix, delimiter, start, token; then how many a page may hold.
 */
#include "coordinator/meta/meta_list.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/test_meta.h"

enum { PAGES_MAX = 64 };

static struct test_meta *store(void)
{
    static const char *const keys[] = {"a", "a/", "a/b", "a/b/c", "a/b/d", "a/c", "a0", "b//",
        "b//c", "b/c", "b/c/d/e", "b0", "c", "c\x01", "c\x7f", "photos/2025/1", "photos/2025/2",
        "photos/2026/1", "photos/index", "\xc3\xbc/\xc3\xa4"};
    static struct test_meta meta;
    static bool is_made;
    if (!is_made) {
        test_meta_init(&meta, 1, 0);
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
            test_meta_put_now(&meta, keys[i], 1);
        }
        is_made = true;
    }
    return &meta;
}

static int compare(struct view a, struct view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static bool begins_with(struct view key, struct view prefix)
{
    return key.size >= prefix.size &&
        (prefix.size == 0 || memcmp(key.bytes, prefix.bytes, prefix.size) == 0);
}

/* A start within a common prefix leaves the prefix listed, for the keys in it that follow. */
static bool is_after_start(const struct meta_list *list, const struct meta_list_entry *entry)
{
    int order = compare(list->start_after, entry->key);
    return order < 0 ||
        (entry->is_prefix && order > 0 && begins_with(list->start_after, entry->key));
}

static void check_entry(
    const struct meta_list *list, const struct meta_list_entry *entry, struct view *last)
{
    assert(last->bytes == NULL || compare(*last, entry->key) < 0);
    assert(begins_with(entry->key, list->prefix));
    assert(!entry->is_prefix || list->delimiter.size > 0);
    assert(list->token.size > 0 || list->start_after.size == 0 || is_after_start(list, entry));
    *last = entry->key;
}

static void fuzz_list(struct test_meta *meta, struct meta_list *list, struct arena *arena)
{
    struct view last = view_of(NULL, 0);
    struct meta_list_page page;
    for (unsigned pages = 0;; pages++) {
        assert(pages < PAGES_MAX);
        enum hearth_code code = meta_list(meta->store, list, arena, &page, &meta->err);
        assert(code == HEARTH_OK || (code == HEARTH_INVALID && pages == 0));
        if (code != HEARTH_OK) {
            return;
        }
        assert(page.count <= list->max);
        for (size_t i = 0; i < page.count; i++) {
            check_entry(list, &page.entries[i], &last);
        }
        if (page.next_token.size == 0) {
            return;
        }
        list->token = page.next_token;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct test_meta *meta = store();
    struct view rest = view_of(data, size);
    struct arena arena;
    arena_init(&arena, 0);
    struct meta_list list = {.bucket = meta->bucket};
    list.prefix = fuzz_take(&rest, fuzz_byte(&rest));
    list.delimiter = fuzz_take(&rest, fuzz_byte(&rest));
    list.start_after = fuzz_take(&rest, fuzz_byte(&rest));
    list.token = fuzz_take(&rest, fuzz_byte(&rest));
    list.max = 1u + fuzz_byte(&rest);
    fuzz_list(meta, &list, &arena);
    arena_fini(&arena);
    return 0;
}
