#include "tools/filter.h"

enum { NOT_UTF8 = 0x110000 }; /* added to a byte that stands for itself */

/* ---- characters ---- */

/* The character at the front, and how many bytes it has. */
static uint32_t take_character(struct view text, size_t *width)
{
    uint8_t first = text.bytes[0];
    size_t length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (length == 1 || length == 0 || first > 0xF4 || length > text.size) {
        *width = 1;
        return first < 0x80 ? first : NOT_UTF8 + first;
    }
    uint32_t value = first & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((text.bytes[i] & 0xC0) != 0x80) {
            *width = 1;
            return NOT_UTF8 + first;
        }
        value = value << 6 | (text.bytes[i] & 0x3Fu);
    }
    *width = length;
    return value;
}

static struct view skip(struct view text, size_t size)
{
    return view_of(text.bytes + size, text.size - size);
}

/* One character of a pattern; a backslash before it is taken away. */
static uint32_t take_literal(struct view *pattern)
{
    if (pattern->bytes[0] == '\\' && pattern->size > 1) {
        *pattern = skip(*pattern, 1);
    }
    size_t width;
    uint32_t character = take_character(*pattern, &width);
    *pattern = skip(*pattern, width);
    return character;
}

/* ---- one element of a pattern ---- */

/* "[...]" at the front: whether it has the character; *pattern is what follows it.  A "]" that
 * comes first is one of the set. */
static bool match_set(struct view *pattern, uint32_t character)
{
    struct view rest = skip(*pattern, 1);
    bool negated = rest.size > 0 && (rest.bytes[0] == '!' || rest.bytes[0] == '^');
    bool found = false;
    rest = negated ? skip(rest, 1) : rest;
    for (bool first = true; rest.size > 0 && (first || rest.bytes[0] != ']'); first = false) {
        uint32_t low = take_literal(&rest);
        uint32_t high = low;
        if (rest.size > 1 && rest.bytes[0] == '-' && rest.bytes[1] != ']') {
            rest = skip(rest, 1);
            high = take_literal(&rest);
        }
        found = found || (low <= character && character <= high);
    }
    *pattern = rest.size > 0 ? skip(rest, 1) : rest;
    return found != negated;
}

/* Anything but a star. */
static bool match_one(struct view *pattern, uint32_t character)
{
    if (pattern->size == 0) {
        return false;
    }
    if (pattern->bytes[0] == '?') {
        *pattern = skip(*pattern, 1);
        return true;
    }
    return pattern->bytes[0] == '[' ? match_set(pattern, character)
                                    : take_literal(pattern) == character;
}

static bool begins_with_star(struct view pattern)
{
    return pattern.size > 0 && pattern.bytes[0] == '*';
}

/* The last star takes one character more whenever what follows it does not fit: no earlier star
 * can do better, so nothing before it is ever tried again. */
static bool match(struct view pattern, struct view name)
{
    bool has_star = false;
    struct view after_star = pattern;
    struct view from_star = name;
    while (name.size > 0) {
        size_t width;
        if (begins_with_star(pattern)) {
            has_star = true;
            after_star = pattern = skip(pattern, 1);
            from_star = name;
        } else if (match_one(&pattern, take_character(name, &width))) {
            name = skip(name, width);
        } else if (has_star) {
            take_character(from_star, &width);
            from_star = name = skip(from_star, width);
            pattern = after_star;
        } else {
            return false;
        }
    }
    while (begins_with_star(pattern)) {
        pattern = skip(pattern, 1);
    }
    return pattern.size == 0;
}

/* ---- rules ---- */

/* What follows the set that begins here; NULL: it does not end. */
static const char *end_of_set(const char *set)
{
    const char *at = set + (set[1] == '!' || set[1] == '^' ? 2 : 1);
    for (bool first = true; *at != ']' || first; first = false) {
        at += *at == '\\' && at[1] != '\0';
        if (*at++ == '\0') {
            return NULL;
        }
    }
    return at + 1;
}

/* NULL: nothing. */
static const char *what_is_wrong(const char *pattern)
{
    while (pattern != NULL && *pattern != '\0') {
        if (*pattern == '[') {
            pattern = end_of_set(pattern);
        } else if (*pattern == '\\' && pattern[1] == '\0') {
            return "nothing follows the backslash";
        } else {
            pattern += *pattern == '\\' ? 2 : 1;
        }
    }
    return pattern == NULL ? "the [ is not closed" : NULL;
}

enum program_exit filter_check(const struct program_list *rules, struct hearth_err *err)
{
    for (unsigned i = 0; i < rules->count; i++) {
        const char *fault = what_is_wrong(rules->items[i].value);
        if (fault != NULL) {
            return program_usage(
                err, "--%s %s: %s", rules->items[i].name, rules->items[i].value, fault);
        }
    }
    return PROGRAM_DONE;
}

bool filter_includes(const struct program_list *rules, struct view name)
{
    for (unsigned i = rules->count; i > 0; i--) {
        if (match(view_text(rules->items[i - 1].value), name)) {
            return strcmp(rules->items[i - 1].name, "include") == 0;
        }
    }
    return true;
}
