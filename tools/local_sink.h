/*
 * local_sink.h - where downloaded bytes land: a file that appears whole or not at all.
 *
 *   open_path | open_beneath | open_stdout --> written through local_sink_write() --> finish
 *                                                                                \--> abandon
 *
 * The bytes go to a temporary file beside the destination; finish renames it, abandon deletes it.
 * What is no regular file (a pipe, /dev/null) is written directly.
 *
 * A key is never trusted as a path.  open_beneath takes a name relative to a directory and refuses
 * what could leave it, or would not be one file: an absolute name, empty, "." and ".." components,
 * control characters, components over 255 bytes, and symbolic links on the way.
 *
 * Thread-safety: a sink belongs to one transfer.
 */
#ifndef HEARTH_TOOLS_LOCAL_SINK_H
#define HEARTH_TOOLS_LOCAL_SINK_H

#include "client/hearth.h"

enum {
    LOCAL_NAME_MAX = 255,      /* bytes of one component, on Linux's file systems */
    LOCAL_TEMP_NAME_SIZE = 32, /* ".hearth-" 16 digits ".part" */
};

struct local_sink {
    int fd;
    int folder_fd;                        /* -1: written directly */
    char temp_name[LOCAL_TEMP_NAME_SIZE]; /* in that folder */
    char name[LOCAL_NAME_MAX + 1];        /* likewise: what it becomes */
    uint64_t written;

    /* For finish; zero unless set after opening. */
    bool is_durable;       /* on the disk before it returns: the only other copy will go */
    uint64_t time_unix_ms; /* the file's time of change; 0: now */
};

/* Standard output; finish and abandon leave it open. */
void local_sink_open_stdout(struct local_sink *out);

/* HEARTH_NOT_FOUND, HEARTH_DENIED, HEARTH_IO: what the system says of the path. */
enum hearth_code local_sink_open_path(
    const char *path, struct local_sink *out, struct hearth_err *err);

/* Opens a directory to put files beneath, making it when only its last component is missing. */
enum hearth_code local_folder_open(const char *path, int *out_fd, struct hearth_err *err);

/* Directories on the way are made. HEARTH_INVALID: a name that is refused. */
enum hearth_code local_sink_open_beneath(
    int folder_fd, struct view name, struct local_sink *out, struct hearth_err *err);

/* It will be a file of its own, not a pipe or the like. */
static inline bool local_sink_is_file(const struct local_sink *sink)
{
    return sink->folder_fd >= 0;
}

/* A file name that open_path or open_beneath make up for what is not finished. */
bool local_sink_is_temporary(const char *name);

/* The sink's write function; context is the sink. */
enum hearth_code local_sink_write(void *context, struct view bytes, struct hearth_err *err);

/* Closes and, whatever happens, leaves nothing half done. */
enum hearth_code local_sink_finish(struct local_sink *sink, struct hearth_err *err);
void local_sink_abandon(struct local_sink *sink);

/* The rule of open_beneath, for names. */
enum hearth_code local_name_check(struct view name, struct hearth_err *err);

#endif /* HEARTH_TOOLS_LOCAL_SINK_H */
