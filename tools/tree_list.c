#include "tools/tree_list.h"

#include <assert.h>
#include <stdlib.h>

enum { CAPACITY_FIRST = 64 };

void tree_list_fini(struct tree_list *list)
{
    free(list->entries);
    arena_fini(&list->arena);
    *list = (struct tree_list){0};
}

static void grow(struct tree_list *list)
{
    list->capacity = list->capacity == 0 ? CAPACITY_FIRST : 2 * list->capacity;
    list->entries = realloc(list->entries, list->capacity * sizeof(*list->entries));
    assert(list->entries != NULL);
}

bool tree_list_add(struct tree_list *list, const struct tree_entry *entry)
{
    if (list->count == TREE_LIST_MAX) {
        return false;
    }
    if (list->count == list->capacity) {
        grow(list);
    }
    struct tree_entry *copy = &list->entries[list->count++];
    *copy = *entry;
    copy->name = arena_copy(&list->arena, entry->name);
    assert(copy->name.bytes != NULL || entry->name.size == 0);
    if (entry->etag != NULL) {
        copy->etag = arena_text(&list->arena, view_text(entry->etag));
        assert(copy->etag != NULL);
    }
    return true;
}

int tree_name_compare(struct view a, struct view b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.bytes, b.bytes, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_entries(const void *a, const void *b)
{
    return tree_name_compare(
        ((const struct tree_entry *)a)->name, ((const struct tree_entry *)b)->name);
}

void tree_list_sort(struct tree_list *list)
{
    if (list->count > 1) {
        qsort(list->entries, list->count, sizeof(*list->entries), compare_entries);
    }
}
