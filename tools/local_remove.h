/*
 * local_remove.h - takes files out of a directory: what sync --delete and mv -r leave behind is
 * tidy.
 */
#ifndef HEARTH_TOOLS_LOCAL_REMOVE_H
#define HEARTH_TOOLS_LOCAL_REMOVE_H

#include "common/err.h"
#include "common/view.h"

/* A regular file beneath a directory, never through a symbolic link; directories that are empty
 * then go too, but for the one of the descriptor.  A file that is not there is no error. */
enum hearth_code local_remove_beneath(int folder_fd, struct view name, struct hearth_err *err);

/* The directory and all beneath it, as far as nothing is in them. */
void local_remove_empty_folders(const char *folder);

#endif /* HEARTH_TOOLS_LOCAL_REMOVE_H */
