/*
 * range.h - "Range: bytes=...": which part of an object is wanted.
 *
 *   bytes=10-19   from 10, ten bytes        bytes=10-   from 10 to the end      bytes=-10   the
 * last ten
 *
 * What is not understood, and several ranges at once, are no range: the whole is answered, as S3
 * does.  Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_GATEWAY_RANGE_H
#define HEARTH_GATEWAY_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
    bool is_given;
    bool is_suffix;
    uint64_t offset; /* 0 of a suffix */
    uint64_t length; /* 0: to the end; of a suffix, how many of the last bytes */
};

/* NULL: none. */
struct range range_parse(const char *header);

/* Of an object of `size` bytes.  False: nothing of it is there (416). */
bool range_cut(const struct range *range, uint64_t size, uint64_t *offset, uint64_t *length);

/* "bytes=10-19" of the source of a copied part, where all of it must be.  False: not that. */
bool range_of_source(const char *header, uint64_t *offset, uint64_t *length);

#endif /* HEARTH_GATEWAY_RANGE_H */
