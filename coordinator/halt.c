#include "coordinator/halt.h"

bool halt_is_called(const struct halt *halt)
{
    return halt != NULL && (atomic_load(halt->is_called) || duty_is_stopping(halt->duty));
}

enum hearth_code halt_check(const struct halt *halt, struct hearth_err *err)
{
    return halt_is_called(halt)
        ? hearth_fail(err, HEARTH_CANCELLED, "what is wanted has changed, or the coordinator ends")
        : HEARTH_OK;
}

uint64_t halt_until_ns(const struct halt *halt, struct env *env, uint64_t until_ns)
{
    const uint64_t look_ns = env_now_ns(env) + UINT64_C(1000000) * HALT_LOOK_MS;
    return halt != NULL && look_ns < until_ns ? look_ns : until_ns;
}
