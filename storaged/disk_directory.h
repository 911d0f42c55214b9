/*
 * disk_directory.h - the names in a directory, for every back end on real files.
 */
#ifndef HEARTH_STORAGED_DISK_DIRECTORY_H
#define HEARTH_STORAGED_DISK_DIRECTORY_H

/* Calls found() for each name but "." and ".."; errno or 0.  May block. */
int disk_directory_list(
    int directory_fd, void (*found)(void *context, const char *name), void *context);

#endif /* HEARTH_STORAGED_DISK_DIRECTORY_H */
