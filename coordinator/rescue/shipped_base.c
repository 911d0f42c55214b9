#include "coordinator/rescue/shipped_base.h"

#include "common/cleanup.h"
#include "common/codec.h"
#include "common/crypto.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIGEST_SIZE = 16, CHUNK = 1 << 20 };

/* Of all bytes, in hexadecimal. */
static enum hearth_code digest_file(
    const char *path, char text[2 * DIGEST_SIZE + 1], uint64_t *size, struct hearth_err *err)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    CLOSES_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
    FREES uint8_t *chunk = malloc(CHUNK);
    if (fd < 0 || chunk == NULL) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "open %s", path);
    }
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    ssize_t got;
    *size = 0;
    while ((got = read(fd, chunk, CHUNK)) > 0) {
        crypto_hash_update(hash, view_of(chunk, (size_t)got));
        *size += (uint64_t)got;
    }
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
    hex_encode(digest, DIGEST_SIZE, text);
    return got == 0 ? HEARTH_OK : hearth_fail_sys(err, HEARTH_IO, errno, "read %s", path);
}

/* False: no name of one. */
static bool parse_name(const char *name, uint64_t *number, char digest[2 * DIGEST_SIZE + 1])
{
    int end = 0;
    static_assert(2 * DIGEST_SIZE == 32, "as it is scanned");
    return sscanf(name, "shipped-%12" SCNx64 "-%32[0-9a-f].db%n", number, digest, &end) == 2 &&
        end > 0 && name[end] == '\0';
}

/* Calls for each file by such a name until it says true. */
typedef bool base_fn(void *context, const char *path, uint64_t number, const char *digest);

static void each_base(const char *directory, base_fn *fn, void *context)
{
    bool is_over = false;
    DIR *entries = opendir(directory);
    for (struct dirent *entry; entries != NULL && !is_over && (entry = readdir(entries)) != NULL;) {
        char path[PATH_MAX];
        char digest[2 * DIGEST_SIZE + 1];
        uint64_t number;
        is_over = parse_name(entry->d_name, &number, digest) &&
            snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) < (int)sizeof(path) &&
            fn(context, path, number, digest);
    }
    if (entries != NULL) {
        closedir(entries);
    }
}

static bool remove_older(void *context, const char *path, uint64_t number, const char *digest)
{
    const uint64_t *kept = context;
    (void)digest;
    if (number != *kept) {
        unlink(path);
    }
    return false;
}

enum hearth_code shipped_base_keep(
    const char *directory, const char *path, uint64_t number, struct hearth_err *err)
{
    char digest[2 * DIGEST_SIZE + 1];
    char name[PATH_MAX];
    uint64_t size;
    if (digest_file(path, digest, &size, err) != HEARTH_OK) {
        return err->code;
    }
    if (snprintf(name, sizeof(name), "%s/shipped-%012" PRIx64 "-%s.db", directory, number,
            digest) >= (int)sizeof(name)) {
        return hearth_fail(err, HEARTH_INVALID, "path of a shipped snapshot is too long");
    }
    if (rename(path, name) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "rename %s", path);
    }
    each_base(directory, remove_older, &number);
    return HEARTH_OK;
}

static bool take_newest(void *context, const char *path, uint64_t number, const char *digest)
{
    struct shipped_base *newest = context;
    char found[2 * DIGEST_SIZE + 1];
    struct hearth_err err;
    uint64_t size;
    if (number > newest->number && digest_file(path, found, &size, &err) == HEARTH_OK &&
        strcmp(found, digest) == 0) {
        newest->number = number;
        newest->size = size;
        snprintf(newest->path, sizeof(newest->path), "%s", path);
    }
    return false;
}

bool shipped_base_find(const char *directory, struct shipped_base *out)
{
    *out = (struct shipped_base){.number = 0};
    each_base(directory, take_newest, out);
    return out->number > 0;
}
