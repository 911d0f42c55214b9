/*
 * owner.h - whose buckets and objects these are, as S3 says it: the account's name is both the id
 * and the name that is shown.
 */
#ifndef HEARTH_GATEWAY_OWNER_H
#define HEARTH_GATEWAY_OWNER_H

#include "gateway/call.h"

/* <Owner> or <Initiator>. */
void owner_write(const struct call *call, struct xml_out *xml, const char *element);

/* As AWS calls it. */
#define OWNER_EVERYBODY_URI "http://acs.amazonaws.com/groups/global/AllUsers"

/* <Grant>: to the owner, full control; to everybody, to read. */
void owner_write_grant(const struct call *call, struct xml_out *xml);
void owner_write_grant_of_everybody(struct xml_out *xml);

#endif /* HEARTH_GATEWAY_OWNER_H */
