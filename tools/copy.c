#include "tools/copy.h"

#include "tools/leash.h"
#include "tools/upload.h"

static struct copy_result result_of(const struct hearth_put_result *put)
{
    return (struct copy_result){.size = put->size, .resumed_bytes = put->resumed_bytes};
}

/* ---- removing what was moved ---- */

/* The key may have been written by somebody else meanwhile: then ours is not there. */
static enum hearth_code check_arrived(const struct errand *errand, const struct copy_object *to,
    const struct hearth_put_result *put, struct hearth_err *err)
{
    struct hearth_stat *stat;
    if (hearth_stat(errand_hearth(errand), to->bucket, to->key, false, &stat, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "look whether it arrived");
    }
    bool arrived = stat->object.size == put->size &&
        strcmp(stat->object.version, put->version) == 0 &&
        strcmp(stat->object.etag, put->etag) == 0;
    hearth_stat_destroy(stat);
    return arrived ? HEARTH_OK
                   : hearth_fail(err, HEARTH_CONFLICT,
                         "the source is kept: the destination was written by somebody else "
                         "meanwhile");
}

static enum hearth_code remove_object(const struct errand *errand, const struct copy_object *object,
    const char *etag, struct hearth_err *err)
{
    const struct hearth_precondition unchanged = {.must_have_etag = etag};
    enum hearth_code code =
        hearth_delete(errand_hearth(errand), object->bucket, object->key, &unchanged, NULL, err);
    return code == HEARTH_OK ? code : hearth_err_prefix(err, "the source is kept");
}

/* ---- up ---- */

/* What is left to do with the file once its bytes are stored. */
static enum hearth_code settle_source(struct errand *errand, const struct local_source *source,
    const char *path, const struct copy_object *to, const struct copy_rules *rules,
    const struct hearth_put_result *put, struct hearth_err *err)
{
    if (rules->removes_source && check_arrived(errand, to, put, err) != HEARTH_OK) {
        return err->code;
    }
    if (rules->removes_source) {
        return local_source_remove(source, path, err);
    }
    return rules->must_hold_still ? local_source_check_path(source, path, err) : HEARTH_OK;
}

enum hearth_code copy_up(struct errand *errand, const char *path, const struct copy_object *to,
    const struct copy_rules *rules, struct copy_result *out, struct hearth_err *err)
{
    struct local_source source;
    struct hearth_put_result result;
    if (rules->removes_source && local_source_check_removable(path, err) != HEARTH_OK) {
        return err->code;
    }
    if (local_source_open(path, errand_cancel(errand), &source, err) != HEARTH_OK) {
        return err->code;
    }
    if (!rules->is_expected) {
        progress_expect(errand_progress(errand), 1, local_source_size(&source));
    }
    enum hearth_code code = upload(errand, &source, path, to, &rules->labels, &result, err);
    if (code == HEARTH_OK) {
        *out = result_of(&result);
        progress_file_done(errand_progress(errand));
        code = settle_source(errand, &source, path, to, rules, &result, err);
    }
    local_source_close(&source);
    return code;
}

enum hearth_code copy_up_stdin(struct errand *errand, const struct copy_object *to,
    const struct copy_rules *rules, struct copy_result *out, struct hearth_err *err)
{
    assert(!rules->removes_source);
    struct local_source source;
    struct hearth_put_result result;
    local_source_open_stdin(errand_cancel(errand), &source);
    progress_expect(errand_progress(errand), 1, 0);
    enum hearth_code code = upload(errand, &source, NULL, to, &rules->labels, &result, err);
    if (code == HEARTH_OK) {
        *out = result_of(&result);
        progress_file_done(errand_progress(errand));
    }
    return code;
}

/* ---- down ---- */

/* What the library calls back with. */
struct arriving {
    struct leash leash;
    struct local_sink *sink;
    bool is_expected;
    char etag[HEARTH_ETAG_TEXT_SIZE];
};

static enum hearth_code on_start(void *context, const struct hearth_object *object, uint64_t offset,
    uint64_t length, struct hearth_err *err)
{
    (void)offset;
    (void)err;
    struct arriving *arriving = context;
    if (!arriving->is_expected) {
        progress_expect(errand_progress(arriving->leash.errand), 1, length);
    }
    memcpy(arriving->etag, object->etag, sizeof(arriving->etag));
    arriving->sink->time_unix_ms = object->created_unix_ms;
    return HEARTH_OK;
}

static enum hearth_code on_bytes(void *context, struct view bytes, struct hearth_err *err)
{
    struct arriving *arriving = context;
    return leash_pass(&arriving->leash, bytes.size, err) == HEARTH_OK
        ? local_sink_write(arriving->sink, bytes, err)
        : err->code;
}

static enum hearth_code get(struct arriving *arriving, const struct copy_object *from,
    const struct copy_range *range, struct hearth_err *err)
{
    struct hearth_sink bytes = {.start = on_start, .write = on_bytes, .context = arriving};
    struct hearth_get_options options = {.control = leash_control(&arriving->leash)};
    if (range != NULL) {
        options.offset = range->offset;
        options.length = range->length;
    }
    enum hearth_code code = hearth_get(
        errand_hearth(arriving->leash.errand), from->bucket, from->key, &bytes, &options, err);
    if (code != HEARTH_OK) {
        local_sink_abandon(arriving->sink);
        return code;
    }
    progress_file_done(errand_progress(arriving->leash.errand));
    return local_sink_finish(arriving->sink, err);
}

enum hearth_code copy_down(struct errand *errand, const struct copy_object *from,
    const struct copy_range *range, struct local_sink *sink, const struct copy_rules *rules,
    struct copy_result *out, struct hearth_err *err)
{
    struct arriving arriving = {
        .leash = {.errand = errand}, .sink = sink, .is_expected = rules->is_expected};
    if (rules->removes_source && !local_sink_is_file(sink)) {
        local_sink_abandon(sink);
        return hearth_fail(err, HEARTH_INVALID, "the destination is no file, which could keep it");
    }
    sink->is_durable = rules->removes_source;
    enum hearth_code code = get(&arriving, from, range, err);
    if (code == HEARTH_OK) {
        *out = (struct copy_result){.size = sink->written};
    }
    return code == HEARTH_OK && rules->removes_source
        ? remove_object(errand, from, arriving.etag, err)
        : code;
}

/* ---- across ---- */

static enum hearth_code move_across(const struct errand *errand, const struct copy_object *from,
    const struct copy_object *to, struct hearth_put_result *out, struct hearth_err *err)
{
    struct hearth *hearth = errand_hearth(errand);
    if (strcmp(from->bucket, to->bucket) == 0 && view_equal(from->key, to->key)) {
        return hearth_fail(err, HEARTH_INVALID, "source and destination are the same object");
    }
    struct hearth_stat *stat;
    if (hearth_stat(hearth, from->bucket, from->key, false, &stat, err) != HEARTH_OK) {
        return err->code;
    }
    const struct hearth_copy_options options = {.source_version = stat->object.version};
    enum hearth_code code =
        hearth_copy(hearth, from->bucket, from->key, to->bucket, to->key, &options, out, err);
    if (code == HEARTH_OK) {
        code = check_arrived(errand, to, out, err);
    }
    if (code == HEARTH_OK) {
        code = remove_object(errand, from, stat->object.etag, err);
    }
    hearth_stat_destroy(stat);
    return code;
}

enum hearth_code copy_across(struct errand *errand, const struct copy_object *from,
    const struct copy_object *to, const struct copy_rules *rules, struct copy_result *out,
    struct hearth_err *err)
{
    struct hearth_put_result result;
    if (!rules->is_expected) {
        progress_expect(errand_progress(errand), 1, 0);
    }
    enum hearth_code code = rules->removes_source
        ? move_across(errand, from, to, &result, err)
        : hearth_copy(errand_hearth(errand), from->bucket, from->key, to->bucket, to->key, NULL,
              &result, err);
    if (code == HEARTH_OK) {
        progress_file_done(errand_progress(errand));
        *out = result_of(&result);
    }
    return code;
}
