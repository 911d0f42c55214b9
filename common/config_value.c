#include "common/config_value.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Largest first, so that printing finds the shortest exact form. */
static const struct unit byte_units[] = {
    {"T", UINT64_C(1) << 40},
    {"G", UINT64_C(1) << 30},
    {"M", UINT64_C(1) << 20},
    {"K", UINT64_C(1) << 10},
    {"", 1},
    {"TiB", UINT64_C(1) << 40},
    {"GiB", UINT64_C(1) << 30},
    {"MiB", UINT64_C(1) << 20},
    {"KiB", UINT64_C(1) << 10},
    {NULL, 0},
};

static const struct unit rate_units[] = {
    {"GiB/s", UINT64_C(1) << 30},
    {"MiB/s", UINT64_C(1) << 20},
    {"KiB/s", UINT64_C(1) << 10},
    {"B/s", 1},
    {"Gbit/s", 125000000}, /* as lines are sold */
    {"Mbit/s", 125000},
    {"kbit/s", 125},
    {NULL, 0},
};

static const struct unit bit_units[] = {
    {"Gbit/s", 1000000000},
    {"Mbit/s", 1000000},
    {"kbit/s", 1000},
    {"G", 1000000000},
    {"M", 1000000},
    {"K", 1000},
    {"", 1},
    {NULL, 0},
};

static const struct unit duration_units[] = {
    {"d", 86400000},
    {"h", 3600000},
    {"min", 60000},
    {"s", 1000},
    {"ms", 1},
    {NULL, 0},
};

/* Digits, then perhaps blanks; false: none, or beyond 64 bits. *rest is what follows. */
static bool parse_digits(const char *text, uint64_t *out, const char **rest)
{
    uint64_t value = 0;
    const char *at = text;
    for (; isdigit((unsigned char)*at); at++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*at - '0'), &value)) {
            return false;
        }
    }
    if (at == text) {
        return false;
    }
    while (*at == ' ') {
        at++;
    }
    *out = value;
    *rest = at;
    return true;
}

static enum hearth_code parse_scaled(const char *text, const struct unit *units,
    const char *expected, uint64_t *out, struct hearth_err *err)
{
    uint64_t number;
    const char *rest;
    if (!parse_digits(text, &number, &rest)) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": bad number, expected %s", text, expected);
    }
    while (units->name != NULL && strcmp(units->name, rest) != 0) {
        units++;
    }
    if (units->name == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": bad unit, expected %s", text, expected);
    }
    if (__builtin_mul_overflow(number, units->factor, out)) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": too large", text);
    }
    return HEARTH_OK;
}

static enum hearth_code parse_integer(const char *text, uint64_t *out, struct hearth_err *err)
{
    static const struct unit none[] = {{"", 1}, {NULL, 0}};
    return parse_scaled(text, none, "digits alone", out, err);
}

enum hearth_code config_parse_bytes(const char *text, uint64_t *out, struct hearth_err *err)
{
    return parse_scaled(text, byte_units, "a size like 512, 64K, 10M, 20G or 1T", out, err);
}

enum hearth_code config_parse_duration(const char *text, uint64_t *out_ms, struct hearth_err *err)
{
    return parse_scaled(
        text, duration_units, "a duration like 200ms, 30s, 5min, 12h or 7d", out_ms, err);
}

enum hearth_code config_parse_bits(const char *text, uint64_t *out, struct hearth_err *err)
{
    return parse_scaled(text, bit_units, "bits a second like 800K, 40M, 1G or 40Mbit/s", out, err);
}

static enum hearth_code parse_rate(const char *text, uint64_t *out, struct hearth_err *err)
{
    if (strcmp(text, "none") == 0 || strcmp(text, "0") == 0) {
        *out = 0;
        return HEARTH_OK;
    }
    return parse_scaled(
        text, rate_units, "a rate like 800KiB/s, 10MiB/s, 20Mbit/s, or none", out, err);
}

static enum hearth_code parse_bool(const char *text, bool *out, struct hearth_err *err)
{
    bool yes = strcmp(text, "yes") == 0;
    if (!yes && strcmp(text, "no") != 0) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": expected yes or no", text);
    }
    *out = yes;
    return HEARTH_OK;
}

/*
 * What a file can hold as a value: a comment begins with ';' there, and blanks at the ends are none
 * of the value's.  What does not stand in a file is held to it too, because it may be printed as
 * one.
 */
static bool fits_in_file(const char *text)
{
    char before = ' ';
    for (const char *at = text; *at != '\0'; before = *at++) {
        if (iscntrl((unsigned char)*at) || (*at == ';' && before == ' ')) {
            return false;
        }
    }
    return text[0] == '\0' || (text[0] != ' ' && before != ' ');
}

/* The host's part of the text: without the brackets that IPv6 needs. Empty: there is none. */
static struct view host_part(const char *text, const char *colon)
{
    struct view host = view_of(text, (size_t)(colon - text));
    if (host.size >= 2 && text[0] == '[' && colon[-1] == ']') {
        return view_of(text + 1, host.size - 2);
    }
    return memchr(text, ':', host.size) == NULL ? host : view_of(text, 0);
}

enum hearth_code config_parse_address(
    const char *text, struct arena *arena, struct config_address *out, struct hearth_err *err)
{
    const char *colon = strrchr(text, ':');
    struct view host = colon == NULL ? view_of(text, 0) : host_part(text, colon);
    uint64_t port = 0;
    const char *rest = "";
    if (host.size == 0 || host.size > CONFIG_HOST_MAX || !parse_digits(colon + 1, &port, &rest) ||
        *rest != '\0' || port > UINT16_MAX) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": expected HOST:PORT", text);
    }
    const char *copy = arena_text(arena, host);
    if (copy == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "\"%s\"", text);
    }
    if (!fits_in_file(copy)) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": not the name of a host", text);
    }
    *out = (struct config_address){.host = copy, .port = (uint16_t)port};
    return HEARTH_OK;
}

static enum hearth_code parse_addresses(
    const char *text, struct arena *arena, struct config_addresses *out, struct hearth_err *err)
{
    char *rest = arena_text(arena, view_text(text));
    if (rest == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "\"%s\"", text);
    }
    out->count = 0;
    char *state = NULL;
    for (char *item = strtok_r(rest, ", ", &state); item != NULL;
         item = strtok_r(NULL, ", ", &state)) {
        if (out->count == CONFIG_ADDRESSES_MAX) {
            return hearth_fail(err, HEARTH_INVALID, "more than %d addresses", CONFIG_ADDRESSES_MAX);
        }
        if (config_parse_address(item, arena, &out->items[out->count], err) != HEARTH_OK) {
            return err->code;
        }
        out->count++;
    }
    return HEARTH_OK;
}

static enum hearth_code parse_text(struct view prefix, const char *text, struct arena *arena,
    const char **out, struct hearth_err *err)
{
    size_t length = strlen(text);
    char *copy = arena_take(arena, prefix.size + length + 1);
    if (copy == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "\"%s\"", text);
    }
    if (prefix.size > 0) {
        memcpy(copy, prefix.bytes, prefix.size);
    }
    memcpy(copy + prefix.size, text, length);
    if (!fits_in_file(copy)) {
        return hearth_fail(err, HEARTH_INVALID,
            "\"%s\": a control character, a blank at an end, or ; behind a blank", copy);
    }
    *out = copy;
    return HEARTH_OK;
}

static enum hearth_code parse_path(const char *text, const char *folder, struct arena *arena,
    const char **out, struct hearth_err *err)
{
    bool relative = text[0] != '\0' && text[0] != '/';
    struct view prefix = relative && folder != NULL ? view_text(folder) : view_of("", 0);
    return parse_text(prefix, text, arena, out, err);
}

/* "auto|uring|threads" */
static void print_choices(const char *const *choices, FILE *out)
{
    for (unsigned i = 0; choices[i] != NULL; i++) {
        fprintf(out, "%s%s", i == 0 ? "" : "|", choices[i]);
    }
}

static enum hearth_code parse_choice(
    const char *text, const char *const *choices, uint64_t *out, struct hearth_err *err)
{
    for (uint64_t i = 0; choices[i] != NULL; i++) {
        if (strcmp(text, choices[i]) == 0) {
            *out = i;
            return HEARTH_OK;
        }
    }
    char expected[128] = "";
    FILE *memory = fmemopen(expected, sizeof(expected), "w");
    assert(memory != NULL);
    print_choices(choices, memory);
    fclose(memory);
    return hearth_fail(err, HEARTH_INVALID, "\"%s\": expected %s", text, expected);
}

static enum hearth_code parse_kind(const struct config_param *param, const char *text,
    const char *folder, struct arena *arena, void *field, struct hearth_err *err)
{
    switch (param->kind) {
    case CONFIG_TEXT: return parse_text(view_of("", 0), text, arena, field, err);
    case CONFIG_PATH: return parse_path(text, folder, arena, field, err);
    case CONFIG_INTEGER: return parse_integer(text, field, err);
    case CONFIG_BYTES: return config_parse_bytes(text, field, err);
    case CONFIG_RATE: return parse_rate(text, field, err);
    case CONFIG_DURATION: return config_parse_duration(text, field, err);
    case CONFIG_BOOL: return parse_bool(text, field, err);
    case CONFIG_CHOICE: return parse_choice(text, param->choices, field, err);
    case CONFIG_ADDRESSES: return parse_addresses(text, arena, field, err);
    }
    abort();
}

/* What the limits of a parameter are about: its number, or how many there are. */
static uint64_t measured(enum config_kind kind, const void *field)
{
    switch (kind) {
    case CONFIG_INTEGER:
    case CONFIG_BYTES:
    case CONFIG_RATE:
    case CONFIG_DURATION: return *(const uint64_t *)field;
    case CONFIG_ADDRESSES: return ((const struct config_addresses *)field)->count;
    case CONFIG_TEXT:
    case CONFIG_PATH: return strlen(*(const char *const *)field);
    case CONFIG_BOOL:
    case CONFIG_CHOICE: return 0;
    }
    abort();
}

static enum hearth_code fail_range(
    const struct config_param *param, const char *text, struct hearth_err *err)
{
    if (param->max == 0) {
        return hearth_fail(err, HEARTH_INVALID, "\"%s\": out of range, at least %" PRIu64 "%s",
            text, param->min, param->kind == CONFIG_DURATION ? " ms" : "");
    }
    return hearth_fail(err, HEARTH_INVALID, "\"%s\": out of range, %" PRIu64 " to %" PRIu64 "%s",
        text, param->min, param->max, param->kind == CONFIG_DURATION ? " ms" : "");
}

enum hearth_code config_value_parse(const struct config_param *param, const char *text,
    const char *folder, struct arena *arena, void *field, struct hearth_err *err)
{
    if (parse_kind(param, text, folder, arena, field, err) != HEARTH_OK) {
        return err->code;
    }
    uint64_t value = measured(param->kind, field);
    if (value < param->min || (param->max != 0 && value > param->max)) {
        return fail_range(param, text, err);
    }
    return HEARTH_OK;
}

static void print_scaled(uint64_t value, const struct unit *units, FILE *out)
{
    while (value % units->factor != 0 || (value == 0 && units->factor != 1)) {
        units++;
    }
    fprintf(out, "%" PRIu64 "%s", value / units->factor, units->name);
}

static void print_rate(uint64_t rate, FILE *out)
{
    if (rate == 0) {
        fputs("none", out);
    } else {
        print_scaled(rate, rate_units, out);
    }
}

void config_format_address(
    const struct config_address *address, char text[CONFIG_ADDRESS_TEXT_SIZE])
{
    const char *form = strchr(address->host, ':') == NULL ? "%s:%u" : "[%s]:%u";
    snprintf(text, CONFIG_ADDRESS_TEXT_SIZE, form, address->host, (unsigned)address->port);
}

static void print_addresses(const struct config_addresses *addresses, FILE *out)
{
    for (unsigned i = 0; i < addresses->count; i++) {
        char text[CONFIG_ADDRESS_TEXT_SIZE];
        config_format_address(&addresses->items[i], text);
        fprintf(out, "%s%s", i == 0 ? "" : ", ", text);
    }
}

void config_value_print(const struct config_param *param, const void *field, FILE *out)
{
    switch (param->kind) {
    case CONFIG_TEXT:
    case CONFIG_PATH: fputs(*(const char *const *)field, out); break;
    case CONFIG_INTEGER: fprintf(out, "%" PRIu64, *(const uint64_t *)field); break;
    case CONFIG_BYTES: print_scaled(*(const uint64_t *)field, byte_units, out); break;
    case CONFIG_RATE: print_rate(*(const uint64_t *)field, out); break;
    case CONFIG_DURATION: print_scaled(*(const uint64_t *)field, duration_units, out); break;
    case CONFIG_BOOL: fputs(*(const bool *)field ? "yes" : "no", out); break;
    case CONFIG_CHOICE: fputs(param->choices[*(const uint64_t *)field], out); break;
    case CONFIG_ADDRESSES: print_addresses(field, out); break;
    }
}

void config_value_print_form(const struct config_param *param, FILE *out)
{
    static const char *const words[] = {
        [CONFIG_TEXT] = "TEXT",
        [CONFIG_PATH] = "PATH",
        [CONFIG_INTEGER] = "NUMBER",
        [CONFIG_BYTES] = "SIZE",
        [CONFIG_RATE] = "RATE",
        [CONFIG_DURATION] = "DURATION",
        [CONFIG_BOOL] = "yes|no",
        [CONFIG_ADDRESSES] = "HOST:PORT,...",
    };
    if (param->kind == CONFIG_CHOICE) {
        print_choices(param->choices, out);
    } else {
        fputs(words[param->kind], out);
    }
}
