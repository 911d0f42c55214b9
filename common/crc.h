/*
 * crc.h - the three CRCs that S3 clients send with their bytes.
 *
 *   crc_32       IEEE 802.3, as zip and PNG have it           of "123456789": cbf43926
 *   crc_32c      Castagnoli, as iSCSI has it                                  e3069283
 *   crc_64nvme   as NVMe has it                                       ae8b14860a799888
 *
 * They find accidents, not liars.  All three are reflected, begin with all ones and end inverted.
 *
 * Thread-safety: functions of their arguments; the tables are made once.
 */
#ifndef HEARTH_COMMON_CRC_H
#define HEARTH_COMMON_CRC_H

#include "common/view.h"

struct crc;

extern const struct crc crc_32;
extern const struct crc crc_32c;
extern const struct crc crc_64nvme;

/* Of `bytes` behind those that gave `before`; begin with 0. */
uint64_t crc_update(const struct crc *crc, uint64_t before, struct view bytes);

/* Of two runs of bytes that follow one another, out of their CRCs and the length of the second. */
uint64_t crc_join(const struct crc *crc, uint64_t first, uint64_t second, uint64_t second_size);

/* As it is sent: the highest byte first. */
void crc_write(const struct crc *crc, uint64_t value, uint8_t *bytes);
uint64_t crc_read(const struct crc *crc, const uint8_t *bytes);

#endif /* HEARTH_COMMON_CRC_H */
