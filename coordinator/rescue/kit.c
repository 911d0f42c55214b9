#include "coordinator/rescue/kit.h"

#include "common/codec.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>

static const char title[] = "HEARTH RECOVERY KIT 1";

enum {
    VALUE_BYTES = 32,   /* of a key or certificate, on one line */
    CHECK_SIZE = 2,     /* of a line */
    END_CHECK_SIZE = 4, /* of all lines */
    DER_MAX = 4096,
    LINE_MAX = 512,
    LINES_MAX = 400,
};

/* ---- what is in a line ---- */

/* "NN word value" as it is hashed: lower case, one blank between. */
struct line {
    char text[LINE_MAX];
};

static void check_of(const struct line *line, char hex[2 * CHECK_SIZE + 1])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_sha256(view_text(line->text), digest);
    hex_encode(digest, CHECK_SIZE, hex);
}

static void end_check(struct crypto_hash *all, char hex[2 * END_CHECK_SIZE + 1])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    crypto_hash_final(all, digest);
    hex_encode(digest, END_CHECK_SIZE, hex);
}

/* ---- PEM and DER ---- */

/* The bytes between the first and the last line. */
static size_t pem_to_der(struct view pem, uint8_t der[DER_MAX])
{
    char body[2 * DER_MAX];
    size_t length = 0;
    bool inside = false;
    for (size_t i = 0; i < pem.size;) {
        const uint8_t *end = memchr(pem.bytes + i, '\n', pem.size - i);
        size_t size = end == NULL ? pem.size - i : (size_t)(end - pem.bytes) - i;
        bool is_rule = size > 0 && pem.bytes[i] == '-';
        if (!is_rule && inside) {
            assert(length + size < sizeof(body));
            memcpy(body + length, pem.bytes + i, size);
            length += size;
        }
        inside = is_rule ? !inside : inside;
        i += size + 1;
    }
    size_t padding = length > 1 && body[length - 2] == '=' ? 2 : body[length - 1] == '=';
    size_t size = length / 4 * 3 - padding;
    bool good = size <= DER_MAX && base64_decode(view_of(body, length), der, size);
    assert(good);
    crypto_wipe(body, sizeof(body));
    return size;
}

static struct view der_to_pem(struct view der, const char *label, struct arena *arena)
{
    enum { WIDTH = 64 };
    char body[2 * DER_MAX];
    char *text = arena_take(arena, 3 * DER_MAX);
    assert(text != NULL && der.size <= DER_MAX);
    base64_encode(der.bytes, der.size, body);
    size_t length = strlen(body);
    int at = snprintf(text, 3 * DER_MAX, "-----BEGIN %s-----\n", label);
    for (size_t i = 0; i < length; i += WIDTH) {
        at += snprintf(text + at, 3 * DER_MAX - (size_t)at, "%.*s\n", WIDTH, body + i);
    }
    at += snprintf(text + at, 3 * DER_MAX - (size_t)at, "-----END %s-----\n", label);
    crypto_wipe(body, sizeof(body));
    return view_of(text, (size_t)at);
}

/* ---- printing ---- */

struct printing {
    FILE *out;
    unsigned number;
    struct crypto_hash *all;
};

static void print_line(struct printing *printing, const char *word, const char *value)
{
    struct line line;
    char check[2 * CHECK_SIZE + 1];
    snprintf(line.text, sizeof(line.text), "%02u %s %s", ++printing->number, word, value);
    check_of(&line, check);
    crypto_hash_update(printing->all, view_text(line.text));
    fprintf(printing->out, "%02u %-7s %s %s\n", printing->number, word, value, check);
    crypto_wipe(&line, sizeof(line));
}

static void print_bytes(struct printing *printing, const char *word, struct view bytes)
{
    char hex[2 * VALUE_BYTES + 1];
    for (size_t i = 0; i < bytes.size; i += VALUE_BYTES) {
        size_t size = bytes.size - i < VALUE_BYTES ? bytes.size - i : VALUE_BYTES;
        hex_encode(bytes.bytes + i, size, hex);
        print_line(printing, word, hex);
    }
    crypto_wipe(hex, sizeof(hex));
}

static void print_pem(struct printing *printing, const char *word, struct view pem)
{
    uint8_t der[DER_MAX];
    print_bytes(printing, word, view_of(der, pem_to_der(pem, der)));
    crypto_wipe(der, sizeof(der));
}

static void print_node(struct printing *printing, const struct kit_node *node)
{
    char value[PKI_ID_TEXT_SIZE + KIT_ADDRESS_MAX];
    hex_encode(node->id, sizeof(node->id), value);
    snprintf(value + PKI_ID_TEXT_SIZE - 1, sizeof(value) - PKI_ID_TEXT_SIZE, " %.*s",
        VIEW_ARGS(node->address));
    print_line(printing, "node", value);
}

void kit_print(const struct kit *kit, FILE *out)
{
    struct printing printing = {.out = out, .all = crypto_hash_create(CRYPTO_SHA256)};
    char check[2 * END_CHECK_SIZE + 1];
    fprintf(out,
        "%s\n\n"
        "Print it, lock it away, delete the file.  With this page and the nodes, or with it and a\n"
        "backup of the metadata, the coordinator can be set up anew (hearth-coordinator rebuild).\n"
        "Who has it can act as the coordinator; it opens no customer's data.\n\n",
        title);
    print_bytes(&printing, "cluster", view_of(kit->cluster, sizeof(kit->cluster)));
    print_bytes(&printing, "master", view_of(kit->master, sizeof(kit->master)));
    print_pem(&printing, "ca-key", kit->ca_key_pem);
    print_pem(&printing, "ca-cert", kit->ca_pem);
    for (unsigned i = 0; i < kit->node_count; i++) {
        print_node(&printing, &kit->nodes[i]);
    }
    end_check(printing.all, check);
    print_line(&printing, "end", check);
    crypto_hash_destroy(printing.all);
}

/* ---- reading ---- */

struct reading {
    struct arena *arena;
    struct kit *kit;
    struct crypto_hash *all;
    unsigned number; /* of the line being read */
    size_t master_size;
    size_t cluster_size;
    uint8_t ca_key[DER_MAX];
    size_t ca_key_size;
    uint8_t ca_cert[DER_MAX];
    size_t ca_cert_size;
    bool is_over;
};

/* The next word of the text, in lower case; false: there is none on this line. */
static bool next_word(struct view *line, char *out, size_t size)
{
    size_t at = 0;
    size_t length = 0;
    while (at < line->size && isspace(line->bytes[at])) {
        at++;
    }
    while (at < line->size && !isspace(line->bytes[at]) && length + 1 < size) {
        out[length++] = (char)tolower(line->bytes[at++]);
    }
    out[length] = '\0';
    *line = view_of(line->bytes + at, line->size - at);
    return length > 0;
}

static bool append_hex(const char *value, uint8_t *bytes, size_t room, size_t *size)
{
    size_t length = strlen(value) / 2;
    if (length > room - *size || !hex_decode(view_text(value), bytes + *size, length)) {
        return false;
    }
    *size += length;
    return true;
}

static bool take_node(struct reading *reading, const char *id, const char *address)
{
    struct kit *kit = reading->kit;
    struct kit_node *node = &kit->nodes[kit->node_count];
    if (kit->node_count == KIT_NODES_MAX || !hex_decode(view_text(id), node->id, PKI_ID_SIZE)) {
        return false;
    }
    node->address = view_text(arena_text(reading->arena, view_text(address)));
    kit->node_count++;
    return true;
}

static bool take_end(struct reading *reading, const char *value)
{
    char expected[2 * END_CHECK_SIZE + 1];
    end_check(reading->all, expected);
    reading->is_over = true;
    return strcmp(expected, value) == 0;
}

static bool take_value(
    struct reading *reading, const char *word, const char *value, const char *second)
{
    struct kit *kit = reading->kit;
    if (strcmp(word, "cluster") == 0) {
        return append_hex(value, kit->cluster, sizeof(kit->cluster), &reading->cluster_size);
    }
    if (strcmp(word, "master") == 0) {
        return append_hex(value, kit->master, sizeof(kit->master), &reading->master_size);
    }
    if (strcmp(word, "ca-key") == 0) {
        return append_hex(value, reading->ca_key, DER_MAX, &reading->ca_key_size);
    }
    if (strcmp(word, "ca-cert") == 0) {
        return append_hex(value, reading->ca_cert, DER_MAX, &reading->ca_cert_size);
    }
    return strcmp(word, "node") == 0 && take_node(reading, value, second);
}

static enum hearth_code fail_line(const struct reading *reading, struct hearth_err *err)
{
    return hearth_fail(
        err, HEARTH_INVALID, "recovery kit: line %02u is not as it was printed", reading->number);
}

/* Number, word and value are there; what follows is the check, for a node after its address. */
static enum hearth_code take_line(struct reading *reading, struct view rest, struct hearth_err *err)
{
    char word[16];
    char value[LINE_MAX / 2];
    char second[KIT_ADDRESS_MAX] = "";
    char check[16];
    char expected[2 * CHECK_SIZE + 1];
    struct line line;
    bool good = next_word(&rest, word, sizeof(word)) && next_word(&rest, value, sizeof(value));
    bool is_node = good && strcmp(word, "node") == 0;
    if (!good || (is_node && !next_word(&rest, second, sizeof(second))) ||
        !next_word(&rest, check, sizeof(check))) {
        return fail_line(reading, err);
    }
    snprintf(line.text, sizeof(line.text), "%02u %s %s%s%s", reading->number, word, value,
        is_node ? " " : "", second);
    check_of(&line, expected);
    bool is_end = strcmp(word, "end") == 0;
    if (strcmp(expected, check) != 0 ||
        !(is_end ? take_end(reading, value) : take_value(reading, word, value, second))) {
        return fail_line(reading, err);
    }
    if (!is_end) {
        crypto_hash_update(reading->all, view_text(line.text));
    }
    crypto_wipe(&line, sizeof(line));
    return HEARTH_OK;
}

static enum hearth_code read_lines(
    struct reading *reading, struct view text, struct hearth_err *err)
{
    while (text.size > 0 && !reading->is_over) {
        const uint8_t *end = memchr(text.bytes, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.bytes) + 1;
        struct view line = view_of(text.bytes, size);
        text = view_of(text.bytes + size, text.size - size);
        char first[8];
        if (!next_word(&line, first, sizeof(first)) || !isdigit((unsigned char)first[0])) {
            continue;
        }
        if (strtoul(first, NULL, 10) != reading->number + 1u || reading->number == LINES_MAX) {
            return hearth_fail(err, HEARTH_INVALID, "recovery kit: line %02u is missing before %s",
                reading->number + 1, first);
        }
        reading->number++;
        if (take_line(reading, line, err) != HEARTH_OK) {
            return err->code;
        }
    }
    return HEARTH_OK;
}

static enum hearth_code check_whole(struct reading *reading, struct hearth_err *err)
{
    struct kit *kit = reading->kit;
    if (!reading->is_over || reading->cluster_size != sizeof(kit->cluster) ||
        reading->master_size != sizeof(kit->master) || reading->ca_key_size == 0 ||
        reading->ca_cert_size == 0) {
        return hearth_fail(
            err, HEARTH_INVALID, "recovery kit: it ends after line %02u", reading->number);
    }
    kit->ca_key_pem =
        der_to_pem(view_of(reading->ca_key, reading->ca_key_size), "PRIVATE KEY", reading->arena);
    kit->ca_pem =
        der_to_pem(view_of(reading->ca_cert, reading->ca_cert_size), "CERTIFICATE", reading->arena);
    return HEARTH_OK;
}

static enum hearth_code check_title(struct view text, struct hearth_err *err)
{
    static const char any_version[] = "HEARTH RECOVERY KIT ";
    const uint8_t *found = memmem(text.bytes, text.size, any_version, sizeof(any_version) - 1);
    if (found == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "this is not a recovery kit");
    }
    size_t left = text.size - (size_t)(found - text.bytes);
    return left >= sizeof(title) && memcmp(found, title, sizeof(title) - 1) == 0 &&
            !isdigit(found[sizeof(title) - 1])
        ? HEARTH_OK
        : hearth_fail(err, HEARTH_UNKNOWN_FORMAT, "recovery kit: of a version not known here");
}

enum hearth_code kit_read(
    struct view text, struct arena *arena, struct kit *out, struct hearth_err *err)
{
    *out = (struct kit){.node_count = 0};
    struct reading *reading = calloc(1, sizeof(*reading));
    if (reading == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "recovery kit");
    }
    reading->arena = arena;
    reading->kit = out;
    reading->all = crypto_hash_create(CRYPTO_SHA256);
    enum hearth_code code = check_title(text, err);
    if (code == HEARTH_OK) {
        code = read_lines(reading, text, err);
    }
    if (code == HEARTH_OK) {
        code = check_whole(reading, err);
    }
    crypto_hash_destroy(reading->all);
    crypto_wipe(reading, sizeof(*reading));
    free(reading);
    if (code != HEARTH_OK) {
        kit_wipe(out);
    }
    return code;
}

void kit_wipe(struct kit *kit)
{
    crypto_wipe(kit->master, sizeof(kit->master));
    crypto_wipe((void *)(uintptr_t)kit->ca_key_pem.bytes, kit->ca_key_pem.size);
    *kit = (struct kit){.node_count = 0};
}
