/*
 * xml_in.h - a small XML document of a stranger, as a tree; on libxml2.
 *
 *   <Delete><Object><Key>a</Key></Object></Delete>
 *   xml_in_parse --> root; xml_in_child(root, "Object") ...
 *
 * Refused before anything is expanded: a DOCTYPE, entities other than the five that XML has, more
 * than XML_IN_DEPTH_MAX elements in each other, more than `elements_max` of them, anything that is
 * not UTF-8.  Names are without their prefix; namespaces and attributes are ignored.
 *
 * Thread-safety: none; a tree belongs to its call.
 */
#ifndef HEARTH_GATEWAY_XML_IN_H
#define HEARTH_GATEWAY_XML_IN_H

#include "common/arena.h"
#include "gateway/s3_error.h"

enum { XML_IN_DEPTH_MAX = 16 };

struct xml_element {
    const char *name;
    struct view text;                /* of it and nothing below it; a zero follows */
    const struct xml_element *first; /* child */
    const struct xml_element *next;  /* of the same parent */
};

/* MALFORMED_XML, or SLOW_DOWN: out of memory.  The tree lives in the arena. */
enum s3_error xml_in_parse(struct view document, unsigned elements_max, struct arena *arena,
    const struct xml_element **out);

/* The first child of that name; NULL: there is none. */
const struct xml_element *xml_in_child(const struct xml_element *parent, const char *name);

/* The next one of the same name after `element`. */
const struct xml_element *xml_in_next(const struct xml_element *element);

/* The text of the first child of that name; NULL: there is none. */
const char *xml_in_text(const struct xml_element *parent, const char *name);

#endif /* HEARTH_GATEWAY_XML_IN_H */
