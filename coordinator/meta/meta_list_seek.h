/*
 * meta_list_seek.h - where a listing goes on after a key: the step that skips a key's other
 * versions, or a whole common prefix, in one seek.
 */
#ifndef HEARTH_COORDINATOR_META_META_LIST_SEEK_H
#define HEARTH_COORDINATOR_META_META_LIST_SEEK_H

#include "coordinator/meta/meta_types.h"

struct sqlite3;

/* One key more than the longest: room for a key and the zero byte that makes it the next one. */
enum { META_SEEK_SIZE_MAX = META_KEY_MAX + 1 };

/*
 * The common prefix `key` (which begins with `prefix`) is listed under: up to and including the
 * first delimiter after the prefix.  Empty: none, it is listed as itself.  Borrowed from key.
 */
struct view meta_common_prefix(struct view key, struct view prefix, struct view delimiter);

/*
 * The smallest byte string greater than everything that begins with `prefix`, in `bytes`
 * (META_SEEK_SIZE_MAX): its last byte plus one, with carry.  0: there is none.
 */
size_t meta_successor(struct view prefix, uint8_t *bytes);

/*
 * The lowest key that is listed after `key`, in `bytes` (META_SEEK_SIZE_MAX).  0: none is.
 * This is the function list_seek of statements.h.
 */
size_t meta_list_seek(struct view key, struct view prefix, struct view delimiter, uint8_t *bytes);

/* Makes it known to a connection. SQLITE_OK or the error. */
int meta_list_seek_register(struct sqlite3 *db);

#endif /* HEARTH_COORDINATOR_META_META_LIST_SEEK_H */
