#include "storaged/volume_carry.h"

static bool others_have_ghosts(const struct volume_log *log)
{
    const struct volume *volume = log->volume;
    for (uint32_t i = 0; i < volume->log_count; i++) {
        const struct volume_log *other = volume->logs[i];
        if (other != log && other->has_ghosts && !other->is_dropped) {
            return true;
        }
    }
    return false;
}

static bool must_carry_tombstone(
    const struct volume_log *log, const struct shard_id *id, struct view body)
{
    struct tombstone tombstone;
    if (!tombstone_decode(body, &tombstone)) {
        return false;
    }
    if (others_have_ghosts(log)) {
        return true;
    }
    bool is_bar = tombstone.footer_log == 0;
    struct shard_probe probe = {0};
    struct shard_location at;
    while (shard_index_next(log->volume->index, id, &probe, &at)) {
        if (at.state == SHARD_TRASHED && at.log != log->number &&
            (is_bar || at.log == tombstone.footer_log)) {
            return true;
        }
    }
    return false;
}

static bool must_carry_retired(const struct volume_log *log, struct view body)
{
    struct retired retired;
    if (!retired_decode(body, &retired)) {
        return false;
    }
    uint32_t number = (uint32_t)(retired.good_until >> 32);
    return number != log->number && volume_log_find(log->volume, number) != NULL;
}

bool volume_was_acknowledged(const struct volume_log *log, const struct record_header *header)
{
    return !log->is_retired || header->sequence <= log->good_until;
}

bool volume_must_carry(
    const struct volume_log *log, const struct record_header *header, struct view body)
{
    return header->type == RECORD_TOMBSTONE ? must_carry_tombstone(log, &header->id, body)
                                            : must_carry_retired(log, body);
}
