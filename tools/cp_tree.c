#include "tools/cp_tree.h"

#include "tools/format.h"
#include "tools/listing.h"
#include "tools/work_pool.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdio.h>

struct tree {
    /* Set once. */
    struct errand *errand;
    const struct cp_tree_options *options;
    const char *source_bucket;
    const char *bucket; /* of the destination */
    struct s3_prefix source_prefix;
    struct s3_prefix prefix;
    int folder_fd;

    /* The walking thread only. */
    struct work_pool *pool;
    uint64_t total;

    struct {
        pthread_mutex_t mutex; /* a leaf */
        uint64_t failed;
    } shared;
};

/* One object. `name` is what source and destination have in common, after their prefixes. */
struct job {
    size_t name_size;
    const char *path; /* up: the local file; stands behind the name */
    uint8_t name[];
};

/* ---- names ---- */

/* What comes out may be longer than a key can be; then it is refused as such. */
static struct view join(const struct s3_prefix *prefix, struct view name, struct arena *arena)
{
    uint8_t *bytes = arena_take(arena, prefix->size + name.size + 1);
    assert(bytes != NULL);
    memcpy(bytes, prefix->bytes, prefix->size);
    memcpy(bytes + prefix->size, name.bytes, name.size);
    return view_of(bytes, prefix->size + name.size);
}

static struct job *job_create(struct view name, const char *path)
{
    size_t path_size = strlen(path) + 1;
    struct job *job = malloc(sizeof(*job) + name.size + path_size);
    assert(job != NULL);
    memcpy(job->name, name.bytes, name.size);
    memcpy(job->name + name.size, path, path_size);
    job->name_size = name.size;
    job->path = (const char *)job->name + name.size;
    return job;
}

static struct view job_name(const struct job *job)
{
    return view_of(job->name, job->name_size);
}

/* ---- failures ---- */

static void count_failure(struct tree *tree)
{
    UNLOCKS pthread_mutex_t *held = lock(&tree->shared.mutex);
    tree->shared.failed++;
}

/* After Ctrl-C every transfer under way fails: that is said once, by the caller. */
static void report(struct tree *tree, struct view name, const struct hearth_err *err)
{
    char text[FORMAT_NAME_SIZE];
    count_failure(tree);
    if (err->code != HEARTH_CANCELLED) {
        errand_say(tree->errand, "cp -r: %.400s: %s", format_name(name, text), err->message);
    }
}

/* As a person knows the source: a path, or a whole key. */
static struct view source_name(const struct tree *tree, const struct job *job, struct arena *arena)
{
    return tree->source_bucket == NULL ? view_text(job->path)
                                       : join(&tree->source_prefix, job_name(job), arena);
}

/* ---- one object ---- */

static enum hearth_code copy_file_up(
    const struct tree *tree, const struct job *job, struct arena *arena, struct hearth_err *err)
{
    struct copy_object to = {tree->bucket, join(&tree->prefix, job_name(job), arena)};
    struct local_source source;
    if (s3_key_check(to.key, err) != HEARTH_OK ||
        local_source_open(job->path, errand_cancel(tree->errand), &source, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = copy_up(tree->errand, &source, &to, tree->options->labels, err);
    local_source_close(&source);
    return code;
}

static enum hearth_code copy_object_down(
    const struct tree *tree, const struct job *job, struct arena *arena, struct hearth_err *err)
{
    struct copy_object from = {tree->source_bucket, source_name(tree, job, arena)};
    struct local_sink sink;
    if (local_sink_open_beneath(tree->folder_fd, job_name(job), &sink, err) != HEARTH_OK) {
        return err->code;
    }
    return copy_down(tree->errand, &from, NULL, &sink, err);
}

static enum hearth_code copy_object_across(
    const struct tree *tree, const struct job *job, struct arena *arena, struct hearth_err *err)
{
    struct view from = source_name(tree, job, arena);
    struct view to = join(&tree->prefix, job_name(job), arena);
    if (s3_key_check(to, err) != HEARTH_OK) {
        return err->code;
    }
    return hearth_copy(
        errand_hearth(tree->errand), tree->source_bucket, from, tree->bucket, to, NULL, NULL, err);
}

typedef enum hearth_code copy_one_fn(
    const struct tree *tree, const struct job *job, struct arena *arena, struct hearth_err *err);

static void run_job(struct tree *tree, struct job *job, copy_one_fn *copy_one)
{
    struct arena arena;
    struct hearth_err err;
    arena_init(&arena, 0);
    if (errand_check(tree->errand, &err) != HEARTH_OK ||
        copy_one(tree, job, &arena, &err) != HEARTH_OK) {
        report(tree, source_name(tree, job, &arena), &err);
    }
    arena_fini(&arena);
    free(job);
}

static void run_up(void *context, void *job)
{
    run_job(context, job, copy_file_up);
}

static void run_down(void *context, void *job)
{
    run_job(context, job, copy_object_down);
}

static void run_across(void *context, void *job)
{
    run_job(context, job, copy_object_across);
}

/* ---- walking ---- */

static void submit(struct tree *tree, struct view name, const char *path)
{
    tree->total++;
    work_pool_submit(tree->pool, job_create(name, path));
}

static int compare_entries(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void fail_entry(struct tree *tree, const FTSENT *entry, const char *why)
{
    tree->total++;
    struct hearth_err err;
    hearth_fail(&err, HEARTH_IO, "%s", why);
    report(tree, view_text(entry->fts_path), &err);
}

static void visit_entry(struct tree *tree, const FTSENT *entry, size_t folder_length)
{
    const char *name = entry->fts_path + folder_length;
    while (*name == '/') {
        name++;
    }
    switch (entry->fts_info) {
    case FTS_F:
        progress_expect(errand_progress(tree->errand), 1, (uint64_t)entry->fts_statp->st_size);
        submit(tree, view_text(name), entry->fts_path);
        break;
    case FTS_D:
    case FTS_DP: break; /* a directory is the keys beneath it, nothing by itself */
    case FTS_DC:
        fail_entry(tree, entry, "a symbolic link leads back to a directory above it");
        break;
    case FTS_SLNONE: fail_entry(tree, entry, "a symbolic link to nothing"); break;
    case FTS_DEFAULT: fail_entry(tree, entry, "neither a file nor a directory"); break;
    default: fail_entry(tree, entry, strerrordesc_np(entry->fts_errno)); break;
    }
}

static enum hearth_code walk_folder(struct tree *tree, const char *folder, struct hearth_err *err)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL}; /* fts does not write to it */
    FTS *walk = fts_open(roots, FTS_LOGICAL | FTS_NOCHDIR, compare_entries);
    if (walk == NULL) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "read %s", folder);
    }
    FTSENT *entry;
    while (!atomic_load(errand_cancel(tree->errand)) && (entry = fts_read(walk)) != NULL) {
        visit_entry(tree, entry, strlen(folder));
    }
    fts_close(walk);
    return HEARTH_OK;
}

static enum hearth_code on_object(
    void *context, const struct hearth_object *object, struct hearth_err *err)
{
    (void)err;
    struct tree *tree = context;
    size_t skipped = tree->source_prefix.size;
    submit(tree, view_of(object->key.bytes + skipped, object->key.size - skipped), "");
    return HEARTH_OK;
}

static enum hearth_code walk_prefix(struct tree *tree, struct hearth_err *err)
{
    struct listing listing = {
        .bucket = tree->source_bucket,
        .prefix = s3_prefix_view(&tree->source_prefix),
        .on_object = on_object,
        .context = tree,
    };
    if (listing_walk(tree->errand, &listing, err) != HEARTH_OK) {
        return err->code;
    }
    if (tree->total == 0) {
        return hearth_fail(
            err, HEARTH_NOT_FOUND, "no key begins with %.*s", VIEW_ARGS(listing.prefix));
    }
    return HEARTH_OK;
}

/* ---- from beginning to end ---- */

static enum hearth_code tree_begin(struct tree *tree, work_pool_run_fn *run, struct hearth_err *err)
{
    pthread_mutex_init(&tree->shared.mutex, NULL);
    return work_pool_create(tree->options->transfers, run, tree, &tree->pool, err);
}

/* Waits for what is under way. `code` is how the walk went, its message in err. */
static enum hearth_code tree_end(struct tree *tree, enum hearth_code code, struct hearth_err *err)
{
    work_pool_finish(tree->pool);
    pthread_mutex_destroy(&tree->shared.mutex);
    if (errand_check(tree->errand, err) != HEARTH_OK || code != HEARTH_OK) {
        return err->code;
    }
    if (tree->shared.failed > 0) {
        return hearth_fail(
            err, HEARTH_IO, "%" PRIu64 " of %" PRIu64 " failed", tree->shared.failed, tree->total);
    }
    return HEARTH_OK;
}

enum hearth_code cp_tree_up(struct errand *errand, const char *folder, const struct s3_url *to,
    const struct cp_tree_options *options, struct hearth_err *err)
{
    struct tree tree = {.errand = errand, .options = options, .bucket = to->bucket};
    struct hearth_buckets *bucket;
    struct stat status;
    if (stat(folder, &status) != 0) {
        return hearth_fail_sys(err, HEARTH_NOT_FOUND, errno, "read %s", folder);
    }
    if (!S_ISDIR(status.st_mode)) {
        return hearth_fail(err, HEARTH_INVALID, "%s is not a directory", folder);
    }
    if (s3_prefix_init(&tree.prefix, to->key, err) != HEARTH_OK ||
        hearth_bucket_head(errand_hearth(errand), to->bucket, &bucket, err) != HEARTH_OK) {
        return err->code; /* said once, not for each file */
    }
    hearth_buckets_destroy(bucket);
    enum hearth_code code = tree_begin(&tree, run_up, err);
    if (code == HEARTH_OK) {
        code = walk_folder(&tree, folder, err);
    }
    return tree_end(&tree, code, err);
}

enum hearth_code cp_tree_down(struct errand *errand, const struct s3_url *from, const char *folder,
    const struct cp_tree_options *options, struct hearth_err *err)
{
    struct tree tree = {.errand = errand, .options = options, .source_bucket = from->bucket};
    if (s3_prefix_init(&tree.source_prefix, from->key, err) != HEARTH_OK ||
        local_folder_open(folder, &tree.folder_fd, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = tree_begin(&tree, run_down, err);
    if (code == HEARTH_OK) {
        code = walk_prefix(&tree, err);
    }
    code = tree_end(&tree, code, err);
    close(tree.folder_fd);
    return code;
}

enum hearth_code cp_tree_across(struct errand *errand, const struct s3_url *from,
    const struct s3_url *to, const struct cp_tree_options *options, struct hearth_err *err)
{
    struct tree tree = {
        .errand = errand, .options = options, .source_bucket = from->bucket, .bucket = to->bucket};
    if (s3_prefix_init(&tree.source_prefix, from->key, err) != HEARTH_OK ||
        s3_prefix_init(&tree.prefix, to->key, err) != HEARTH_OK) {
        return err->code;
    }
    enum hearth_code code = tree_begin(&tree, run_across, err);
    if (code == HEARTH_OK) {
        code = walk_prefix(&tree, err);
    }
    return tree_end(&tree, code, err);
}
