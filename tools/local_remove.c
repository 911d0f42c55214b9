#include "tools/local_remove.h"

#include "common/arena.h"
#include "common/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <sys/stat.h>

/* 0, or -1 with errno. */
static int remove_file(int folder_fd, const char *name)
{
    struct stat status;
    if (fstatat(folder_fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno == ENOENT ? 0 : -1;
    }
    if (!S_ISREG(status.st_mode)) {
        errno = EEXIST; /* it is not what was listed */
        return -1;
    }
    return unlinkat(folder_fd, name, 0);
}

/* Writes zeros in place of the slashes of the name.  As deep as a path can be: 2,048 calls. */
static int remove_in(int folder_fd, char *name)
{
    char *slash = strchr(name, '/');
    if (slash == NULL) {
        return remove_file(folder_fd, name);
    }
    *slash = '\0';
    CLOSES_FD int fd = openat(folder_fd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : -1;
    }
    int rc = remove_in(fd, slash + 1);
    if (rc == 0) {
        (void)unlinkat(folder_fd, name, AT_REMOVEDIR); /* if it is empty now */
    }
    return rc;
}

enum hearth_code local_remove_beneath(int folder_fd, struct view name, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    char *text = arena_text(&arena, name);
    assert(text != NULL);
    int rc = remove_in(folder_fd, text);
    int failure = errno;
    arena_fini(&arena);
    return rc == 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, failure, "remove it");
}

void local_remove_empty_folders(const char *folder)
{
    char *const roots[] = {(char *)(uintptr_t)folder, NULL}; /* fts does not write to it */
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_NOSTAT, NULL);
    FTSENT *entry;
    while (fts != NULL && (entry = fts_read(fts)) != NULL) {
        if (entry->fts_info == FTS_DP) {
            (void)rmdir(entry->fts_accpath);
        }
    }
    if (fts != NULL) {
        fts_close(fts);
    }
}
