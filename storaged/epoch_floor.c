#include "storaged/epoch_floor.h"

#include "common/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { TEXT_MAX = 21 }; /* the largest number, and a newline */

static bool parse(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && strcmp(end, "\n") == 0;
}

static enum hearth_code read_epoch(
    struct epoch_floor *floor, struct arena *arena, struct hearth_err *err)
{
    struct view text;
    enum hearth_code code = file_read_whole(floor->path, TEXT_MAX, arena, &text, err);
    if (code != HEARTH_OK) {
        return code == HEARTH_NOT_FOUND ? HEARTH_OK : code;
    }
    return parse((const char *)text.bytes, &floor->kept)
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_INVALID, "%s: not a recovery epoch", floor->path);
}

enum hearth_code epoch_floor_load_blocking(
    struct epoch_floor *floor, const struct settings *settings, struct hearth_err *err)
{
    struct arena arena;
    floor->kept = 0;
    if (settings_beside_key(settings, SETTINGS_EPOCH, floor->path, err) != HEARTH_OK) {
        return err->code;
    }
    arena_init(&arena, 0);
    enum hearth_code code = read_epoch(floor, &arena, err);
    arena_fini(&arena);
    return code;
}

enum hearth_code epoch_floor_keep_blocking(
    struct epoch_floor *floor, uint64_t epoch, struct hearth_err *err)
{
    char text[TEXT_MAX + 1];
    if (epoch <= floor->kept) {
        return HEARTH_OK;
    }
    int length = snprintf(text, sizeof(text), "%" PRIu64 "\n", epoch);
    enum hearth_code code =
        file_write_atomically(floor->path, view_of(text, (size_t)length), 0644, err);
    if (code == HEARTH_OK) {
        floor->kept = epoch;
    }
    return code;
}
