/*
 * copy.h - one object between a local file and the cluster, with the bar and Ctrl-C attached.
 *
 * Thread-safety: any thread of the errand.
 */
#ifndef HEARTH_TOOLS_COPY_H
#define HEARTH_TOOLS_COPY_H

#include "common/cleanup.h"
#include "tools/errand.h"
#include "tools/local_sink.h"
#include "tools/local_source.h"

struct copy_object {
    const char *bucket;
    struct view key;
};

/* What an uploaded object is given besides its bytes. */
struct copy_labels {
    const char *content_type; /* NULL: the library's default */
    unsigned metadata_count;
    const struct hearth_metadata *metadata;
};

/* Nothing is stored unless the source was read to its end, unchanged. */
enum hearth_code copy_up(struct errand *errand, struct local_source *source,
    const struct copy_object *to, const struct copy_labels *labels, struct hearth_err *err);

struct copy_range {
    uint64_t offset;
    uint64_t length; /* 0: to the end */
};

/* Takes the sink: finished when all went well, else abandoned. range NULL: the whole object. */
enum hearth_code copy_down(struct errand *errand, const struct copy_object *from,
    const struct copy_range *range, struct local_sink *sink TAKES, struct hearth_err *err);

#endif /* HEARTH_TOOLS_COPY_H */
