/*
 * view.h - a borrowed run of bytes: where it starts and how many.  Text is a view too, with no
 * terminating zero.  Whoever hands one out says how long it stays valid.
 */
#ifndef HEARTH_COMMON_VIEW_H
#define HEARTH_COMMON_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
    const uint8_t *bytes;
    size_t size;
};

static inline struct view view_of(const void *bytes, size_t size)
{
    return (struct view){.bytes = bytes, .size = size};
}

static inline struct view view_text(const char *text)
{
    return view_of(text, strlen(text));
}

static inline bool view_equal(struct view a, struct view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

/* For printf: "%.*s", VIEW_ARGS(view). */
#define VIEW_ARGS(view) (int)(view).size, (const char *)(view).bytes

#endif /* HEARTH_COMMON_VIEW_H */
