/*
 * utf8.h - whether bytes are UTF-8, with the characters that XML can hold.
 *
 * Pure functions.
 */
#ifndef HEARTH_GATEWAY_UTF8_H
#define HEARTH_GATEWAY_UTF8_H

#include "common/view.h"

/* How many bytes the character at the start of `bytes` has; size > 0.  0: it is none. */
size_t utf8_length(const uint8_t *bytes, size_t size);

bool utf8_is_valid(struct view text);

#endif /* HEARTH_GATEWAY_UTF8_H */
