#include "common/config.h"

#include "common/config_value.h"

#include <assert.h>
#include <errno.h>
#include <ini.h>
#include <stdlib.h>

enum {
    CONFIG_PARAMS_MAX = 128,
    CONFIG_LINE_MAX = 4096, /* of a file; longer lines are refused, not cut */
};

struct load {
    const struct config_table *table;
    const char *path;
    const char *folder; /* of the file, with its slash; "" when it has none */
    struct arena *arena;
    uint8_t *values;
    FILE *file;
    int line; /* that inih is at */
    bool given[CONFIG_PARAMS_MAX];
    struct hearth_err *err;
    int failed_line; /* 0: nothing wrong yet */
};

static const struct config_param *find_param(
    const struct config_table *table, const char *section, const char *name)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct config_param *param = &table->params[i];
        if (strcmp(param->section, section) == 0 && strcmp(param->name, name) == 0) {
            return param;
        }
    }
    return NULL;
}

static enum hearth_code set_from_file(
    struct load *load, const char *section, const char *name, const char *value)
{
    struct hearth_err *err = load->err;
    const struct config_param *param = find_param(load->table, section, name);
    if (param == NULL) {
        return hearth_fail(err, HEARTH_INVALID, "unknown parameter %s in [%s]", name, section);
    }
    bool *given = &load->given[param - load->table->params];
    if (*given) {
        return hearth_fail(err, HEARTH_INVALID, "%s is given twice", name);
    }
    *given = true;
    if (config_value_parse(param, value, load->folder, load->arena, load->values + param->offset,
            err) != HEARTH_OK) {
        return hearth_err_prefix(err, "%s", name);
    }
    return HEARTH_OK;
}

/* inih calls this for each name = value; 0 tells it that something is wrong. */
static int take_line(void *context, const char *section, const char *name, const char *value)
{
    struct load *load = context;
    if (load->failed_line != 0) {
        return 0;
    }
    if (set_from_file(load, section, name, value) != HEARTH_OK) {
        load->failed_line = load->line;
        return 0;
    }
    return 1;
}

/* inih reads through this, so that we know the line it is at. After a failure nothing is read. */
static char *read_line(char *text, int size, void *context)
{
    struct load *load = context;
    if (load->failed_line != 0 || fgets(text, size, load->file) == NULL) {
        return NULL;
    }
    load->line++;
    if (strchr(text, '\n') == NULL && !feof(load->file)) {
        load->failed_line = load->line;
        hearth_fail(load->err, HEARTH_INVALID, "line is longer than %d characters", size - 2);
        return NULL;
    }
    return text;
}

static enum hearth_code read_file(struct load *load)
{
    ini_allow_multiline = false; /* an indented line is a line, not more of the one above */
    ini_use_stack = false;
    ini_initial_alloc = CONFIG_LINE_MAX;
    ini_max_line = CONFIG_LINE_MAX;
    int bad_line = ini_parse_stream(read_line, load, take_line, load);
    if (bad_line < 0) {
        return hearth_fail(load->err, HEARTH_NO_MEMORY, "read %s", load->path);
    }
    if (bad_line > 0 && (load->failed_line == 0 || bad_line < load->failed_line)) {
        return hearth_fail(load->err, HEARTH_INVALID,
            "%s:%d: neither [section] nor name = value nor a comment", load->path, bad_line);
    }
    if (load->failed_line != 0) {
        return hearth_err_prefix(load->err, "%s:%d", load->path, load->failed_line);
    }
    return ferror(load->file) ? hearth_fail(load->err, HEARTH_IO, "read %s", load->path)
                              : HEARTH_OK;
}

static enum hearth_code apply_environment(struct load *load)
{
    for (unsigned i = 0; i < load->table->count; i++) {
        const struct config_param *param = &load->table->params[i];
        const char *text = param->environment == NULL ? NULL : getenv(param->environment);
        if (text == NULL) {
            continue;
        }
        if (config_value_parse(param, text, NULL, load->arena, load->values + param->offset,
                load->err) != HEARTH_OK) {
            return hearth_err_prefix(load->err, "environment variable %s", param->environment);
        }
        load->given[i] = true;
    }
    return HEARTH_OK;
}

static enum hearth_code check_complete(struct load *load)
{
    for (unsigned i = 0; i < load->table->count; i++) {
        const struct config_param *param = &load->table->params[i];
        if (param->preset == NULL && !load->given[i]) {
            return hearth_fail(load->err, HEARTH_INVALID, "%s: %s is missing in [%s]", load->path,
                param->name, param->section);
        }
    }
    return HEARTH_OK;
}

static void set_default(
    const struct config_param *param, const char *folder, struct arena *arena, uint8_t *values)
{
    struct hearth_err err;
    enum hearth_code code =
        config_value_parse(param, param->preset, folder, arena, values + param->offset, &err);
    assert(code == HEARTH_OK);
}

static void set_defaults(
    const struct config_table *table, const char *folder, struct arena *arena, void *values)
{
    memset(values, 0, table->values_size);
    for (unsigned i = 0; i < table->count; i++) {
        if (table->params[i].preset != NULL) {
            set_default(&table->params[i], folder, arena, values);
        }
    }
}

void config_defaults(const struct config_table *table, struct arena *arena, void *values)
{
    set_defaults(table, NULL, arena, values);
}

/* "a/b.conf" -> "a/"; "b.conf" -> "". NULL: out of memory. */
static const char *folder_of(const char *path, struct arena *arena)
{
    const char *slash = strrchr(path, '/');
    return arena_text(arena, view_of(path, slash == NULL ? 0 : (size_t)(slash - path) + 1));
}

static enum hearth_code load_all(struct load *load)
{
    set_defaults(load->table, load->folder, load->arena, load->values);
    if (read_file(load) != HEARTH_OK || apply_environment(load) != HEARTH_OK) {
        return load->err->code;
    }
    return check_complete(load);
}

enum hearth_code config_load(const struct config_table *table, const char *path,
    struct arena *arena, void *values, struct hearth_err *err)
{
    assert(table->count <= CONFIG_PARAMS_MAX);
    struct load load = {
        .table = table,
        .path = path,
        .folder = folder_of(path, arena),
        .arena = arena,
        .values = values,
        .err = err,
    };
    if (load.folder == NULL) {
        return hearth_fail(err, HEARTH_NO_MEMORY, "read %s", path);
    }
    load.file = fopen(path, "re");
    if (load.file == NULL) {
        enum hearth_code code = errno == ENOENT ? HEARTH_NOT_FOUND : HEARTH_IO;
        return hearth_fail_sys(err, code, errno, "open configuration %s", path);
    }
    enum hearth_code code = load_all(&load);
    fclose(load.file);
    return code;
}

static bool opens_section(const struct config_table *table, unsigned i)
{
    return i == 0 || strcmp(table->params[i].section, table->params[i - 1].section) != 0;
}

void config_print_help(const struct config_table *table, FILE *out)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct config_param *param = &table->params[i];
        if (opens_section(table, i)) {
            fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n", param->section);
        }
        fprintf(out, "  %s = ", param->name);
        config_value_print_form(param, out);
        if (param->preset == NULL) {
            fputs("  (must be given)", out);
        } else if (param->preset[0] != '\0') {
            fprintf(out, "  (default %s)", param->preset);
        }
        fprintf(out, "\n      %s\n", param->help);
        if (param->live) {
            fputs("      Read again on SIGHUP.\n", out);
        }
        if (param->environment != NULL) {
            fprintf(out, "      The environment variable %s wins.\n", param->environment);
        }
    }
}

static void value_text(
    const struct config_param *param, const void *field, char text[CONFIG_LINE_MAX])
{
    FILE *memory = fmemopen(text, CONFIG_LINE_MAX, "w");
    assert(memory != NULL);
    config_value_print(param, field, memory);
    fclose(memory);
}

/* Compared as text: two ways of writing one value print alike. */
static bool is_default(const struct config_param *param, const void *field)
{
    if (param->preset == NULL) {
        return false;
    }
    struct arena arena;
    arena_init(&arena, 0);
    union {
        const char *text;
        uint64_t number;
        struct config_addresses addresses;
    } preset = {0};
    struct config_param alone = *param;
    alone.offset = 0;
    set_default(&alone, NULL, &arena, (uint8_t *)&preset);
    char texts[2][CONFIG_LINE_MAX] = {{0}};
    value_text(param, &preset, texts[0]);
    value_text(param, field, texts[1]);
    arena_fini(&arena);
    return strcmp(texts[0], texts[1]) == 0;
}

void config_compare(const struct config_table *table, const void *before, const void *after,
    void (*found)(
        void *context, const struct config_param *param, const char *before, const char *after),
    void *context)
{
    for (unsigned i = 0; i < table->count; i++) {
        const struct config_param *param = &table->params[i];
        char texts[2][CONFIG_LINE_MAX] = {{0}};
        value_text(param, (const uint8_t *)before + param->offset, texts[0]);
        value_text(param, (const uint8_t *)after + param->offset, texts[1]);
        if (strcmp(texts[0], texts[1]) != 0) {
            found(context, param, texts[0], texts[1]);
        }
    }
}

void config_print(
    const struct config_table *table, const void *values, enum config_which which, FILE *out)
{
    const char *section = NULL;
    for (unsigned i = 0; i < table->count; i++) {
        const struct config_param *param = &table->params[i];
        const uint8_t *field = (const uint8_t *)values + param->offset;
        if (which == CONFIG_CHANGED && is_default(param, field)) {
            continue;
        }
        if (section == NULL || strcmp(section, param->section) != 0) {
            fprintf(out, "%s[%s]\n", section == NULL ? "" : "\n", param->section);
            section = param->section;
        }
        fprintf(out, "%s = ", param->name);
        config_value_print(param, field, out);
        fputc('\n', out);
    }
}
