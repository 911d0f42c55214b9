/*
 * crc.h - cyclic redundancy checks of S3, one bit at a time, and of two runs of bytes that follow
 * one another: crc(a b) out of crc(a), crc(b) and the length of b.
 *
 * For checksums of checksums and whole objects out of parts: what runs over bodies is another, fast
 * one.  Pure computation.  Thread-safety: functions of their arguments alone.
 */
#ifndef HEARTH_GATEWAY_CRC_H
#define HEARTH_GATEWAY_CRC_H

#include "common/view.h"

struct crc {
    unsigned bits;
    uint64_t polynomial; /* reflected */
};

extern const struct crc crc_32;
extern const struct crc crc_32c;
extern const struct crc crc_64nvme;

uint64_t crc_of(const struct crc *crc, struct view bytes);

uint64_t crc_join(const struct crc *crc, uint64_t first, uint64_t second, uint64_t second_size);

#endif /* HEARTH_GATEWAY_CRC_H */
