/*
 * op_object.h - one object: put, got, looked at, deleted.
 */
#ifndef HEARTH_GATEWAY_OP_OBJECT_H
#define HEARTH_GATEWAY_OP_OBJECT_H

#include "gateway/call.h"

void op_put_object(struct call *call);
void op_get_object(struct call *call);
void op_head_object(struct call *call);
void op_delete_object(struct call *call);

#endif /* HEARTH_GATEWAY_OP_OBJECT_H */
