#include "storaged/disk_open.h"

#include "storaged/disk_threads.h"

const char *const disk_choice_names[] = {"auto", "uring", "threads", NULL};

static enum hearth_code open_threads(
    const struct disk_uring_options *options, struct disk **out, struct hearth_err *err)
{
    const struct disk_threads_options threads = {
        .directory = options->directory, .loop = options->loop};
    return disk_threads_create(&threads, out, err);
}

enum hearth_code disk_open(enum disk_choice choice, const struct disk_uring_options *options,
    struct disk **out, struct disk_opened *opened, struct hearth_err *err)
{
    *opened = (struct disk_opened){.engine = DISK_URING, .refusal.code = HEARTH_OK};
    if (choice != DISK_THREADS) {
        enum hearth_code code = disk_uring_create(options, out, err);
        if (code != HEARTH_UNIMPLEMENTED || choice == DISK_URING) {
            return code;
        }
        opened->refusal = *err;
    }
    opened->engine = DISK_THREADS;
    return open_threads(options, out, err);
}
