/*
 * shard_name.h - how a shard is called: its id, and the locator only the coordinator can open.
 */
#ifndef HEARTH_STORAGED_SHARD_NAME_H
#define HEARTH_STORAGED_SHARD_NAME_H

#include "common/codec.h"

enum {
    SHARD_ID_SIZE = 16,
    SHARD_LOCATOR_SIZE = 20,
    SHARD_ID_TEXT_SIZE = 2 * SHARD_ID_SIZE + 1,
};

/* The coordinator draws ids by AES: equally distributed, and no id is ever used for other content.
 */
struct shard_id {
    uint8_t bytes[SHARD_ID_SIZE];
};

struct shard_locator {
    uint8_t bytes[SHARD_LOCATOR_SIZE];
};

static inline bool shard_id_equal(const struct shard_id *a, const struct shard_id *b)
{
    return memcmp(a->bytes, b->bytes, SHARD_ID_SIZE) == 0;
}

/* For messages. */
struct shard_id_text {
    char chars[SHARD_ID_TEXT_SIZE];
};

static inline struct shard_id_text shard_id_text(const struct shard_id *id)
{
    struct shard_id_text text;
    hex_encode(id->bytes, SHARD_ID_SIZE, text.chars);
    return text;
}

#endif /* HEARTH_STORAGED_SHARD_NAME_H */
