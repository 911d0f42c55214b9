/*
 * crc_fast.h - the three CRCs that S3 clients send with their bytes.
 *
 *   CRC32      IEEE 802.3, as zip and PNG have it           of "123456789": cbf43926
 *   CRC32C     Castagnoli, as iSCSI has it                               e3069283
 *   CRC64NVME  as NVMe has it                                    ae8b14860a799888
 *
 * They find accidents, not liars.  All three are reflected, begin with all ones and end inverted.
 *
 * Thread-safety: functions of their arguments; the tables are made once.
 */
#ifndef HEARTH_COMMON_CRC_FAST_H
#define HEARTH_COMMON_CRC_FAST_H

#include "common/view.h"

/* Of `bytes` behind those that gave `crc`; begin with 0. */
uint32_t crc32_update(uint32_t crc, struct view bytes);
uint32_t crc32c_update(uint32_t crc, struct view bytes);
uint64_t crc64nvme_update(uint64_t crc, struct view bytes);

#endif /* HEARTH_COMMON_CRC_FAST_H */
