#include "tools/admin_option.h"

#include "tools/option.h"

enum hearth_code admin_option_bytes(
    struct admin *admin, const char *name, const char *text, uint64_t *out, struct hearth_err *err)
{
    uint64_t bytes = 0;
    if (text == NULL) {
        return HEARTH_OK;
    }
    if (config_parse_bytes(text, &bytes, err) != HEARTH_OK || bytes == 0) {
        return admin_usage(
            admin, err, "--%s %s: expected bytes, like 512, 64K, 10M, 20G or 1T", name, text);
    }
    *out = bytes;
    return HEARTH_OK;
}

enum hearth_code admin_option_duration(
    struct admin *admin, const char *name, const char *text, uint64_t *out, struct hearth_err *err)
{
    uint64_t ms = 0;
    if (text == NULL) {
        return HEARTH_OK;
    }
    if (config_parse_duration(text, &ms, err) != HEARTH_OK || ms == 0) {
        return admin_usage(
            admin, err, "--%s %s: expected a time, like 200ms, 30s, 5min, 12h or 7d", name, text);
    }
    *out = ms;
    return HEARTH_OK;
}

enum hearth_code admin_option_number(struct admin *admin, const char *name, const char *text,
    unsigned least, unsigned most, unsigned *out, struct hearth_err *err)
{
    unsigned number;
    if (text == NULL) {
        return HEARTH_OK;
    }
    if (option_number(name, text, least, most, &number, err) != PROGRAM_DONE) {
        return admin_usage(admin, err, "--%s %s: expected %u to %u", name, text, least, most);
    }
    *out = number;
    return HEARTH_OK;
}
