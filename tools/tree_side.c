#include "tools/tree_side.h"

#include <assert.h>
#include <unistd.h>

enum hearth_code tree_side_parse(const char *typed, struct tree_side *out, struct hearth_err *err)
{
    *out = (struct tree_side){.folder_fd = -1};
    if (!s3_url_is(typed)) {
        out->folder = typed;
        return HEARTH_OK;
    }
    if (s3_url_parse(typed, &out->url, err) != HEARTH_OK) {
        return err->code;
    }
    return s3_prefix_init(&out->prefix, out->url.key, err);
}

void tree_side_close(struct tree_side *side)
{
    if (side->folder_fd >= 0) {
        close(side->folder_fd);
        side->folder_fd = -1;
    }
}

bool tree_sides_overlap(const struct tree_side *a, const struct tree_side *b)
{
    if (tree_side_is_local(a) || tree_side_is_local(b) || strcmp(a->url.bucket, b->url.bucket)) {
        return false;
    }
    size_t common = a->prefix.size < b->prefix.size ? a->prefix.size : b->prefix.size;
    return memcmp(a->prefix.bytes, b->prefix.bytes, common) == 0;
}

static struct view join(
    struct view first, struct view second, struct view third, struct arena *arena)
{
    size_t size = first.size + second.size + third.size;
    uint8_t *bytes = arena_take(arena, size + 1); /* and a zero */
    assert(bytes != NULL);
    uint8_t *at = bytes;
    const struct view parts[] = {first, second, third};
    for (unsigned i = 0; i < 3; i++) {
        if (parts[i].size > 0) {
            memcpy(at, parts[i].bytes, parts[i].size);
            at += parts[i].size;
        }
    }
    return view_of(bytes, size);
}

struct view tree_side_key(const struct tree_side *side, struct view name, struct arena *arena)
{
    return join(s3_prefix_view(&side->prefix), name, view_text(""), arena);
}

char *tree_side_path(const struct tree_side *side, struct view name, struct arena *arena)
{
    struct view folder = view_text(side->folder);
    bool has_slash = folder.size > 0 && folder.bytes[folder.size - 1] == '/';
    struct view path = join(folder, view_text(has_slash ? "" : "/"), name, arena);
    return (char *)(uintptr_t)path.bytes; /* the arena's, and ours to give away */
}

struct view tree_side_text(const struct tree_side *side, struct view name, struct arena *arena)
{
    if (tree_side_is_local(side)) {
        return view_text(tree_side_path(side, name, arena));
    }
    struct view bucket =
        join(view_text("s3://"), view_text(side->url.bucket), view_text("/"), arena);
    return join(bucket, s3_prefix_view(&side->prefix), name, arena);
}
