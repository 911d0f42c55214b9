/*
 * local_source.h - a file, a pipe or standard input, as the bytes of an object.
 *
 * A regular file must hold still: when it grows, shrinks, changes or is deleted while it is read,
 * the read fails, the put fails, and nothing is stored.  A blend of two contents is worse than
 * none.
 *
 * Thread-safety: a source belongs to one transfer.
 */
#ifndef HEARTH_TOOLS_LOCAL_SOURCE_H
#define HEARTH_TOOLS_LOCAL_SOURCE_H

#include "client/hearth.h"

#include <sys/stat.h>

struct local_source {
    int fd;
    bool is_regular;
    struct stat before; /* a regular file's, when it was opened */
    uint64_t done;
    const atomic_bool *cancel; /* NULL: never */
};

/* HEARTH_NOT_FOUND, HEARTH_DENIED, HEARTH_INVALID (a directory), HEARTH_IO. */
enum hearth_code local_source_open(
    const char *path, const atomic_bool *cancel, struct local_source *out, struct hearth_err *err);

/* What is there, if anything, is a file that local_source_remove() could delete. */
enum hearth_code local_source_check_removable(const char *path, struct hearth_err *err);

/* Standard input; close leaves it open. */
void local_source_open_stdin(const atomic_bool *cancel, struct local_source *out);

/* Bytes of a regular file; 0: not known. */
uint64_t local_source_size(const struct local_source *source);

/* A regular file, from its beginning again; it still has to be what it was when it was opened. */
void local_source_rewind(struct local_source *source);

/* The source's read function; context is the source. */
enum hearth_code local_source_read(
    void *context, void *bytes, size_t size, size_t *out_got, struct hearth_err *err);

/*
 * The path still names the very file that was read, and it is still as it was then.
 * HEARTH_CONFLICT: not so.
 */
enum hearth_code local_source_check_path(
    const struct local_source *source, const char *path, struct hearth_err *err);

/* The same, and then it is deleted; never a symbolic link, for what was read is not in it. */
enum hearth_code local_source_remove(
    const struct local_source *source, const char *path, struct hearth_err *err);

enum { LOCAL_MD5_TEXT_SIZE = 2 * 16 + 1 };

/* Of a whole file, in hexadecimal. Codes of open and read, and HEARTH_CANCELLED. */
enum hearth_code local_source_md5(const char *path, const atomic_bool *cancel,
    char text[LOCAL_MD5_TEXT_SIZE], struct hearth_err *err);

void local_source_close(struct local_source *source);

#endif /* HEARTH_TOOLS_LOCAL_SOURCE_H */
