#include "common/err.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    const char *text;
    enum hearth_reaction reaction;
} code_rows[] = {
#define X(name, value, reaction, text) [value] = {#name, text, HEARTH_REACT_##reaction},
    HEARTH_CODE_TABLE(X)
#undef X
};

enum { CODE_COUNT = sizeof(code_rows) / sizeof(code_rows[0]) };

enum hearth_code hearth_code_from_wire(unsigned value)
{
    return value < CODE_COUNT ? (enum hearth_code)value : HEARTH_INTERNAL;
}

const char *hearth_code_text(enum hearth_code code)
{
    return code_rows[hearth_code_from_wire((unsigned)code)].text;
}

const char *hearth_code_name(enum hearth_code code)
{
    return code_rows[hearth_code_from_wire((unsigned)code)].name;
}

enum hearth_reaction hearth_code_reaction(enum hearth_code code)
{
    return code_rows[hearth_code_from_wire((unsigned)code)].reaction;
}

enum hearth_code hearth_err_set(struct hearth_err *err, enum hearth_code code, int sys_errno,
    const char *where, const char *fmt, ...)
{
    char text[HEARTH_ERR_MESSAGE_SIZE]; /* apart: an argument may be err->message itself */
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    assert(code != HEARTH_OK);
    if (sys_errno != 0 && length >= 0 && (size_t)length < sizeof(text)) {
        size_t room = sizeof(text) - (size_t)length;
        snprintf(text + length, room, ": %s", strerrordesc_np(sys_errno));
    }
    err->code = code;
    err->sys_errno = sys_errno;
    err->where = where;
    memcpy(err->message, text, sizeof(text));
    return code;
}

enum hearth_code hearth_err_prefix(struct hearth_err *err, const char *fmt, ...)
{
    char prefix[HEARTH_ERR_MESSAGE_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(prefix, sizeof(prefix), fmt, args);
    va_end(args);

    char joined[2 * HEARTH_ERR_MESSAGE_SIZE + 2];
    snprintf(joined, sizeof(joined), "%s: %s", prefix, err->message);
    memcpy(err->message, joined, sizeof(err->message) - 1);
    err->message[sizeof(err->message) - 1] = '\0';
    return err->code;
}
