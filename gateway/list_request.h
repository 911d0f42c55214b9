/*
 * list_request.h - what the lists of keys, of uploads and of buckets are asked with.
 *
 * Threads: as the call.
 */
#ifndef HEARTH_GATEWAY_LIST_REQUEST_H
#define HEARTH_GATEWAY_LIST_REQUEST_H

#include "gateway/call.h"

struct list_request {
    struct view prefix;
    struct view delimiter;
    unsigned max;        /* as asked for, at most HEARTH_LIST_MAX; may be 0 */
    bool encodes_as_url; /* keys in the answer, for XML cannot hold every one */
};

/* max_name: "max-keys", "max-uploads".  False: the failure was answered. */
bool list_request_read(struct call *call, const char *max_name, struct list_request *out);

/* A parameter's bytes; none: empty. */
struct view list_request_param(const struct call *call, const char *name);

/* A number parameter of at most `most`; absent: that.  False: the failure was answered. */
bool list_request_number(struct call *call, const char *name, unsigned most, unsigned *out);

/* A key, or what begins one, encoded as asked. */
void list_request_write(
    const struct list_request *request, struct xml_out *xml, const char *element, struct view key);

/* "continuation-token", whose bytes are ours and hexadecimal on the wire; absent: empty.  False: it
 * is none, and that was answered. */
bool list_request_token(struct call *call, struct view *out);
void list_request_write_token(
    struct call *call, struct xml_out *xml, const char *element, struct view token);

/* <CommonPrefixes>. */
void list_request_write_prefix(
    const struct list_request *request, struct xml_out *xml, struct view prefix);

/* <Prefix>, <Delimiter>, <EncodingType> and how many at most. */
void list_request_repeat(
    const struct list_request *request, struct xml_out *xml, const char *max_element);

#endif /* HEARTH_GATEWAY_LIST_REQUEST_H */
