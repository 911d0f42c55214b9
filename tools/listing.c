#include "tools/listing.h"

#include "tools/tree_list.h"

static enum hearth_code walk_page(
    const struct listing *listing, const struct hearth_page *page, struct hearth_err *err)
{
    unsigned object = 0;
    unsigned prefix = 0;
    while (object < page->count || prefix < page->prefix_count) {
        bool object_is_next = prefix == page->prefix_count ||
            (object < page->count &&
                tree_name_compare(page->objects[object].key, page->prefixes[prefix]) < 0);
        enum hearth_code code = object_is_next
            ? listing->on_object(listing->context, &page->objects[object++], err)
            : listing->on_prefix(listing->context, page->prefixes[prefix++], err);
        if (code != HEARTH_OK) {
            return code;
        }
    }
    return HEARTH_OK;
}

enum hearth_code listing_walk(
    const struct errand *errand, const struct listing *listing, struct hearth_err *err)
{
    struct hearth_list_options options = {
        .bucket = listing->bucket,
        .prefix = listing->prefix,
        .delimiter = listing->delimiter,
    };
    struct hearth_page *page = NULL;
    enum hearth_code code = HEARTH_OK;
    do {
        struct hearth_page *next = NULL;
        if (errand_check(errand, err) != HEARTH_OK ||
            hearth_list(errand_hearth(errand), &options, &next, err) != HEARTH_OK) {
            code = err->code;
            break;
        }
        hearth_page_destroy(page); /* its token was needed until now */
        page = next;
        options.token = page->next_token;
        code = walk_page(listing, page, err);
    } while (code == HEARTH_OK && options.token.size > 0);
    hearth_page_destroy(page);
    return code;
}
