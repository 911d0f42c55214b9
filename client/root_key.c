#include "client/root_key.h"

#include "common/codec.h"
#include "common/file.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    FILE_SIZE_MAX = 16 * 1024, /* people may add remarks to theirs */
    KEY_LINES = 4,
    LINE_BYTES = CRYPTO_KEY_SIZE / KEY_LINES,
    GROUPED_SIZE = 2 * LINE_BYTES + LINE_BYTES / 2, /* "0123 4567 89ab cdef" and a zero */
    TENANT_SHOWN_MAX = 64,
};
static_assert((int)ROOT_KEY_ID_SIZE == (int)LINE_BYTES, "id and key lines are grouped alike");

void root_key_draw(struct env *env, struct root_key *out)
{
    env_random(env, out->bytes, sizeof(out->bytes));
}

void root_key_id(const struct root_key *key, uint8_t id[ROOT_KEY_ID_SIZE])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    struct crypto_hash *hash = crypto_hash_create(CRYPTO_SHA256);
    crypto_hash_update(hash, view_text("hearth/1/key-id"));
    crypto_hash_update(hash, view_of(key->bytes, sizeof(key->bytes)));
    crypto_hash_final(hash, digest);
    crypto_hash_destroy(hash);
    memcpy(id, digest, ROOT_KEY_ID_SIZE);
}

enum hearth_code root_key_expect(const struct root_key *key,
    const uint8_t expected_id[ROOT_KEY_ID_SIZE], const char *tenant, const char *file,
    struct hearth_err *err)
{
    uint8_t id[ROOT_KEY_ID_SIZE];
    root_key_id(key, id);
    if (crypto_equal(id, expected_id, sizeof(id))) {
        return HEARTH_OK;
    }
    char held[2 * ROOT_KEY_ID_SIZE + 1];
    char expected[2 * ROOT_KEY_ID_SIZE + 1];
    hex_encode(id, sizeof(id), held);
    hex_encode(expected_id, sizeof(id), expected);
    return hearth_fail(err, HEARTH_WRONG_KEY, "root key of tenant %s is %s, %s holds %s", tenant,
        expected, file, held);
}

/* One byte that tells a mistyped line of the sheet from a true one, and one line from another. */
static uint8_t line_check(unsigned line, const uint8_t bytes[LINE_BYTES])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    uint8_t message[1 + LINE_BYTES];
    message[0] = (uint8_t)line;
    memcpy(message + 1, bytes, LINE_BYTES);
    crypto_sha256(view_of(message, sizeof(message)), digest);
    crypto_wipe(message, sizeof(message));
    return digest[0];
}

/* ---- writing ---- */

/* "0123 4567 89ab cdef": what a person can read aloud. */
static void group_digits(const uint8_t bytes[LINE_BYTES], char text[GROUPED_SIZE])
{
    char *at = text;
    for (unsigned i = 0; i < LINE_BYTES; i += 2) {
        at += snprintf(at, 6, i == 0 ? "%02x%02x" : " %02x%02x", bytes[i], bytes[i + 1]);
    }
}

/* Header, remarks (each line beginning with #), id and key. */
static void write_text(
    const struct root_key *key, const char *remarks, char text[ROOT_KEY_TEXT_SIZE])
{
    char grouped[GROUPED_SIZE];
    uint8_t id[ROOT_KEY_ID_SIZE];
    root_key_id(key, id);
    group_digits(id, grouped);
    int length =
        snprintf(text, ROOT_KEY_TEXT_SIZE, "hearth-root-key 1\n%sid    %s\n", remarks, grouped);
    for (unsigned line = 0; line < KEY_LINES; line++) {
        const uint8_t *bytes = key->bytes + line * LINE_BYTES;
        group_digits(bytes, grouped);
        length += snprintf(text + length, (size_t)(ROOT_KEY_TEXT_SIZE - length),
            "key-%u %s check %02x\n", line + 1, grouped, line_check(line, bytes));
        assert(length < ROOT_KEY_TEXT_SIZE);
    }
    crypto_wipe(grouped, sizeof(grouped));
}

enum hearth_code root_key_write(
    const char *path, const struct root_key *key, struct hearth_err *err)
{
    char text[ROOT_KEY_TEXT_SIZE];
    write_text(key,
        "# Opens everything this tenant stores; nothing opens it without. Keep a copy elsewhere.\n",
        text);
    enum hearth_code code = file_create_atomically(path, view_text(text), 0600, err);
    crypto_wipe(text, sizeof(text));
    return code == HEARTH_OK ? HEARTH_OK : hearth_err_prefix(err, "write root key");
}

void root_key_sheet(const struct root_key *key, const char *tenant, char text[ROOT_KEY_TEXT_SIZE])
{
    /* The name comes from the coordinator: what would begin a line of its own is not shown. */
    char shown[TENANT_SHOWN_MAX + 1];
    snprintf(shown, sizeof(shown), "%s", tenant);
    for (char *at = shown; *at != '\0'; at++) {
        *at = isprint((unsigned char)*at) ? *at : '?';
    }
    char remarks[ROOT_KEY_TEXT_SIZE];
    snprintf(remarks, sizeof(remarks),
        "#\n"
        "# RECOVERY SHEET of tenant %s. Print it and keep it away from the computer.\n"
        "#\n"
        "# Who has this key and an invite can read everything the tenant stores.\n"
        "# Who has lost it can read nothing, and nobody can help.\n"
        "#\n"
        "# To use it, type the lines that do not begin with # into a file only you can\n"
        "# read (chmod 600) and give that file where a root key is asked for.\n"
        "#\n",
        shown);
    write_text(key, remarks, text);
}

/* ---- reading ---- */

struct parser {
    const char *name; /* of the file, for messages */
    unsigned line_number;
    struct view line;    /* what is left of it */
    unsigned lines_seen; /* bit 0: the header, 1: the id, 2 and up: the lines of the key */
    uint8_t id[ROOT_KEY_ID_SIZE];
    struct root_key key;
};

enum { SAW_HEADER = 1, SAW_ID = 2, SAW_KEY = 4, SAW_ALL = SAW_KEY * ((1 << KEY_LINES) - 1) + 3 };

static void skip_blanks(struct parser *parser)
{
    while (parser->line.size > 0 && isspace(parser->line.bytes[0])) {
        parser->line = view_of(parser->line.bytes + 1, parser->line.size - 1);
    }
}

/* The next word, in lower or upper case, is taken when it is this one. */
static bool take_word(struct parser *parser, const char *word)
{
    skip_blanks(parser);
    size_t length = strlen(word);
    if (parser->line.size < length ||
        strncasecmp((const char *)parser->line.bytes, word, length) != 0) {
        return false;
    }
    parser->line = view_of(parser->line.bytes + length, parser->line.size - length);
    return true;
}

/* 2 * size digits with blanks anywhere between them. */
static bool take_digits(struct parser *parser, uint8_t *bytes, size_t size)
{
    uint8_t digits[2 * LINE_BYTES];
    assert(size <= LINE_BYTES);
    for (size_t i = 0; i < 2 * size; i++) {
        skip_blanks(parser);
        if (parser->line.size == 0) {
            return false;
        }
        digits[i] = parser->line.bytes[0];
        parser->line = view_of(parser->line.bytes + 1, parser->line.size - 1);
    }
    return hex_decode(view_of(digits, 2 * size), bytes, size);
}

static bool at_line_end(struct parser *parser)
{
    skip_blanks(parser);
    return parser->line.size == 0;
}

static enum hearth_code no_key_file(const struct parser *parser, struct hearth_err *err)
{
    return hearth_fail(err, HEARTH_INVALID, "%s is no root key file", parser->name);
}

static enum hearth_code parse_header(struct parser *parser, struct hearth_err *err)
{
    if (!take_word(parser, "hearth-root-key ")) {
        return no_key_file(parser, err);
    }
    if (!take_word(parser, "1") || !at_line_end(parser)) {
        return hearth_fail(err, HEARTH_UNKNOWN_FORMAT,
            "%s is a root key file of another version than 1, the one this program reads",
            parser->name);
    }
    parser->lines_seen = SAW_HEADER;
    return HEARTH_OK;
}

static enum hearth_code mistyped(const struct parser *parser, struct hearth_err *err)
{
    return hearth_fail(
        err, HEARTH_INVALID, "%s line %u is mistyped", parser->name, parser->line_number);
}

static enum hearth_code parse_key_line(struct parser *parser, unsigned line, struct hearth_err *err)
{
    uint8_t *bytes = parser->key.bytes + line * LINE_BYTES;
    uint8_t check;
    if (!take_digits(parser, bytes, LINE_BYTES) || !take_word(parser, "check") ||
        !take_digits(parser, &check, 1) || !at_line_end(parser) ||
        check != line_check(line, bytes)) {
        return mistyped(parser, err);
    }
    parser->lines_seen |= (unsigned)SAW_KEY << line;
    return HEARTH_OK;
}

static enum hearth_code parse_line(struct parser *parser, struct hearth_err *err)
{
    if (at_line_end(parser) || parser->line.bytes[0] == '#') {
        return HEARTH_OK;
    }
    if (!(parser->lines_seen & SAW_HEADER)) {
        return parse_header(parser, err);
    }
    if (take_word(parser, "id")) {
        parser->lines_seen |= SAW_ID;
        bool good = take_digits(parser, parser->id, sizeof(parser->id)) && at_line_end(parser);
        return good ? HEARTH_OK : mistyped(parser, err);
    }
    for (unsigned line = 0; line < KEY_LINES; line++) {
        char word[8];
        snprintf(word, sizeof(word), "key-%u", line + 1);
        if (take_word(parser, word)) {
            return parse_key_line(parser, line, err);
        }
    }
    return mistyped(parser, err);
}

static enum hearth_code parse_lines(struct parser *parser, struct view text, struct hearth_err *err)
{
    while (text.size > 0) {
        const uint8_t *end = memchr(text.bytes, '\n', text.size);
        size_t length = end == NULL ? text.size : (size_t)(end - text.bytes);
        parser->line = view_of(text.bytes, length);
        parser->line_number++;
        if (parse_line(parser, err) != HEARTH_OK) {
            return err->code;
        }
        text = end == NULL ? (struct view){0} : view_of(end + 1, text.size - length - 1);
    }
    if (parser->lines_seen == 0) {
        return no_key_file(parser, err);
    }
    if (parser->lines_seen != SAW_ALL) {
        return hearth_fail(err, HEARTH_INVALID, "%s: lines are missing", parser->name);
    }
    uint8_t id[ROOT_KEY_ID_SIZE];
    root_key_id(&parser->key, id);
    if (!crypto_equal(id, parser->id, sizeof(id))) {
        return hearth_fail(err, HEARTH_INVALID, "%s: its id does not fit its key", parser->name);
    }
    return HEARTH_OK;
}

enum hearth_code root_key_parse(
    struct view text, const char *name, struct root_key *out, struct hearth_err *err)
{
    struct parser parser = {.name = name};
    enum hearth_code code = parse_lines(&parser, text, err);
    if (code == HEARTH_OK) {
        *out = parser.key;
    }
    crypto_wipe(&parser, sizeof(parser));
    return code;
}

static enum hearth_code read_file(
    const char *path, struct arena *arena, struct root_key *out, struct hearth_err *err)
{
    struct view text;
    if (file_read_whole(path, FILE_SIZE_MAX, arena, &text, err) != HEARTH_OK) {
        return hearth_err_prefix(err, "root key");
    }
    struct stat status;
    if (stat(path, &status) != 0) {
        return hearth_fail_sys(err, HEARTH_IO, errno, "look at root key file %s", path);
    }
    if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return hearth_fail(err, HEARTH_DENIED,
            "root key file %s is open to others (mode %03o); close it with: chmod 600 %s", path,
            status.st_mode & 0777u, path);
    }
    enum hearth_code code = root_key_parse(text, path, out, err);
    crypto_wipe((void *)(uintptr_t)text.bytes, text.size);
    return code;
}

enum hearth_code root_key_read(const char *path, struct root_key *out, struct hearth_err *err)
{
    struct arena arena;
    arena_init(&arena, 0);
    enum hearth_code code = read_file(path, &arena, out, err);
    arena_fini(&arena);
    return code;
}
