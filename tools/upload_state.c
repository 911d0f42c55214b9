#include "tools/upload_state.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/crypto.h"
#include "common/env.h"
#include "common/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>

static const char magic[] = "hearth upload\n";

enum {
    FORMAT_VERSION = 1,
    MAGIC_SIZE = sizeof(magic) - 1,
    FIXED_SIZE = MAGIC_SIZE + 1 + 5 * 8 + 4,
    STALE_S = 2 * 24 * 3600, /* what was sent is kept for a day */
    NAME_SIZE = 16,          /* bytes of the hash in a name */
};

/* ---- the bytes ---- */

struct upload_mark upload_mark_of(const struct stat *status)
{
    return (struct upload_mark){
        .size = (uint64_t)status->st_size,
        .time_ns =
            (uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec,
        .inode = (uint64_t)status->st_ino,
        .device = (uint64_t)status->st_dev,
    };
}

struct view upload_state_encode(const struct upload_state *state, struct arena *arena)
{
    size_t size = FIXED_SIZE + state->sealed.size;
    uint8_t *bytes = arena_take(arena, size);
    assert(bytes != NULL);
    struct writer writer = writer_of(bytes, size);
    writer_bytes(&writer, magic, MAGIC_SIZE);
    writer_u8(&writer, FORMAT_VERSION);
    writer_u64(&writer, state->mark.size);
    writer_u64(&writer, state->mark.time_ns);
    writer_u64(&writer, state->mark.inode);
    writer_u64(&writer, state->mark.device);
    writer_u64(&writer, state->safe_bytes);
    writer_sized(&writer, state->sealed);
    assert(!writer.failed);
    return view_of(bytes, size);
}

enum hearth_code upload_state_decode(
    struct view bytes, struct upload_state *out, struct hearth_err *err)
{
    struct reader reader = reader_of(bytes);
    struct view begin = reader_view(&reader, MAGIC_SIZE);
    uint8_t version = reader_u8(&reader);
    if (reader.failed || !view_equal(begin, view_of(magic, MAGIC_SIZE))) {
        return hearth_fail(err, HEARTH_CHECKSUM, "not the state of an upload");
    }
    if (version != FORMAT_VERSION) {
        return hearth_fail(
            err, HEARTH_UNKNOWN_FORMAT, "state of format %u, %d is known", version, FORMAT_VERSION);
    }
    struct upload_state state;
    state.mark.size = reader_u64(&reader);
    state.mark.time_ns = reader_u64(&reader);
    state.mark.inode = reader_u64(&reader);
    state.mark.device = reader_u64(&reader);
    state.safe_bytes = reader_u64(&reader);
    state.sealed = reader_sized(&reader);
    if (!reader_at_end(&reader) || state.sealed.size == 0 || state.safe_bytes >= state.mark.size) {
        return hearth_fail(err, HEARTH_CHECKSUM, "the state of an upload, damaged");
    }
    *out = state;
    return HEARTH_OK;
}

/* ---- the file ---- */

/* NULL: there is no such place. */
static const char *state_home(struct arena *arena)
{
    const char *xdg = getenv("XDG_STATE_HOME");
    if (xdg != NULL && xdg[0] == '/') {
        return xdg; /* a relative one is to be ignored, says the specification */
    }
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        return NULL;
    }
    static const char below[] = "/.local/state";
    char *path = arena_take(arena, strlen(home) + sizeof(below));
    assert(path != NULL);
    stpcpy(stpcpy(path, home), below);
    return path;
}

static void hash_sized(struct crypto_hash *hash, struct view bytes)
{
    uint8_t length[4];
    struct writer writer = writer_of(length, sizeof(length));
    writer_u32(&writer, (uint32_t)bytes.size);
    crypto_hash_update(hash, view_of(length, sizeof(length)));
    crypto_hash_update(hash, bytes);
}

/* By the name it always has; one that is gone is called as it was typed. */
static void hash_path(struct crypto_hash *hash, const char *path)
{
    FREES char *resolved = realpath(path, NULL);
    hash_sized(hash, view_text(resolved != NULL ? resolved : path));
}

char *upload_state_path(const char *config_path, const char *source, const char *bucket,
    struct view key, struct arena *arena)
{
    static const char below[] = "/hearth/uploads/";
    const char *home = state_home(arena);
    if (home == NULL) {
        return NULL;
    }
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char digits[2 * NAME_SIZE + 1];
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    hash_path(hash, config_path);
    hash_path(hash, source);
    hash_sized(hash, view_text(bucket));
    hash_sized(hash, key);
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
    hex_encode(digest, NAME_SIZE, digits);

    char *path = arena_take(arena, strlen(home) + sizeof(below) + sizeof(digits));
    assert(path != NULL);
    stpcpy(stpcpy(stpcpy(path, home), below), digits);
    return path;
}

bool upload_state_load(
    const char *path, const struct upload_mark *mark, struct arena *arena, struct upload_state *out)
{
    struct hearth_err err; /* whatever it is: the upload begins anew */
    struct view bytes;
    struct upload_state state;
    if (file_read_whole(path, UPLOAD_STATE_SIZE_MAX, arena, &bytes, &err) != HEARTH_OK ||
        upload_state_decode(bytes, &state, &err) != HEARTH_OK ||
        memcmp(&state.mark, mark, sizeof(*mark)) != 0) {
        return false;
    }
    *out = state;
    return true;
}

/* Regular files only, and only of our kind of name. */
static void clear_out(const char *folder)
{
    DIR *files = opendir(folder);
    struct dirent *file;
    uint64_t now_s = env_unix_ms(env_system()) / 1000;
    while (files != NULL && (file = readdir(files)) != NULL) {
        uint8_t name[NAME_SIZE];
        struct stat status;
        if (hex_decode(view_text(file->d_name), name, sizeof(name)) &&
            fstatat(dirfd(files), file->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            (uint64_t)status.st_mtim.tv_sec + STALE_S < now_s) {
            unlinkat(dirfd(files), file->d_name, 0);
        }
    }
    if (files != NULL) {
        closedir(files);
    }
}

enum hearth_code upload_state_save(
    const char *path, const struct upload_state *state, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    char *folder = arena_text(&arena, view_text(path));
    assert(folder != NULL);
    folder = dirname(folder);
    enum hearth_code code = file_make_directories(folder, 0700, err);
    if (code == HEARTH_OK) {
        clear_out(folder);
        code = file_write_atomically(path, upload_state_encode(state, &arena), 0600, err);
    }
    arena_fini(&arena);
    return code;
}

void upload_state_remove(const char *path)
{
    (void)unlink(path);
}
