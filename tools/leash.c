#include "tools/leash.h"

static void on_progress(void *context, uint64_t done, uint64_t total)
{
    (void)total;
    struct leash *leash = context;
    progress_bytes(errand_progress(leash->errand), done - leash->shown);
    leash->shown = done;
}

struct hearth_control leash_control(struct leash *leash)
{
    return (struct hearth_control){
        .cancel = errand_cancel(leash->errand),
        .progress = on_progress,
        .progress_context = leash,
    };
}

enum hearth_code leash_pass(const struct leash *leash, uint64_t bytes, struct hearth_err *err)
{
    return rate_limit_pass(errand_rate(leash->errand), bytes, errand_cancel(leash->errand), err);
}
