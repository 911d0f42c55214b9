#include "gateway/range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Digits; *at moves past them.  False: none, or more than 64 bits. */
static bool read_number(const char **at, uint64_t *out)
{
    const char *digit = *at;
    uint64_t value = 0;
    for (; *digit >= '0' && *digit <= '9'; digit++) {
        uint64_t next = (uint64_t)(*digit - '0');
        if (value > (UINT64_MAX - next) / 10) {
            return false;
        }
        value = 10 * value + next;
    }
    bool is_number = digit != *at;
    *at = digit;
    *out = value;
    return is_number;
}

/* The text behind "bytes="; NULL: another unit. */
static const char *after_unit(const char *header)
{
    static const char unit[] = "bytes=";
    return header != NULL && strncasecmp(header, unit, sizeof(unit) - 1) == 0
        ? header + sizeof(unit) - 1
        : NULL;
}

struct range range_parse(const char *header)
{
    static const struct range none;
    struct range range = {.is_given = true};
    const char *at = after_unit(header);
    uint64_t last;
    if (at == NULL) {
        return none;
    }
    if (*at == '-') {
        at++;
        range.is_suffix = true;
        return read_number(&at, &range.length) && *at == '\0' ? range : none;
    }
    if (!read_number(&at, &range.offset) || *at++ != '-') {
        return none;
    }
    if (*at == '\0') {
        return range;
    }
    if (!read_number(&at, &last) || *at != '\0' || last < range.offset) {
        return none;
    }
    range.length = last - range.offset < UINT64_MAX ? last - range.offset + 1 : 0;
    return range;
}

bool range_cut(const struct range *range, uint64_t size, uint64_t *offset, uint64_t *length)
{
    if (range->is_suffix) {
        *length = range->length < size ? range->length : size;
        *offset = size - *length;
        return *length > 0;
    }
    if (range->offset >= size) {
        return false;
    }
    uint64_t rest = size - range->offset;
    *offset = range->offset;
    *length = range->length == 0 || range->length > rest ? rest : range->length;
    return true;
}

bool range_of_source(const char *header, uint64_t *offset, uint64_t *length)
{
    struct range range = range_parse(header);
    *offset = range.offset;
    *length = range.length;
    return range.is_given && !range.is_suffix && range.length > 0;
}
