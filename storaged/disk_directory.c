#include "storaged/disk_directory.h"

#include "common/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

int disk_directory_list(
    int directory_fd, void (*found)(void *context, const char *name), void *context)
{
    /* Opened anew: a duplicated descriptor would share its position with the last listing. */
    int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *directory = fd < 0 ? NULL : fdopendir(fd);
    if (directory == NULL) {
        int error = errno;
        cleanup_close_fd(&fd);
        return error;
    }
    errno = 0;
    const struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            found(context, entry->d_name);
        }
        errno = 0;
    }
    int error = errno;
    closedir(directory);
    return error;
}
