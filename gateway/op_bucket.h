/*
 * op_bucket.h - buckets: listed, made, looked at, deleted.
 */
#ifndef HEARTH_GATEWAY_OP_BUCKET_H
#define HEARTH_GATEWAY_OP_BUCKET_H

#include "gateway/call.h"

void op_list_buckets(struct call *call);
void op_create_bucket(struct call *call);
void op_head_bucket(struct call *call);
void op_delete_bucket(struct call *call);

#endif /* HEARTH_GATEWAY_OP_BUCKET_H */
