/*
 * tree_list.h - what a directory or prefix holds: names beneath its root, in byte order.
 *
 * Everything is in memory, about 100 bytes and the name for each entry: a plan must know both
 * sides, and what is under way must not change what is still to be listed.
 *
 * Thread-safety: filled by one thread; then only read, by any.
 */
#ifndef HEARTH_TOOLS_TREE_LIST_H
#define HEARTH_TOOLS_TREE_LIST_H

#include "common/arena.h"

enum { TREE_LIST_MAX = 16 * 1024 * 1024 }; /* entries; beyond that a listing fails */

struct tree_entry {
    struct view name;
    uint64_t size;
    uint64_t time_unix_ms; /* of its last change; of an object: when it was stored */
    const char *etag;      /* NULL: a file */
};

/* From zero. */
struct tree_list {
    struct arena arena; /* names */
    size_t count;
    size_t capacity;
    struct tree_entry *entries;
};

void tree_list_fini(struct tree_list *list);

/* Copies what the entry points at. False: TREE_LIST_MAX are there. */
bool tree_list_add(struct tree_list *list, const struct tree_entry *entry);

/* To be called once everything is in. */
void tree_list_sort(struct tree_list *list);

/* By their bytes, as S3 orders keys. */
int tree_name_compare(struct view a, struct view b);

#endif /* HEARTH_TOOLS_TREE_LIST_H */
