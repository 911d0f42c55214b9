#include "tools/option.h"

#include "common/config.h"
#include "tools/errand.h"
#include "tools/rate_limit.h"

#include <stdlib.h>

enum { TRANSFERS_DEFAULT = 4, DIGITS_MAX = 9 };

enum program_exit option_number(const char *name, const char *text, unsigned least, unsigned most,
    unsigned *out, struct hearth_err *err)
{
    size_t length = strlen(text);
    unsigned long number = most + 1ul;
    if (length > 0 && length <= DIGITS_MAX && strspn(text, "0123456789") == length) {
        number = strtoul(text, NULL, 10);
    }
    if (number < least || number > most) {
        return program_usage(err, "--%s %s: expected %u to %u", name, text, least, most);
    }
    *out = (unsigned)number;
    return PROGRAM_DONE;
}

enum program_exit option_transfers(const char *text, unsigned *out, struct hearth_err *err)
{
    *out = TRANSFERS_DEFAULT;
    return text == NULL ? PROGRAM_DONE
                        : option_number("transfers", text, 1, ERRAND_TRANSFERS_MAX, out, err);
}

enum program_exit option_bwlimit(const char *text, uint64_t *out, struct hearth_err *err)
{
    uint64_t rate = 0;
    if (text != NULL &&
        (config_parse_bytes(text, &rate, err) != HEARTH_OK || rate == 0 || rate > TOKEN_RATE_MAX)) {
        return program_usage(
            err, "--bwlimit %s: expected bytes a second, like 500K or 10M, up to 1024G", text);
    }
    *out = rate;
    return PROGRAM_DONE;
}
