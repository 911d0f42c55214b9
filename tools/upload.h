/*
 * upload.h - the bytes of a source become an object; a large file goes on where an earlier run of
 * the same command ended (upload_state.h).
 *
 * Thread-safety: any thread of the errand.
 */
#ifndef HEARTH_TOOLS_UPLOAD_H
#define HEARTH_TOOLS_UPLOAD_H

#include "tools/copy.h"

/* path NULL: a source that cannot be read twice. */
enum hearth_code upload(struct errand *errand, struct local_source *source, const char *path,
    const struct copy_object *to, const struct hearth_attributes *labels,
    struct hearth_put_result *out, struct hearth_err *err);

#endif /* HEARTH_TOOLS_UPLOAD_H */
