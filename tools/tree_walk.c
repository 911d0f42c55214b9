#include "tools/tree_walk.h"

#include "tools/filter.h"
#include "tools/listing.h"
#include "tools/local_sink.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <sys/stat.h>

static enum hearth_code add(
    struct tree_walk *walk, const struct tree_entry *entry, struct hearth_err *err)
{
    walk->seen++;
    if (filter_includes(walk->filter, entry->name) && !tree_list_add(&walk->list, entry)) {
        return hearth_fail(err, HEARTH_BUSY, "more than %d names", TREE_LIST_MAX);
    }
    return HEARTH_OK;
}

/* ---- a directory ---- */

/* Beneath the root; of a directory with a slash at its end, as patterns see it. */
static struct view name_of(const FTSENT *entry, size_t root_length)
{
    const char *name = entry->fts_path + root_length;
    while (*name == '/') {
        name++;
    }
    return view_text(name);
}

static bool is_meant(const struct tree_walk *walk, const FTSENT *entry, struct view name)
{
    uint8_t with_slash[PATH_MAX + 1];
    bool is_folder = entry->fts_info == FTS_DNR || entry->fts_info == FTS_DC;
    if (!is_folder || name.size >= sizeof(with_slash)) {
        return filter_includes(walk->filter, name);
    }
    memcpy(with_slash, name.bytes, name.size);
    with_slash[name.size] = '/';
    return filter_includes(walk->filter, view_of(with_slash, name.size + 1));
}

static void fail_entry(
    struct tree_walk *walk, const FTSENT *entry, struct view name, const char *why)
{
    if (is_meant(walk, entry, name)) {
        struct hearth_err err;
        walk->failures++;
        hearth_fail(&err, HEARTH_IO, "%s", why);
        walk->failed(walk->context, view_text(entry->fts_path), &err);
    }
}

static enum hearth_code add_file(
    struct tree_walk *walk, const FTSENT *entry, struct view name, struct hearth_err *err)
{
    const struct stat *status = entry->fts_statp;
    if (local_sink_is_temporary(entry->fts_name)) {
        return HEARTH_OK;
    }
    const struct tree_entry file = {
        .name = name,
        .size = (uint64_t)status->st_size,
        .time_unix_ms =
            (uint64_t)status->st_mtim.tv_sec * 1000 + (uint64_t)status->st_mtim.tv_nsec / 1000000,
    };
    return add(walk, &file, err);
}

static enum hearth_code visit(
    struct tree_walk *walk, const FTSENT *entry, size_t root_length, struct hearth_err *err)
{
    struct view name = name_of(entry, root_length);
    switch (entry->fts_info) {
    case FTS_F: return add_file(walk, entry, name, err);
    case FTS_D:
    case FTS_DP: break; /* a directory is the names beneath it */
    case FTS_DC:
        fail_entry(walk, entry, name, "a symbolic link leads back to a directory above it");
        break;
    case FTS_SLNONE: fail_entry(walk, entry, name, "a symbolic link to nothing"); break;
    case FTS_SL:
        if (walk->links == TREE_LINKS_REFUSED) {
            fail_entry(walk, entry, name, "a symbolic link is not moved");
        }
        break;
    case FTS_DEFAULT:
        if (walk->links != TREE_LINKS_IGNORED) {
            fail_entry(walk, entry, name, "neither a file nor a directory");
        }
        break;
    default: fail_entry(walk, entry, name, strerrordesc_np(entry->fts_errno)); break;
    }
    return HEARTH_OK;
}

static enum hearth_code walk_folder(
    struct tree_walk *walk, const char *folder, struct hearth_err *err)
{
    struct stat status;
    if (stat(folder, &status) != 0) {
        return hearth_fail_sys(err, HEARTH_NOT_FOUND, errno, "read %s", folder);
    }
    if (!S_ISDIR(status.st_mode)) {
        return hearth_fail(err, HEARTH_INVALID, "%s is not a directory", folder);
    }
    char *const roots[] = {(char *)(uintptr_t)folder, NULL}; /* fts does not write to it */
    int links = walk->links == TREE_LINKS_FOLLOWED ? FTS_LOGICAL : FTS_PHYSICAL | FTS_COMFOLLOW;
    FTS *fts = fts_open(roots, links | FTS_NOCHDIR, NULL);
    if (fts == NULL) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "read %s", folder);
    }
    FTSENT *entry;
    enum hearth_code code = HEARTH_OK;
    while (code == HEARTH_OK && (errno = 0, entry = fts_read(fts)) != NULL) {
        code = errand_check(walk->errand, err) == HEARTH_OK
            ? visit(walk, entry, strlen(folder), err)
            : err->code;
    }
    if (code == HEARTH_OK && errno != 0) {
        code = hearth_fail_sys(err, HEARTH_IO, errno, "read %s", folder);
    }
    fts_close(fts);
    return code;
}

/* ---- a prefix ---- */

struct prefix_walk {
    struct tree_walk *walk;
    size_t skipped; /* bytes of each key */
};

static enum hearth_code on_object(
    void *context, const struct hearth_object *object, struct hearth_err *err)
{
    const struct prefix_walk *prefix = context;
    const struct tree_entry entry = {
        .name = view_of(object->key.bytes + prefix->skipped, object->key.size - prefix->skipped),
        .size = object->size,
        .time_unix_ms = object->created_unix_ms,
        .etag = object->etag,
    };
    return add(prefix->walk, &entry, err);
}

static enum hearth_code walk_prefix(
    struct tree_walk *walk, const struct tree_side *side, struct hearth_err *err)
{
    struct prefix_walk prefix = {.walk = walk, .skipped = side->prefix.size};
    struct listing listing = {
        .bucket = side->url.bucket,
        .prefix = s3_prefix_view(&side->prefix),
        .on_object = on_object,
        .context = &prefix,
    };
    return listing_walk(walk->errand, &listing, err);
}

enum hearth_code tree_walk(
    struct tree_walk *walk, const struct tree_side *side, struct hearth_err *err)
{
    enum hearth_code code = tree_side_is_local(side) ? walk_folder(walk, side->folder, err)
                                                     : walk_prefix(walk, side, err);
    tree_list_sort(&walk->list);
    return code;
}
