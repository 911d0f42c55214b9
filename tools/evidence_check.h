/*
 * evidence_check.h - does a record of evidence prove what it says?  Without the cluster: by the
 * CA's certificate, the orders and the cell that are in it.
 *
 * Pure computation.
 */
#ifndef HEARTH_TOOLS_EVIDENCE_CHECK_H
#define HEARTH_TOOLS_EVIDENCE_CHECK_H

#include "proto/evidence_format.h"

/* "wrong", "missing" ...; static storage. */
const char *evidence_fault_text(uint8_t fault);
const char *evidence_answer_text(uint8_t answer);

/*
 * HEARTH_OK: signed by that CA, and its questions and answers prove the fault.  HEARTH_DENIED: not
 * signed so, or altered.  HEARTH_CHECKSUM: they do not prove it; the error says why not.
 */
enum hearth_code evidence_check(struct view record, const uint8_t ca_pin[PKI_PIN_SIZE],
    struct evidence *out, struct hearth_err *err);

#endif /* HEARTH_TOOLS_EVIDENCE_CHECK_H */
