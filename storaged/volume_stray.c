#include "storaged/volume_stray.h"

#include <stdlib.h>

static bool is_known(const struct volume *volume, const struct shard_id *id)
{
    struct shard_probe probe = {0};
    struct shard_location at;
    return shard_index_next(volume->index, id, &probe, &at);
}

bool volume_strays_note(struct volume_strays *strays, const struct record_header *footer)
{
    if (is_known(strays->volume, &footer->id)) {
        return true;
    }
    if (strays->noted == NULL) {
        strays->noted = calloc(STRAYS_MAX, sizeof(*strays->noted));
    }
    if (strays->noted == NULL) {
        return false;
    }
    strays->has_more = strays->count == STRAYS_MAX;
    if (!strays->has_more) {
        strays->noted[strays->count++] =
            (struct stray){footer->id, footer->offset, footer->sequence};
    }
    return true;
}

/* ---- one of them ---- */

static void look_at_next(struct volume_strays *strays);

static void enter(struct volume_strays *strays, const struct stray *stray)
{
    struct hearth_err err;
    struct shard_location here = {.state = SHARD_LIVE,
        .log = strays->log->number,
        .offset = stray->offset,
        .size = footer_shard_size(&strays->move.footer)};
    bool is_entered = !strays->has_ghosts && !volume_id_is_busy(strays->volume, &stray->id) &&
        shard_index_insert(strays->volume->index, &stray->id, &here, &err) == HEARTH_OK;
    strays->volume->has_news = strays->volume->has_news || is_entered;
}

/* Since it was noted somebody may have stored or barred it. */
static void count_in(struct volume_strays *strays, const struct stray *stray)
{
    if (is_known(strays->volume, &stray->id)) {
        return;
    }
    if (!strays->met_shard) {
        strays->met_shard = true;
        strays->first = stray->id;
    }
    enter(strays, stray);
}

static void looked(struct volume_move *move)
{
    struct volume_strays *strays =
        (struct volume_strays *)((char *)move - offsetof(struct volume_strays, move));
    const struct stray *stray = &strays->noted[strays->next++];
    bool is_vouched = stray->sequence <= strays->durable;
    if (move->outcome == MOVE_STOPPED) {
        strays->was_stopped = true;
    } else if (move->outcome == MOVE_DONE || (is_vouched && move->has_record)) {
        count_in(strays, stray);
    } else if (is_vouched) {
        strays->met_damage = true;
    }
    look_at_next(strays);
}

static void look_at_next(struct volume_strays *strays)
{
    if (strays->next == strays->count || strays->was_stopped) {
        strays->met_damage = strays->met_damage || strays->has_more;
        strays->done(strays);
        return;
    }
    strays->move = (struct volume_move){.volume = strays->volume,
        .log = strays->log,
        .file = strays->file,
        .from = {.state = SHARD_LIVE,
            .log = strays->log->number,
            .offset = strays->noted[strays->next].offset},
        .only_verify = true,
        .is_stray = true,
        .done = looked,
        .buffer = strays->buffer};
    volume_move_start(&strays->move);
}

/* ---- all of them ---- */

void volume_strays_look(struct volume_strays *strays, uint64_t durable)
{
    strays->durable = durable;
    look_at_next(strays);
}

void volume_strays_wake(struct volume_strays *strays)
{
    volume_move_wake(&strays->move);
}

void volume_strays_abandon(struct volume_strays *strays)
{
    volume_move_abandon(&strays->move);
}

void volume_strays_fini(struct volume_strays *strays)
{
    free(strays->noted);
    strays->noted = NULL;
}
