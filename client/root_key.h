/*
 * root_key.h - RK, the one secret of a tenant: its file, its name, its recovery sheet.
 *
 * The file is text, and so is the sheet; one reader takes both, and also what a person typed off
 * a printed sheet: case, spacing, blank lines and lines that start with # do not matter.
 *
 *   hearth-root-key 1
 *   id    3f2a 9c41 77d0 18e5
 *   key-1 0123 4567 89ab cdef check 5e
 *   key-2 ...                            four lines; `check` tells which one is mistyped
 *
 * Everything here blocks on small files.  Thread-safety: no state.
 */
#ifndef HEARTH_CLIENT_ROOT_KEY_H
#define HEARTH_CLIENT_ROOT_KEY_H

#include "common/crypto.h"
#include "common/env.h"
#include "common/err.h"

enum {
    ROOT_KEY_ID_SIZE = 8,
    ROOT_KEY_TEXT_SIZE = 1024, /* of the text of a file or sheet, its zero included */
};

struct root_key {
    uint8_t bytes[CRYPTO_KEY_SIZE];
};

void root_key_draw(struct env *env, struct root_key *out);

/* First 8 bytes of SHA-256("hearth/1/key-id" | key): names the key, tells nothing about it. */
void root_key_id(const struct root_key *key, uint8_t id[ROOT_KEY_ID_SIZE]);

/*
 * Is this the key the tenant's buckets are wrapped with?  `file` names where it came from.
 * HEARTH_WRONG_KEY: "root key of tenant T is 3f.., FILE holds 9a..".
 */
enum hearth_code root_key_expect(const struct root_key *key,
    const uint8_t expected_id[ROOT_KEY_ID_SIZE], const char *tenant, const char *file,
    struct hearth_err *err);

/*
 * Reads a key file or recovery sheet.
 * HEARTH_NOT_FOUND.  HEARTH_DENIED: others than the owner may read or write it.
 * HEARTH_INVALID: not a root key file, or mistyped; the line is named.
 * HEARTH_UNKNOWN_FORMAT: of a newer version.
 */
enum hearth_code root_key_read(const char *path, struct root_key *out, struct hearth_err *err);

/* Durable, mode 0600. HEARTH_EXISTS: there is a file; a root key is never overwritten. */
enum hearth_code root_key_write(
    const char *path, const struct root_key *key, struct hearth_err *err);

/* The recovery sheet, to be printed. The caller wipes it. */
void root_key_sheet(const struct root_key *key, const char *tenant, char text[ROOT_KEY_TEXT_SIZE]);

/* What root_key_read() does with the contents; `name` stands in messages. */
enum hearth_code root_key_parse(
    struct view text, const char *name, struct root_key *out, struct hearth_err *err);

#endif /* HEARTH_CLIENT_ROOT_KEY_H */
