/*
 * upload_state.h - how far the upload of a large file has come, in a small file of its own, so that
 * the same command goes on there after it was interrupted or killed.
 *
 *   $XDG_STATE_HOME/hearth/uploads/DIGITS     (without it: ~/.local/state/hearth/uploads)
 *
 * DIGITS name configuration, source path and destination.  Inside, little-endian:
 *
 *   "hearth upload\n" | 1 (version of the format)
 *   u64 size, time of change (ns), inode, device of the source | u64 bytes that are safe
 *   u32 length, the library's sealed state
 *
 * What is read back decides nothing by itself: a file that is another one now is uploaded anew, and
 * the library compares the bytes of one that looks the same.
 *
 * Thread-safety: no state of its own; two uploads of one source to one key disturb each other only
 * so far that one of them begins anew.
 */
#ifndef HEARTH_TOOLS_UPLOAD_STATE_H
#define HEARTH_TOOLS_UPLOAD_STATE_H

#include "common/arena.h"
#include "common/err.h"

#include <sys/stat.h>

enum { UPLOAD_STATE_SIZE_MAX = 8 * 1024 * 1024 }; /* of 92,000 segments: 5.2 MB */

/* Which file it is about, and as it was. */
struct upload_mark {
    uint64_t size;
    uint64_t time_ns;
    uint64_t inode;
    uint64_t device;
};

struct upload_state {
    struct upload_mark mark;
    uint64_t safe_bytes;
    struct view sealed;
};

struct upload_mark upload_mark_of(const struct stat *status);

/* In the arena. */
struct view upload_state_encode(const struct upload_state *state, struct arena *arena);

/* Borrows `bytes`. HEARTH_CHECKSUM: no such state; HEARTH_UNKNOWN_FORMAT: of a newer version. */
enum hearth_code upload_state_decode(
    struct view bytes, struct upload_state *out, struct hearth_err *err);

/* ---- the file ---- */

/* In the arena, absolute. NULL: nothing says where state may be kept. */
char *upload_state_path(const char *config_path, const char *source, const char *bucket,
    struct view key, struct arena *arena);

/* False, and *out is as before: there is none of this mark that can be read.  What it points at
 * lives in the arena. */
bool upload_state_load(const char *path, const struct upload_mark *mark, struct arena *arena,
    struct upload_state *out);

/* Makes the directory, and clears out what was left there two days ago or earlier. */
enum hearth_code upload_state_save(
    const char *path, const struct upload_state *state, struct hearth_err *err);

void upload_state_remove(const char *path);

#endif /* HEARTH_TOOLS_UPLOAD_STATE_H */
