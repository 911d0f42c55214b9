/*
 * listing.h - all keys under a prefix, page after page.
 */
#ifndef HEARTH_TOOLS_LISTING_H
#define HEARTH_TOOLS_LISTING_H

#include "tools/errand.h"

struct listing {
    const char *bucket;
    struct view prefix;
    struct view delimiter; /* empty: every key by itself */
    /* Anything but HEARTH_OK ends the listing with it.  Borrowed for the call. */
    enum hearth_code (*on_object)(
        void *context, const struct hearth_object *object, struct hearth_err *err);
    /* Only with a delimiter. */
    enum hearth_code (*on_prefix)(void *context, struct view prefix, struct hearth_err *err);
    void *context;
};

/* Objects and prefixes come in the one byte order of their names. */
enum hearth_code listing_walk(
    const struct errand *errand, const struct listing *listing, struct hearth_err *err);

#endif /* HEARTH_TOOLS_LISTING_H */
