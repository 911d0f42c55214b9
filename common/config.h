/*
 * config.h - configuration files: INI, read once at start, every parameter declared in one table.
 *
 *   table (in code) --> defaults --> file --> environment --> a plain struct of the program
 *        \--> --help and the manual        \--> --check-config
 *
 * What the table does not know is an error, with file and line: a misspelt limit is no limit.
 * Relative paths are taken from the folder of the file, so that a node's folder can be moved.
 *
 * Field types by kind:
 *   CONFIG_TEXT, CONFIG_PATH                        const char *, never NULL, "" when empty
 *   CONFIG_INTEGER, CONFIG_BYTES, CONFIG_DURATION   uint64_t: number, bytes, milliseconds
 *   CONFIG_RATE                                     uint64_t: bytes a second; 0: no limit
 *   CONFIG_CHOICE                                   uint64_t: which of the choices, from 0
 *   CONFIG_BOOL                                     bool
 *   CONFIG_ADDRESSES                                struct config_addresses
 *
 * Thread-safety: none needed; what is loaded never changes.
 */
#ifndef HEARTH_COMMON_CONFIG_H
#define HEARTH_COMMON_CONFIG_H

#include "common/arena.h"
#include "common/err.h"

#include <stdio.h>

enum { CONFIG_ADDRESSES_MAX = 16, CONFIG_HOST_MAX = 253 /* DNS */ };

struct config_address {
    const char *host; /* name or number; IPv6 without its brackets */
    uint16_t port;
};

struct config_addresses {
    unsigned count;
    struct config_address items[CONFIG_ADDRESSES_MAX];
};

enum config_kind {
    CONFIG_TEXT,
    CONFIG_PATH,
    CONFIG_INTEGER,
    CONFIG_BYTES,     /* 512, 64K, 10 MiB, 2T: powers of 1,024 */
    CONFIG_RATE,      /* 800KiB/s, 10 MiB/s, 20Mbit/s, or none */
    CONFIG_DURATION,  /* 200ms, 30 s, 5min, 12h, 7d: the unit must be there */
    CONFIG_BOOL,      /* yes or no */
    CONFIG_CHOICE,    /* one of a few words */
    CONFIG_ADDRESSES, /* host:port, [2001:db8::1]:7400, separated by commas */
};

struct config_param {
    const char *section;
    const char *name;
    enum config_kind kind;
    size_t offset;      /* of the field in the program's struct */
    const char *preset; /* the default, as it would stand in the file; NULL: must be given */
    uint64_t min;       /* numbers in the field's unit; addresses: how many */
    uint64_t max;       /* 0: no limit */
    const char *const *choices; /* of CONFIG_CHOICE, NULL behind the last */
    bool live; /* a process that runs takes a new value when told to read its file again */
    const char *environment; /* a variable that wins over the file; NULL: none */
    const char *help;        /* a sentence or two */
};

struct config_table {
    const struct config_param *params; /* those of a section together */
    unsigned count;
    size_t values_size; /* of the program's struct */
};

/*
 * Fills `values` (table->values_size bytes).  Texts live in the arena.
 * HEARTH_NOT_FOUND: no such file.  HEARTH_INVALID: "hearth.conf:12: unknown parameter ...".
 * On failure `values` is undefined.
 */
enum hearth_code config_load(const struct config_table *table, const char *path,
    struct arena *arena, void *values, struct hearth_err *err);

/* Every parameter at its default; those that must be given stay zero. */
void config_defaults(const struct config_table *table, struct arena *arena, void *values);

/* Calls found() for each parameter whose value is not the same; texts are borrowed for the call. */
void config_compare(const struct config_table *table, const void *before, const void *after,
    void (*found)(
        void *context, const struct config_param *param, const char *before, const char *after),
    void *context);

/* For --help and the manual. */
void config_print_help(const struct config_table *table, FILE *out);

enum config_which {
    CONFIG_ALL,
    CONFIG_CHANGED, /* only what differs from its default: a file for people to edit */
};

/* As a file that loads to the same values. */
void config_print(
    const struct config_table *table, const void *values, enum config_which which, FILE *out);

/* The same words on a command line. Errors quote the text and say what is expected. */
enum hearth_code config_parse_bytes(const char *text, uint64_t *out, struct hearth_err *err);
enum hearth_code config_parse_duration(const char *text, uint64_t *out_ms, struct hearth_err *err);
/* Of a line, a second: by thousands, as they are sold. */
enum hearth_code config_parse_bits(const char *text, uint64_t *out, struct hearth_err *err);
/* "host:port" again, with brackets where IPv6 needs them. */
enum { CONFIG_ADDRESS_TEXT_SIZE = CONFIG_HOST_MAX + sizeof("[]:65535") };
void config_format_address(
    const struct config_address *address, char text[CONFIG_ADDRESS_TEXT_SIZE]);

/* The host lives in the arena. */
enum hearth_code config_parse_address(
    const char *text, struct arena *arena, struct config_address *out, struct hearth_err *err);

#endif /* HEARTH_COMMON_CONFIG_H */
