/*
 * print_statements - the coordinator's statements as a script for psql: each one prepared, with
 * its named parameters numbered; and list_seek() there compared with ours.
 */
#include "coordinator/meta/meta_list_seek.h"
#include "coordinator/meta/statements.h"

#include "common/codec.h"

#include <ctype.h>
#include <stdio.h>

enum { PARAMETERS_MAX = 64 };

struct parameters {
    struct view names[PARAMETERS_MAX];
    unsigned count;
};

/* From 1; the same name has the same number. */
static unsigned number_of(struct parameters *parameters, struct view name)
{
    for (unsigned i = 0; i < parameters->count; i++) {
        if (view_equal(parameters->names[i], name)) {
            return i + 1;
        }
    }
    parameters->names[parameters->count++] = name;
    return parameters->count;
}

static void print_statement(const char *name, const char *text)
{
    struct parameters parameters = {.count = 0};
    printf("PREPARE s_%s AS ", name);
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != ':') {
            putchar(*at);
            continue;
        }
        size_t size = 0;
        while (isalnum((unsigned char)at[1 + size]) || at[1 + size] == '_') {
            size++;
        }
        printf("$%u", number_of(&parameters, view_of(at + 1, size)));
        at += size;
    }
    printf(";\n");
}

static void print_bytes(struct view bytes)
{
    char text[2 * META_SEEK_SIZE_MAX + 1];
    hex_encode(bytes.bytes, bytes.size, text);
    printf("'\\x%s'::bytea", text);
}

static void print_seek_check(const char *key, const char *prefix, const char *delimiter)
{
    uint8_t bytes[META_SEEK_SIZE_MAX];
    size_t size = meta_list_seek(view_text(key), view_text(prefix), view_text(delimiter), bytes);
    printf("DO $$ BEGIN ASSERT list_seek(");
    print_bytes(view_text(key));
    printf(", ");
    print_bytes(view_text(prefix));
    printf(", ");
    print_bytes(view_text(delimiter));
    if (size == 0) {
        printf(") IS NULL");
    } else {
        printf(") = ");
        print_bytes(view_of(bytes, size));
    }
    printf("; END $$;\n");
}

int main(void)
{
#define X(name, text) print_statement(#name, text);
    STATEMENT_TABLE(X)
#undef X
    print_seek_check("a/b/c", "", "/");
    print_seek_check("a/b/c", "a/", "/");
    print_seek_check("a/b/c", "a/b/", "/");
    print_seek_check("a/b/c", "", "");
    print_seek_check("a--b--c", "a--", "--");
    print_seek_check("a\xff\xff"
                     "b",
        "", "\xff\xff");
    print_seek_check("\xff\xff"
                     "b",
        "", "\xff\xff");
    return 0;
}
