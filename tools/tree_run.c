#include "tools/tree_run.h"

#include "tools/local_remove.h"

/* ---- one step ---- */

static enum hearth_code copy_file_up(const struct tree_run *run, struct view name,
    struct arena *arena, struct copy_result *out, struct hearth_err *err)
{
    const struct copy_object to = {
        run->destination->url.bucket, tree_side_key(run->destination, name, arena)};
    if (s3_key_check(to.key, err) != HEARTH_OK) {
        return err->code;
    }
    const char *path = tree_side_path(run->source, name, arena);
    return copy_up(run->errand, path, &to, run->rules, out, err);
}

static enum hearth_code copy_object_down(const struct tree_run *run, struct view name,
    struct arena *arena, struct copy_result *out, struct hearth_err *err)
{
    const struct copy_object from = {
        run->source->url.bucket, tree_side_key(run->source, name, arena)};
    struct local_sink sink;
    if (local_sink_open_beneath(run->destination->folder_fd, name, &sink, err) != HEARTH_OK) {
        return err->code;
    }
    return copy_down(run->errand, &from, NULL, &sink, run->rules, out, err);
}

static enum hearth_code copy_object_across(const struct tree_run *run, struct view name,
    struct arena *arena, struct copy_result *out, struct hearth_err *err)
{
    const struct copy_object from = {
        run->source->url.bucket, tree_side_key(run->source, name, arena)};
    const struct copy_object to = {
        run->destination->url.bucket, tree_side_key(run->destination, name, arena)};
    if (s3_key_check(to.key, err) != HEARTH_OK) {
        return err->code;
    }
    return copy_across(run->errand, &from, &to, run->rules, out, err);
}

static const char *direction(const struct tree_run *run)
{
    return run->rules->removes_source          ? "move"
        : tree_side_is_local(run->source)      ? "upload"
        : tree_side_is_local(run->destination) ? "download"
                                               : "copy";
}

static enum hearth_code copy(const struct tree_run *run, const struct tree_entry *entry,
    struct arena *arena, struct copy_result *out, struct hearth_err *err)
{
    if (run->dry_run) {
        *out = (struct copy_result){.size = entry->size};
        return HEARTH_OK;
    }
    return tree_side_is_local(run->source) ? copy_file_up(run, entry->name, arena, out, err)
        : tree_side_is_local(run->destination)
        ? copy_object_down(run, entry->name, arena, out, err)
        : copy_object_across(run, entry->name, arena, out, err);
}

static enum hearth_code run_copy(const struct tree_run *run, const struct sync_step *step,
    struct arena *arena, struct hearth_err *err)
{
    struct copy_result result;
    if (copy(run, step->source, arena, &result, err) != HEARTH_OK) {
        return err->code;
    }
    const struct report_line line = {
        .action = direction(run),
        .why = step->why,
        .source = tree_side_text(run->source, step->source->name, arena),
        .destination = tree_side_text(run->destination, step->source->name, arena),
        .size = result.size,
        .resumed_bytes = result.resumed_bytes,
    };
    report_done(run->report, &line);
    return HEARTH_OK;
}

/* An object that was written anew since it was listed is not the one that was meant. */
static enum hearth_code delete_object(const struct tree_run *run, const struct tree_entry *entry,
    struct arena *arena, struct hearth_err *err)
{
    const struct hearth_precondition as_listed = {.must_have_etag = entry->etag};
    const struct tree_side *side = run->destination;
    struct view key = tree_side_key(side, entry->name, arena);
    return hearth_delete(errand_hearth(run->errand), side->url.bucket, key, &as_listed, NULL, err);
}

static void expect_copy(const struct tree_run *run, const struct sync_step *step)
{
    bool moves_bytes = tree_side_is_local(run->source) || tree_side_is_local(run->destination);
    if (!run->dry_run) {
        progress_expect(errand_progress(run->errand), 1, moves_bytes ? step->source->size : 0);
    }
}

/* The file's MD5 is what its object's ETag would be. */
static enum hearth_code run_compare(const struct tree_run *run, const struct sync_step *step,
    struct arena *arena, struct hearth_err *err)
{
    bool source_is_file = tree_side_is_local(run->source);
    const struct tree_side *local = source_is_file ? run->source : run->destination;
    const char *path = tree_side_path(local, step->source->name, arena);
    const char *etag = source_is_file ? step->destination->etag : step->source->etag;
    char of_file[LOCAL_MD5_TEXT_SIZE];
    if (local_source_md5(path, errand_cancel(run->errand), of_file, err) != HEARTH_OK) {
        return err->code;
    }
    if (strcmp(of_file, etag) == 0) {
        report_kept(run->report);
        return HEARTH_OK;
    }
    expect_copy(run, step);
    return run_copy(run, step, arena, err);
}

static enum hearth_code run_delete(const struct tree_run *run, const struct sync_step *step,
    struct arena *arena, struct hearth_err *err)
{
    const struct tree_side *side = run->destination;
    struct view name = step->destination->name;
    enum hearth_code code = HEARTH_OK;
    if (!run->dry_run) {
        code = tree_side_is_local(side) ? local_remove_beneath(side->folder_fd, name, err)
                                        : delete_object(run, step->destination, arena, err);
    }
    if (code == HEARTH_OK) {
        const struct report_line line = {
            .action = "delete",
            .why = step->why,
            .destination = tree_side_text(side, name, arena),
            .size = step->destination->size,
        };
        report_done(run->report, &line);
    }
    return code;
}

/* ---- jobs ---- */

struct job {
    struct sync_step step;
};

static enum hearth_code run_step(const struct tree_run *run, const struct sync_step *step,
    struct arena *arena, struct hearth_err *err)
{
    if (errand_check(run->errand, err) != HEARTH_OK) {
        return err->code;
    }
    switch (step->kind) {
    case SYNC_COMPARE: return run_compare(run, step, arena, err);
    case SYNC_DELETE: return run_delete(run, step, arena, err);
    case SYNC_COPY: return run_copy(run, step, arena, err);
    case SYNC_KEEP: break; /* was never a job */
    }
    return HEARTH_OK;
}

static void run_job(void *context, void *argument)
{
    const struct tree_run *run = context;
    struct job *job = argument;
    struct arena arena;
    struct hearth_err err;
    arena_init(&arena, 0);
    if (run_step(run, &job->step, &arena, &err) != HEARTH_OK) {
        bool is_deletion = job->step.kind == SYNC_DELETE;
        struct view name = is_deletion ? job->step.destination->name : job->step.source->name;
        report_failed(run->report,
            tree_side_text(is_deletion ? run->destination : run->source, name, &arena), &err);
    }
    arena_fini(&arena);
    free(job);
}

enum hearth_code tree_run_begin(struct tree_run *run, struct hearth_err *err)
{
    assert(run->rules->is_expected);
    return work_pool_create(run->transfers, run_job, run, &run->pool, err);
}

void tree_run_submit(struct tree_run *run, const struct sync_step *step)
{
    if (step->kind == SYNC_KEEP) {
        report_kept(run->report);
        return;
    }
    if (step->kind == SYNC_COPY) {
        expect_copy(run, step);
    }
    struct job *job = malloc(sizeof(*job));
    assert(job != NULL);
    job->step = *step;
    work_pool_submit(run->pool, job);
}

void tree_run_end(struct tree_run *run)
{
    work_pool_finish(run->pool);
    run->pool = NULL;
}
