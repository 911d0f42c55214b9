#include "tools/upload.h"

#include "tools/format.h"
#include "tools/leash.h"
#include "tools/upload_state.h"

/* One segment is all there is to lose with less. */
static const uint64_t resumable_size_min = (UINT64_C(64) << 20) + 1;

struct upload {
    struct leash leash;
    struct local_source *source;
    const char *path; /* of the source */
    const struct copy_object *to;
    const struct hearth_attributes *labels;

    struct arena arena;
    char *state_path; /* NULL: it cannot go on later */
    struct upload_mark mark;
    struct upload_state earlier; /* its state is empty: there is none */
    bool has_complained;
};

/* ---- going on later ---- */

/* A run that is not written down is only begun anew; that is no reason to fail it. */
static void on_checkpoint(void *context, struct view sealed, uint64_t safe_bytes)
{
    struct upload *upload = context;
    const struct upload_state state = {
        .mark = upload->mark, .safe_bytes = safe_bytes, .sealed = sealed};
    struct hearth_err err;
    if (upload_state_save(upload->state_path, &state, &err) != HEARTH_OK &&
        !upload->has_complained) {
        upload->has_complained = true;
        errand_say(upload->leash.errand, "%.400s could not go on after an interruption: %s",
            upload->path, err.message);
    }
}

static void look_for_state(struct upload *upload)
{
    uint64_t size = local_source_size(upload->source);
    if (upload->path == NULL || size < resumable_size_min) {
        return;
    }
    upload->state_path = upload_state_path(errand_config(upload->leash.errand), upload->path,
        upload->to->bucket, upload->to->key, &upload->arena);
    upload->mark = upload_mark_of(&upload->source->before);
    if (upload->state_path != NULL &&
        upload_state_load(upload->state_path, &upload->mark, &upload->arena, &upload->earlier)) {
        char safe[FORMAT_BYTES_SIZE];
        errand_say(upload->leash.errand, "%.400s goes on after %s", upload->path,
            format_bytes(upload->earlier.safe_bytes, safe));
    }
}

/* ---- one put ---- */

/* What is read again to be compared is not sent, and the rate is not for it. */
static enum hearth_code read_source(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err)
{
    struct upload *upload = context;
    if (upload->source->done < upload->earlier.safe_bytes) {
        return local_source_read(upload->source, bytes, size, out_got, err);
    }
    size_t portion = rate_limit_portion(errand_rate(upload->leash.errand), size);
    if (local_source_read(upload->source, bytes, portion, out_got, err) != HEARTH_OK) {
        return err->code;
    }
    return leash_pass(&upload->leash, *out_got, err);
}

static enum hearth_code put(
    struct upload *upload, struct hearth_put_result *out, struct hearth_err *err)
{
    struct hearth_source bytes = {.read = read_source, .context = upload};
    struct hearth_put_options options = {
        .size_expected = local_source_size(upload->source),
        .attributes = *upload->labels,
        .control = leash_control(&upload->leash),
        .checkpoint = upload->state_path != NULL ? on_checkpoint : NULL,
        .checkpoint_context = upload,
        .resume = upload->earlier.sealed,
    };
    return hearth_put(errand_hearth(upload->leash.errand), upload->to->bucket, upload->to->key,
        &bytes, &options, out, err);
}

/* What the library says when there is no going on from a state. */
static bool is_past(enum hearth_code code)
{
    return code == HEARTH_CONFLICT || code == HEARTH_EXPIRED || code == HEARTH_NOT_FOUND ||
        code == HEARTH_CHECKSUM || code == HEARTH_UNKNOWN_FORMAT;
}

static enum hearth_code put_anew(
    struct upload *upload, struct hearth_put_result *out, struct hearth_err *err)
{
    errand_say(
        upload->leash.errand, "%.400s is sent from its beginning: %s", upload->path, err->message);
    upload_state_remove(upload->state_path);
    upload->earlier = (struct upload_state){0};
    progress_expect(errand_progress(upload->leash.errand), 0, upload->leash.shown);
    upload->leash.shown = 0;
    local_source_rewind(upload->source);
    return put(upload, out, err);
}

enum hearth_code upload(struct errand *errand, struct local_source *source, const char *path,
    const struct copy_object *to, const struct hearth_attributes *labels,
    struct hearth_put_result *out, struct hearth_err *err)
{
    struct upload upload = {
        .leash = {.errand = errand},
        .source = source,
        .path = path,
        .to = to,
        .labels = labels,
    };
    arena_init(&upload.arena, 0);
    look_for_state(&upload);
    enum hearth_code code = put(&upload, out, err);
    if (upload.earlier.sealed.size > 0 && is_past(code)) {
        code = put_anew(&upload, out, err);
    }
    /* What cannot pass made the library give up what was sent. */
    bool is_over = code == HEARTH_OK || hearth_code_reaction(code) == HEARTH_REACT_FIX_CALL;
    if (is_over && upload.state_path != NULL) {
        upload_state_remove(upload.state_path);
    }
    arena_fini(&upload.arena);
    return code;
}
