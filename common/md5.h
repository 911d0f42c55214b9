/*
 * md5.h - MD5, of one message or of several at once (ETags only: it protects nothing).
 *
 *   begin -> update, update ... -> end
 *
 * A message's bytes can only be hashed one after the other, 0.7 GB in a second of a core.  Vectors
 * hash the bytes of eight messages in little more than the time of one: so who has several that
 * are under way at the same time updates them together.
 *
 * Thread-safety: pure computation on what it is given.
 */
#ifndef HEARTH_COMMON_MD5_H
#define HEARTH_COMMON_MD5_H

#include "common/view.h"

enum { MD5_SIZE = 16, MD5_BLOCK_SIZE = 64, MD5_TOGETHER_MAX = 8 };

struct md5 {
    uint32_t words[4];
    uint64_t size;                /* of the message so far */
    uint8_t rest[MD5_BLOCK_SIZE]; /* its last size % 64 bytes */
};

/* The next bytes of a message. */
struct md5_piece {
    struct md5 *md5;
    struct view bytes;
};

void md5_begin(struct md5 *md5);
void md5_update(struct md5 *md5, struct view bytes);
void md5_end(struct md5 *md5, uint8_t digest[MD5_SIZE]);

/* Of 1 to MD5_TOGETHER_MAX different messages. */
void md5_update_together(const struct md5_piece pieces[], unsigned count);

#endif /* HEARTH_COMMON_MD5_H */
