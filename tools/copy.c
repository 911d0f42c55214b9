#include "tools/copy.h"

/* What the library calls back with. */
struct moving {
    struct errand *errand;
    uint64_t shown; /* bytes the bar knows of */
    struct local_sink *sink;
};

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    struct moving *moving = context;
    progress_bytes(errand_progress(moving->errand), done - moving->shown);
    moving->shown = done;
}

static struct hearth_control control_of(struct moving *moving)
{
    return (struct hearth_control){
        .cancel = errand_cancel(moving->errand),
        .progress = on_progress,
        .progress_context = moving,
    };
}

enum hearth_code copy_up(struct errand *errand, struct local_source *source,
    const struct copy_object *to, const struct copy_labels *labels, struct hearth_err *err)
{
    struct moving moving = {.errand = errand};
    struct hearth_source bytes = {.read = local_source_read, .context = source};
    struct hearth_put_options options = {
        .size_expected = local_source_size(source),
        .content_type = labels->content_type,
        .metadata_count = labels->metadata_count,
        .metadata = labels->metadata,
        .control = control_of(&moving),
    };
    enum hearth_code code =
        hearth_put(errand_hearth(errand), to->bucket, to->key, &bytes, &options, NULL, err);
    if (code == HEARTH_OK) {
        progress_file_done(errand_progress(errand));
    }
    return code;
}

static enum hearth_code on_start(void *context, const struct hearth_object *object, uint64_t offset,
    uint64_t length, struct hearth_err *err)
{
    (void)object;
    (void)offset;
    (void)err;
    struct moving *moving = context;
    progress_expect(errand_progress(moving->errand), 1, length);
    return HEARTH_OK;
}

static enum hearth_code on_bytes(void *context, struct view bytes, struct hearth_err *err)
{
    struct moving *moving = context;
    return local_sink_write(moving->sink, bytes, err);
}

enum hearth_code copy_down(struct errand *errand, const struct copy_object *from,
    const struct copy_range *range, struct local_sink *sink, struct hearth_err *err)
{
    struct moving moving = {.errand = errand, .sink = sink};
    struct hearth_sink bytes = {.start = on_start, .write = on_bytes, .context = &moving};
    struct hearth_get_options options = {.control = control_of(&moving)};
    if (range != NULL) {
        options.offset = range->offset;
        options.length = range->length;
    }
    enum hearth_code code =
        hearth_get(errand_hearth(errand), from->bucket, from->key, &bytes, &options, err);
    if (code != HEARTH_OK) {
        local_sink_abandon(sink);
        return code;
    }
    progress_file_done(errand_progress(errand));
    return local_sink_finish(sink, err);
}
