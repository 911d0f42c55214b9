/*
 * file.h - small whole files: certificates, keys, configuration, things written once.
 *
 * Everything here blocks, and is called at start, at stop or by a thread that may wait.
 * Thread-safety: no state; two writers of one path leave one of the two contents, whole.
 */
#ifndef HEARTH_COMMON_FILE_H
#define HEARTH_COMMON_FILE_H

#include "common/arena.h"
#include "common/err.h"
#include "common/view.h"

#include <sys/types.h>

/*
 * The path holds either what it held before or all of `bytes`, also after a power cut: a
 * temporary file beside it, fsync, rename, fsync of the directory.
 * After HEARTH_OK it is durable.  On failure the temporary file is gone.
 */
enum hearth_code file_write_atomically(
    const char *path, struct view bytes, mode_t mode, struct hearth_err *err);

/*
 * The same for a file that must not be there yet, and that nobody may lose: a key.
 * HEARTH_EXISTS: there is something at the path; it is left alone.
 */
enum hearth_code file_create_atomically(
    const char *path, struct view bytes, mode_t mode, struct hearth_err *err);

/*
 * The whole file, in the arena, with a zero byte after its end so that it can be used as text.
 * HEARTH_NOT_FOUND: no such file.  HEARTH_INVALID: larger than size_max.
 */
enum hearth_code file_read_whole(const char *path, size_t size_max, struct arena *arena,
    struct view *out, struct hearth_err *err);

/* Makes the directory and those above it that are missing, durably. Existing ones are left alone.
 */
enum hearth_code file_make_directories(const char *path, mode_t mode, struct hearth_err *err);

#endif /* HEARTH_COMMON_FILE_H */
