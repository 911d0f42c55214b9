#include "coordinator/meta/meta_list_seek.h"

#include <assert.h>
#include <sqlite3.h>

struct view meta_common_prefix(struct view key, struct view prefix, struct view delimiter)
{
    assert(key.size >= prefix.size);
    if (delimiter.size > 0) {
        const uint8_t *after = key.bytes + prefix.size;
        const uint8_t *at = memmem(after, key.size - prefix.size, delimiter.bytes, delimiter.size);
        if (at != NULL) {
            return view_of(key.bytes, (size_t)(at - key.bytes) + delimiter.size);
        }
    }
    return view_of(key.bytes, 0);
}

size_t meta_successor(struct view prefix, uint8_t *bytes)
{
    size_t size = prefix.size;
    assert(size <= META_SEEK_SIZE_MAX);
    while (size > 0 && prefix.bytes[size - 1] == 0xff) {
        size--;
    }
    if (size > 0) {
        memcpy(bytes, prefix.bytes, size);
        bytes[size - 1]++;
    }
    return size;
}

size_t meta_list_seek(struct view key, struct view prefix, struct view delimiter, uint8_t *bytes)
{
    struct view common = meta_common_prefix(key, prefix, delimiter);
    if (common.size > 0) {
        return meta_successor(common, bytes);
    }
    assert(key.size < META_SEEK_SIZE_MAX);
    memcpy(bytes, key.bytes, key.size);
    bytes[key.size] = 0;
    return key.size + 1;
}

static struct view argument(sqlite3_value *value)
{
    const void *bytes = sqlite3_value_blob(value);
    return view_of(bytes != NULL ? bytes : "", (size_t)sqlite3_value_bytes(value));
}

static void list_seek(sqlite3_context *context, int count, sqlite3_value **values)
{
    uint8_t bytes[META_SEEK_SIZE_MAX];
    assert(count == 3);
    struct view key = argument(values[0]);
    struct view prefix = argument(values[1]);
    if (key.size > META_KEY_MAX || key.size < prefix.size) {
        sqlite3_result_error(context, "list_seek: a key that cannot be", -1);
        return;
    }
    size_t size = meta_list_seek(key, prefix, argument(values[2]), bytes);
    if (size == 0) {
        sqlite3_result_null(context);
    } else {
        sqlite3_result_blob(context, bytes, (int)size, SQLITE_TRANSIENT);
    }
}

int meta_list_seek_register(struct sqlite3 *db)
{
    return sqlite3_create_function(db, "list_seek", 3,
        SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, NULL, list_seek, NULL, NULL);
}
