/*
 * copy.h - one object: up from a file, down to one, or across within the cluster; with the bar, the
 * rate and Ctrl-C attached, and for mv without leaving the source behind.
 *
 * A move removes its source last, and only when
 *   up      the key holds the very version that was put, and the file is still what was read
 *   down    the file is on the disk under its name, and the key still holds what was got
 *   across  the key holds the very copy that was made, and the source still what was copied
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

struct copy_rules {
    struct hearth_attributes labels; /* of what is uploaded */
    bool removes_source;             /* mv */
    /* sync: a file that was changed between its reading and the commit would look older than its
     * object ever after; so that is a failure. */
    bool must_hold_still;
    bool is_expected; /* the bar has been told of it */
};

struct copy_result {
    uint64_t size;
    uint64_t resumed_bytes; /* of these: were there from an earlier attempt */
};

/* Nothing is stored unless the source was read to its end, unchanged. */
enum hearth_code copy_up(struct errand *errand, const char *path, const struct copy_object *to,
    const struct copy_rules *rules, struct copy_result *out, struct hearth_err *err);

/* The same from standard input; it is no source that could be removed. */
enum hearth_code copy_up_stdin(struct errand *errand, const struct copy_object *to,
    const struct copy_rules *rules, struct copy_result *out, struct hearth_err *err);

struct copy_range {
    uint64_t offset;
    uint64_t length; /* 0: to the end */
};

/* Takes the sink: finished when all went well, else abandoned. range NULL: the whole object. */
enum hearth_code copy_down(struct errand *errand, const struct copy_object *from,
    const struct copy_range *range, struct local_sink *sink TAKES, const struct copy_rules *rules,
    struct copy_result *out, struct hearth_err *err);

enum hearth_code copy_across(struct errand *errand, const struct copy_object *from,
    const struct copy_object *to, const struct copy_rules *rules, struct copy_result *out,
    struct hearth_err *err);

#endif /* HEARTH_TOOLS_COPY_H */
