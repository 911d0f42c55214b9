/*
 * xml_out.h - an XML document, written from its beginning to its end, with everything escaped.
 *
 *   xml_out_init --> open, text, ..., close --> xml_out_finish
 *
 *   <ListBucketResult xmlns="..."><Name>photos</Name>...</ListBucketResult>
 *
 * Content is bytes of anybody.  What is not UTF-8, or a character that XML 1.0 cannot hold, is
 * written as U+FFFD: who needs the very bytes of a key asks for encoding-type=url, which is
 * xml_out_url().
 *
 * Thread-safety: none; a document belongs to one call.
 */
#ifndef HEARTH_GATEWAY_XML_OUT_H
#define HEARTH_GATEWAY_XML_OUT_H

#include "common/arena.h"

#define XML_S3_NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"

enum { XML_OUT_DEPTH_MAX = 16 };

struct xml_out {
    struct arena *arena;
    char *bytes;
    size_t size;
    size_t capacity;
    unsigned depth;
    const char *open[XML_OUT_DEPTH_MAX];
    bool failed; /* out of memory; the rest is ignored */
};

/* With the declaration. */
void xml_out_init(struct xml_out *xml, struct arena *arena);

/* Element names are static text of ours. */
void xml_out_open(struct xml_out *xml, const char *element);
void xml_out_open_namespace(struct xml_out *xml, const char *element, const char *namespace);
void xml_out_close(struct xml_out *xml, const char *element); /* the one opened last */

/* Text of the element that is open. */
void xml_out_content(struct xml_out *xml, struct view content);

/* A whole element. */
void xml_out_view(struct xml_out *xml, const char *element, struct view content);
void xml_out_text(struct xml_out *xml, const char *element, const char *content);
void xml_out_number(struct xml_out *xml, const char *element, uint64_t content);
void xml_out_bool(struct xml_out *xml, const char *element, bool content);
/* "2026-11-28T12:00:00.000Z" */
void xml_out_time(struct xml_out *xml, const char *element, uint64_t unix_ms);
/* Percent-encoded, "/" as it is. */
void xml_out_url(struct xml_out *xml, const char *element, struct view content);

/* An element with an attribute, for <Grantee xsi:type="CanonicalUser">; both are ours. */
void xml_out_open_attributes(struct xml_out *xml, const char *element, const char *attributes);

/* Everything is closed.  Bytes NULL: it ran out of memory. */
struct view xml_out_finish(struct xml_out *xml);

#endif /* HEARTH_GATEWAY_XML_OUT_H */
