#include "storaged/volume_home.h"

#include "common/codec.h"
#include "common/file.h"

#include <errno.h>
#include <sys/stat.h>

enum { TEXT_SIZE = 2 * VOLUME_UUID_SIZE + 1 /* and a newline */ };

static enum hearth_code read_id(
    struct volume_home *home, struct arena *arena, struct hearth_err *err)
{
    struct view text;
    enum hearth_code code = file_read_whole(home->id_path, TEXT_SIZE, arena, &text, err);
    if (code != HEARTH_OK) {
        return code == HEARTH_NOT_FOUND ? HEARTH_OK : code;
    }
    if (text.size != TEXT_SIZE ||
        !hex_decode(view_of(text.bytes, TEXT_SIZE - 1), home->uuid, VOLUME_UUID_SIZE)) {
        return hearth_fail(err, HEARTH_INVALID, "%s does not name a volume", home->id_path);
    }
    home->is_known = true;
    return HEARTH_OK;
}

enum hearth_code volume_home_load(
    struct volume_home *home, const struct settings *settings, struct hearth_err *err)
{
    *home = (struct volume_home){.directory = settings->volume};
    if (settings_beside_key(settings, SETTINGS_VOLUME_ID, home->id_path, err) != HEARTH_OK) {
        return err->code;
    }
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = read_id(home, &arena, err);
    arena_fini(&arena);
    return code;
}

static enum hearth_code write_id(struct volume_home *home, struct hearth_err *err)
{
    char text[TEXT_SIZE + 1];
    hex_encode(home->uuid, VOLUME_UUID_SIZE, text);
    text[TEXT_SIZE - 1] = '\n';
    home->is_known = true;
    return file_write_atomically(home->id_path, view_of(text, TEXT_SIZE), 0644, err);
}

enum hearth_code volume_home_settle(
    struct volume_home *home, const struct volume *volume, struct hearth_err *err)
{
    struct volume_identity identity;
    struct stat facts;
    volume_identity(volume, &identity);
    if (stat(home->directory, &facts) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "look at %s", home->directory);
    }
    home->device = facts.st_dev;
    home->inode = facts.st_ino;
    if (!home->is_known) {
        memcpy(home->uuid, identity.uuid, VOLUME_UUID_SIZE);
        return write_id(home, err);
    }
    if (memcmp(home->uuid, identity.uuid, VOLUME_UUID_SIZE) != 0) {
        return hearth_fail(err, HEARTH_DENIED,
            "it is not the volume that %s names: is the right disk mounted?", home->id_path);
    }
    return HEARTH_OK;
}

bool volume_home_is_there(const struct volume_home *home)
{
    struct stat facts;
    return stat(home->directory, &facts) == 0 && facts.st_dev == home->device &&
        facts.st_ino == home->inode;
}
