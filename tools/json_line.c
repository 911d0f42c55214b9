#include "tools/json_line.h"

#include "common/codec.h"
#include "tools/format.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_SIZE = 64 };

json_t *json_line_object(void)
{
    json_t *object = json_object();
    assert(object != NULL);
    return object;
}

json_t *json_line_array(void)
{
    json_t *array = json_array();
    assert(array != NULL);
    return array;
}

void json_line_set(json_t *object, const char *name, json_t *value)
{
    int rc = json_object_set_new(object, name, value);
    assert(rc == 0);
}

void json_line_append(json_t *array, json_t *value)
{
    int rc = json_array_append_new(array, value);
    assert(rc == 0);
}

void json_line_number(json_t *object, const char *name, uint64_t value)
{
    json_line_set(object, name, json_integer((json_int_t)value));
}

void json_line_flag(json_t *object, const char *name, bool value)
{
    json_line_set(object, name, json_boolean(value));
}

static void set_hex(json_t *object, const char *name, struct view value)
{
    char hex_name[NAME_SIZE];
    snprintf(hex_name, sizeof(hex_name), "%s_hex", name);
    char *digits = malloc(2 * value.size + 1);
    assert(digits != NULL);
    hex_encode(value.bytes, value.size, digits);
    json_line_set(object, hex_name, json_string(digits));
    free(digits);
}

void json_line_bytes(json_t *object, const char *name, struct view value)
{
    /* NULL: not UTF-8; or no memory, which the other branch will notice. */
    json_t *text = json_stringn(value.size == 0 ? "" : (const char *)value.bytes, value.size);
    if (text != NULL) {
        json_line_set(object, name, text);
    } else {
        set_hex(object, name, value);
    }
}

void json_line_text(json_t *object, const char *name, const char *value)
{
    json_line_bytes(object, name, view_text(value));
}

void json_line_time(json_t *object, const char *name, uint64_t unix_ms)
{
    char text[FORMAT_TIME_SIZE];
    if (unix_ms == 0) {
        json_line_set(object, name, json_null());
    } else {
        json_line_text(object, name, format_time_utc(unix_ms, text));
    }
}

enum { SHARE_DIGITS = 6 }; /* shares and rates; what has to be exact is an integer */

void json_line_print(json_t *object)
{
    int rc = json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(SHARE_DIGITS));
    putchar('\n');
    (void)rc; /* a full disk is found by the flush at the end of main */
    json_decref(object);
}
