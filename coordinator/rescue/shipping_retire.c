#include "coordinator/rescue/shipping_retire.h"

#include "common/failpoint.h"
#include "coordinator/meta/meta_list.h"
#include "coordinator/meta/meta_object.h"

enum { NUMBER_DIGITS = 12 }; /* a key begins with its shipment's number */

static bool is_snapshot(struct view key)
{
    static const char end[] = "-snapshot";
    return key.size > sizeof(end) &&
        memcmp(key.bytes + key.size - (sizeof(end) - 1), end, sizeof(end) - 1) == 0;
}

struct retirement {
    struct coordinator *coordinator;
    struct arena arena;
    struct meta_list list;
    struct meta_list_page page;
    struct view newest[SHIPPING_CHAINS_KEPT]; /* snapshots' keys, newest first; empty: none */
};

static enum hearth_code next_page(struct retirement *retirement, struct hearth_err *err)
{
    retirement->list.max = META_LIST_MAX;
    return meta_list(retirement->coordinator->store, &retirement->list, &retirement->arena,
        &retirement->page, err);
}

/* Keys ascend with the numbers. */
static enum hearth_code find_newest(struct retirement *retirement, struct hearth_err *err)
{
    struct view *newest = retirement->newest;
    do {
        if (next_page(retirement, err) != HEARTH_OK) {
            return err->code;
        }
        for (size_t i = 0; i < retirement->page.count; i++) {
            if (is_snapshot(retirement->page.entries[i].key)) {
                memmove(newest + 1, newest, (SHIPPING_CHAINS_KEPT - 1) * sizeof(*newest));
                newest[0] = retirement->page.entries[i].key;
            }
        }
        retirement->list.token = retirement->page.next_token;
    } while (retirement->list.token.size > 0);
    return HEARTH_OK;
}

/* What is older than the oldest snapshot that is kept; *count 0: nothing any more. */
static enum hearth_code delete_some(
    struct retirement *retirement, size_t *count, struct hearth_err *err)
{
    struct view keys[META_LIST_MAX];
    struct view oldest = retirement->newest[SHIPPING_CHAINS_KEPT - 1];
    struct meta_id token;
    *count = 0;
    if (next_page(retirement, err) != HEARTH_OK) {
        return err->code;
    }
    for (; *count < retirement->page.count; ++*count) {
        keys[*count] = retirement->page.entries[*count].key;
        if (memcmp(keys[*count].bytes, oldest.bytes, NUMBER_DIGITS) >= 0) {
            break;
        }
    }
    if (*count == 0) {
        return HEARTH_OK;
    }
    env_random(retirement->coordinator->env, token.bytes, sizeof(token.bytes));
    enum hearth_code code = meta_delete_many(
        retirement->coordinator->store, retirement->list.bucket, keys, *count, token, err);
    (void)FAILPOINT(COORDINATOR_SHIP_RETIRED);
    return code;
}

enum hearth_code shipping_retire_old(
    struct coordinator *coordinator, struct meta_id bucket, struct hearth_err *err)
{
    struct retirement retirement = {.coordinator = coordinator, .list = {.bucket = bucket}};
    arena_init(&retirement.arena, 0);
    enum hearth_code code = find_newest(&retirement, err);
    size_t deleted = retirement.newest[SHIPPING_CHAINS_KEPT - 1].size;
    while (code == HEARTH_OK && deleted > 0) {
        code = delete_some(&retirement, &deleted, err);
    }
    arena_fini(&retirement.arena);
    return code;
}
