/*
 * volume_load.h - what lies in the directory of a volume before it is opened: files, and the newest
 * checkpoint of the index that verifies. Blocks.
 */
#ifndef HEARTH_STORAGED_VOLUME_LOAD_H
#define HEARTH_STORAGED_VOLUME_LOAD_H

#include "storaged/volume_state.h"

struct volume_files {
    uint32_t *logs; /* numbers; to be freed */
    uint32_t log_count;
    uint32_t log_capacity;
    bool has_temporary;
    bool has_no_memory; /* there are more */
};

/* HEARTH_IO: the directory cannot be read. */
enum hearth_code volume_files_list(
    struct disk *disk, struct volume_files *out, struct hearth_err *err);

struct volume_loaded {
    bool is_usable;              /* a checkpoint was found; otherwise the index is empty */
    struct checkpoint_log *logs; /* to be freed */
    uint32_t log_count;
    uint32_t next_log; /* logs below it that are not in `logs` were dropped */
};

/*
 * Fills volume->index.  HEARTH_NO_MEMORY; a checkpoint that does not verify is no error, nor is one
 * of another volume, under the other's name, or that names a log which is not there: it is refused.
 */
enum hearth_code volume_load_index(struct volume *volume, const struct volume_files *files,
    struct volume_loaded *out, struct hearth_err *err);

#endif /* HEARTH_STORAGED_VOLUME_LOAD_H */
